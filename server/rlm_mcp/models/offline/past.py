"""Questions about when, why or by whom something was changed, answered from the history of a repository. By rule."""

import re
from collections.abc import Sequence

from rlm_mcp.models.offline.reading import Place
from rlm_mcp.models.offline.words import singular

_CHANGE = (
    r"(?:chang|introduc|add|remov|renam|fix|rais|lower|increas|decreas|bump|commit|wrote|writ|author|delet|mov|broke"
    r"|revert|deprecat|drop|creat|replac|rewr|touch)\w*"
)
ASKED = re.compile(
    rf"\b(?:when|why)\b[^?\n]*\b(?:did|was|were|has|have|had)\b[^?\n]*\b{_CHANGE}|\bwho\b[^?\n]*\b{_CHANGE}"
    r"|\b(?:which|what)\s+commits?\b|\bsince when\b|\bgit\s+(?:log|blame|history)\b",
    re.IGNORECASE,
)
FIRST = re.compile(r"\b(?:introduc|creat|add|first|begin|began|origin|since when)\w*", re.IGNORECASE)
"""What makes the oldest commit the likeliest among equals."""
_VERB = re.compile(rf"{_CHANGE}$", re.IGNORECASE)

CELL = """\
words, oldest_first, told = {words!r}, {oldest!r}, []
def weighed(commit):
    message, _, patch = corpus.read(commit.document).text.lower().partition("\\ndiff --git ")
    changed = "\\n".join(line for line in patch.split("\\n") if line[:1] in "+-")
    narrow = commit.document.count(":") > 1  # the patch of one path, not of all that a commit touches
    begins = "\\nnew file mode " in patch and not oldest_first  # which holds every word of the file
    return sum(2 * (word in message) + narrow * (2 - begins) * (word in changed) for word in words)
def evidence(commit):
    lines = corpus.read(commit.document).lines
    patch = next((n for n, line in enumerate(lines) if line.startswith("diff --git ")), len(lines))
    print(corpus.read(commit.document, 1, max(1, min(patch - 1, 12))))
    for n, line in enumerate(lines[patch:], patch + 1):
        if line[:1] in "+-" and line[:3] not in ("+++", "---") and any(word in line.lower() for word in words):
            print(corpus.read(commit.document, n, n))
            break
try:
    paths = list(dict.fromkeys(hit.document for hit in corpus.search(" ".join(words), limit=12)))
    paths = ([path for path in paths if not re.search(r"(^|/)(docs?|tests?)/", path)] or paths)[:3]
    commits = [commit for path in paths if path in corpus for commit in corpus.history(path, limit=30)]
    commits += corpus.log(grep="|".join(map(re.escape, words)), limit=20)
    each = {{}}
    for commit in commits:
        each.setdefault(commit.document.split(":")[1], commit)
    in_time = sorted(each.values(), key=lambda commit: commit.text[13:23], reverse=True)
    in_time = in_time[::-1] if oldest_first else in_time
    ranked = sorted(((weighed(commit), commit) for commit in in_time), key=lambda pair: -pair[0])
    told = [commit for weight, commit in ranked[:3] if weight and weight * 2 > ranked[0][0]]
    for commit in told:
        evidence(commit)
except Exception as error:
    print("the history could not be asked:", error)
if not told:
    {otherwise}
"""


def words(wanted: Sequence[str]) -> list[str]:
    """The words of a question without those that only say that something changed."""
    named = [word for word in wanted if not _VERB.match(word)] or list(wanted)
    return list(dict.fromkeys(singular(part) for word in named for part in word.lower().split(".") if part))


def without_verbs(words: Sequence[str], question: str) -> list[str]:
    """Of a question about the past, the words that do not just ask for a change: `changed` need be nowhere."""
    return [word for word in words if not (ASKED.search(question) and _VERB.match(word))]


def cell(wanted: Sequence[str], question: str, otherwise: str) -> str:
    """A cell that prints the likeliest commits; `otherwise`: the code to run when there is none."""
    indented = otherwise.strip().replace("\n", "\n    ")
    return CELL.format(words=words(wanted), oldest=bool(FIRST.search(question)), otherwise=indented)


def listed(read: Sequence[Place]) -> list[str]:
    """The commits that were printed, in that order, each with its citations; none when there were none."""
    lines: list[str] = []
    for place in read:
        if not place.document.startswith("commit:"):
            continue
        text = place.lines[0][1]
        if place.start == 1:
            reason = next((line for _, line in place.lines[1:] if line.strip() and line[0] != "["), "")
            said = f"`{_plain(text[13:])}`" + (f", saying `{_plain(reason)}`" if reason else "")
            lines.append(f"{len(lines) + 1}. {said} {place.marker}")
        elif lines:
            lines[-1] += f"; changed: `{_plain(text)}` {place.marker}"
    return lines


def _plain(line: str) -> str:
    """A line fit to stand between backticks, with nothing in it that reads as a citation."""
    return re.sub(r":(?=L?\d)", ": ", re.sub(r"[\[\]]", "|", line.replace("`", "'")))[:160]
