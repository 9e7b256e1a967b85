"""The offline model: one cell that searches, one that answers with what was found. It never pretends to reason."""

import re
from collections.abc import Sequence

from rlm_mcp.models.base import NO_USAGE, Message, Price, Reply, Request, Usage
from rlm_mcp.models.errors import NoModel
from rlm_mcp.models.offline import past, words
from rlm_mcp.models.offline.ranking import Finding, best
from rlm_mcp.models.offline.reading import places

NAME = "offline"

PLAIN = "No language model was used (offline mode): this was found by searching for the question's words."
FREE = Price(0.0, 0.0)

_QUESTION = re.compile(r"^[#*\s]*question[*]*\s*:?[*]*[ \t]*\n?", re.IGNORECASE | re.MULTILINE)
LAST_CALL = "No more code will run"
"""What the engine says when only a text can still be an answer."""

SEARCH_CELL = """\
words = {words!r}
found = []
for word in {names!r}:
    found += corpus.symbols("*" + word + "*")[:6]
found = list(corpus.search(" ".join(words), limit=12)) + found
if not found:
    found = list(corpus.grep({pattern!r}, limit=40, ignore_case=True, context=2))
shown, room = set(), 14000
for span in found:
    text = span.show(14)
    if span.ref in shown or len(text) > room:
        continue
    shown.add(span.ref)
    room -= len(text)
    print(text)
if not shown:
    print("nothing found for:", ", ".join(words))
absent = [word for word in {plain!r} if not corpus.grep(word, literal=True, ignore_case=True, limit=1)]
if absent:
    print("no line holds:", ", ".join(absent))
"""
GREP_CELL = """\
found = corpus.grep({pattern!r}, limit=20, ignore_case=True)
for span in found or [document.read(1, 3) for document in corpus.docs[:2]]:
    print(span.show(3)[:600])
"""
"""Shows the start of the corpus when no word is in it: an answer is accepted only from who has seen some of it."""
_PRINT_LIMIT = 120
_ABSENT = re.compile(r"^no line holds: (.+)$", re.MULTILINE)
"""As the cell printed it: lines of the corpus are printed behind their number, so none can pass for this one."""


class OfflineModel:
    """A root model made of rules. The same messages always get the same reply."""

    name = NAME
    address = ""
    window: int | None = None

    def price(self) -> Price | None:
        return FREE

    def estimate(self, request: Request) -> Usage:  # noqa: ARG002 - the protocol's shape
        return NO_USAGE

    async def complete(self, request: Request) -> Reply:
        return Reply(_reply(request.messages), NO_USAGE, NAME, "stop", 0.0)

    async def close(self) -> None:
        return


class NoSubModel(OfflineModel):
    """What stands where a sub-model would: it says that there is none."""

    async def complete(self, request: Request) -> Reply:  # noqa: ARG002 - the protocol's shape
        raise NoModel(
            "There is no sub-model in offline mode.",
            model=NAME,
            advice="Set RLM_MODEL (and a provider's key) to a language model, or search with corpus.search.",
        )


def _reply(messages: Sequence[Message]) -> str:
    question = question_of(messages)
    wanted = words.wanted(question)
    turn = sum(message.role == "assistant" for message in messages)
    ended = LAST_CALL in messages[-1].content or not _has_repl(messages)
    if turn == 0 and not ended:
        return _first(question, wanted)
    findings = best(wanted, places(_printed(messages)))
    commits = past.listed(places(_printed(messages))) if past.ASKED.search(question) else []
    if not findings and not commits and turn == 1 and not ended:
        return _cell("The search showed nothing; looking for the words themselves.", GREP_CELL, wanted)
    answer = "\n".join([PLAIN, "", "Commits, the likeliest first:", *commits]) if commits else _answer(wanted, findings)
    answer += _absent(messages)
    if not _has_repl(messages):
        return answer
    # Refused twice as a cell, or too late for one: as text.
    return f"FINAL({answer})" if ended or turn > 3 else f"```repl\nFINAL({answer!r})\n```"


def _first(question: str, wanted: Sequence[str]) -> str:
    search = _cell("Searching for the question's words.", SEARCH_CELL, wanted)
    if not past.ASKED.search(question):
        return search
    code = search.partition("```repl\n")[2].removesuffix("```")
    return f"Asking the history of the repository.\n```repl\n{past.cell(wanted, question, code)}```"


def _has_repl(messages: Sequence[Message]) -> bool:
    """Whether cells are run at all: an engine that asks directly, about a text it shows, says nothing of blocks."""
    return any("repl" in message.content for message in messages if message.role == "system")


def question_of(messages: Sequence[Message]) -> str:
    """The question in the first user message: what follows `Question:`, or else its first paragraph.

    It ends where the corpus is described, or else with its paragraph.
    """
    text = next((message.content for message in messages if message.role == "user"), "")
    labelled = _QUESTION.search(text)
    rest = text[labelled.end() :] if labelled else text.strip()
    ends = rest.find("\n\nCorpus: ")
    return (rest[:ends] if ends >= 0 else re.split(r"\n[ \t]*\n", rest, maxsplit=1)[0]).strip()


def _printed(messages: Sequence[Message]) -> list[str]:
    """What came back, newest first: what a cell printed counts before what was shown unasked."""
    return [message.content for message in reversed(messages) if message.role == "user"]


def _cell(thought: str, template: str, wanted: Sequence[str]) -> str:
    plain = [words.singular(word) for word in wanted]
    # Symbols are found by their exact letters: `citation` and `Citation` are two searches.
    names = list(dict.fromkeys(form for name in plain for form in (name, name.lower(), name.capitalize())))
    pattern = "|".join(re.escape(name) for name in plain) or r"\S"
    return f"{thought}\n```repl\n{template.format(words=list(wanted), names=names, pattern=pattern, plain=plain)}```"


def _answer(wanted: Sequence[str], findings: Sequence[Finding]) -> str:
    if not findings:
        return f"{PLAIN} Nothing was found for: {', '.join(wanted)}. Other words may find more; a language model would."
    listed = [f"{i}. `{_quoted(finding.quote)}` {finding.place.marker}" for i, finding in enumerate(findings, 1)]
    return "\n".join([PLAIN, "", "Best matches:", *listed])


def _absent(messages: Sequence[Message]) -> str:
    """What the search says of words that are nowhere, and of what was not searched."""
    said = [match[1] for text in _printed(messages) if (match := _ABSENT.search(text))]
    found = past.without_verbs(said[0].split(", "), question_of(messages)) if said else []
    if not found:
        return ""
    left_out = re.search(r"^Corpus: .*; not in it: (.+)\.$", messages[1].content, re.MULTILINE)
    rest = f" Not searched: {left_out[1]}." if left_out else " Everything was searched."
    return f"\n\nNo line of the corpus holds: {', '.join(found)}.{rest}"


def _quoted(line: str) -> str:
    """A line fit to stand between backticks, without anything that reads as a citation of its own."""
    plain = re.sub(r"\[(?=[^\[\]]*:\s?L?\d)", "(", line.replace("`", "'"))
    return plain if len(plain) <= _PRINT_LIMIT else plain[:_PRINT_LIMIT] + " …"
