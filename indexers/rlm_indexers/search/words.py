"""How text and questions become words: identifiers are split at underscores and capitals, on both sides alike."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_HUMP = re.compile(r"([A-Z])(?<=[a-z0-9].)")
"""A capital after a small letter; it looks back, since a search for capitals skips most of a text."""
_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"\w+")
STOPWORDS = frozenset(
    (
        *("a", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "did", "do", "does", "for"),
        *("from", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "of", "on", "or", "our"),
        *("should", "so", "some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they"),
        *("this", "those", "to", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with"),
        *("would", "you", "your"),
    )
)
_ENDINGS = (
    *(("ations", "ate"), ("ation", "ate"), ("izers", "ize"), ("izer", "ize"), ("ings", ""), ("ing", ""), ("ies", "y")),
    *(
        ("ied", "y"),
        ("edly", ""),
        ("ers", ""),
        ("ors", "or"),
        ("er", ""),
        ("ed", ""),
        ("es", ""),
        ("ly", ""),
        ("s", ""),
    ),
)


def split_identifiers(text: str) -> str:
    """The text with a blank at each hump of a camelCase word."""
    pieces = _HUMP.split(text)
    pieces[1::2] = map(" ".__add__, pieces[1::2])
    return "".join(pieces)


def words(text: str) -> list[str]:
    """The words of a question or name, in lower case, in order, with repetitions."""
    return [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text))]


def asked(question: str) -> list[str]:
    """The words that a question turns on, each once; all of them when it has nothing but small ones."""
    found = list(dict.fromkeys(words(question)))
    return [word for word in found if word not in STOPWORDS] or found


def stems(text: str) -> list[str]:
    """The words of a text as stems, in order, with repetitions."""
    return list(chain.from_iterable(map(_stems, _TOKEN.findall(text))))


@lru_cache(maxsize=200_000)
def _stems(token: str) -> tuple[str, ...]:
    """Of one identifier: a corpus repeats its own, so most are known."""
    return tuple(map(stem, words(token)))


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The word without its ending, so that `sending`, `sends` and `send` are one."""
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: len(word) - len(ending)] + instead
            break
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word


SMALL = frozenset(map(stem, STOPWORDS))
"""The stems of words that no question turns on."""


def telling(found: Iterable[str]) -> list[str]:
    """Those of some stems that are no small words; all of them when there are no others."""
    every = list(found)
    return [each for each in every if each not in SMALL] or every
