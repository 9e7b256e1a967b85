"""What a question is about, as words to search for: identifiers split, filler dropped, endings cut for comparing."""

import re
from collections.abc import Iterable

_FILLER = """
a about above after again all also am an and any are as at be because been before being below between both but by can
come comes could did do does doing done down during each either else every explain few find for from further get gets
give given goes had happen happens has have having he help her here hers him his how i if in into is it its itself just
know let like list made make makes many may me mean means might more most much must my name need needs no nor not now
of off on once one only or other our out over own part please put same say says see she should show so some such take
tell than that the their them then there these they thing this those through to too under until up us use used uses
using very want was way we well were what when where whether which while who whom whose why will with within without
would you your
"""
FILLER = frozenset(_FILLER.split())

_WORD = re.compile(r"[^\W_]+(?:[_.'-]+[^\W_]+)*")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
_ENDINGS = ("ications", "ication", "ations", "ation", "ings", "ing", "iers", "ier", "ies", "ied", "ers", "er", "ors")
_MORE_ENDINGS = ("or", "eds", "ed", "es", "s", "y", "e")


def wanted(question: str) -> tuple[str, ...]:
    """The words worth searching for, as written, in order, each once. Names like `parse_config` stay whole."""
    words = [word for word in _WORD.findall(question) if word.lower() not in FILLER]
    chosen = [word for word in words if len(word) > 1] or _WORD.findall(question)
    return tuple(dict.fromkeys(chosen))


def parts(word: str) -> tuple[str, ...]:
    """An identifier's parts in lower case: `parseHTTPConfig_v2` → parse, http, config, v, 2."""
    return tuple(part.lower() for part in _PART.findall(word))


def singular(word: str) -> str:
    """The word as a definition would be named after it: `citations` → citation."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def stem(word: str) -> str:
    """The word without its ending, so that `verified`, `verify` and `verification` meet. Crude on purpose."""
    for ending in (*_ENDINGS, *_MORE_ENDINGS):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def stems(text: str) -> frozenset[str]:
    """The stems of all words and parts of words in a text."""
    return frozenset(stem(part) for word in _WORD.findall(text) for part in parts(word))


def question_stems(words: Iterable[str]) -> tuple[str, ...]:
    """The stems a question asks for, filler inside identifiers dropped."""
    found = (stem(part) for word in words for part in parts(word) if part not in FILLER and len(part) > 1)
    return tuple(dict.fromkeys(found))
