r"""The part of a pattern that a search can skip to: where `_handler\(` does not match, `\w+_handler\(` does not.

An automaton whose first letters are known reads text some twenty times as fast as one that may begin anywhere.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

_CLASS = r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]"
_TOKEN = re.compile(
    rf"""(?P<literal> \\[^A-Za-z0-9] | [^\\.^$|?*+()\[\]{{}}])
    | (?P<flags> \(\?[a-zA-Z-]+\)) | (?P<open> \() | (?P<close> \)) | (?P<choice> \|) | (?P<quote> \\Q)
    | (?P<other> \\[pP]\{{[^}}]*\}} | \\x\{{[^}}]*\}} | \\x.. | \\[pP]. | \\[0-7]{{1,3}} | \\. | {_CLASS} | .)""",
    re.VERBOSE | re.DOTALL,
)
_REPEAT = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\??")
Element = tuple[str, int]
"""What stands there (the name of a group of `_TOKEN`; "other" also for groups and what is repeated), and where."""


def from_literal(pattern: str) -> str:
    """A pattern from its longest plain text on, "" if it has none: each line that matches the whole matches that too.

    The syntax is re2's, and the pattern a valid one.
    """
    flags, longest, run = "", (0, 0), (0, 0)
    for kind, start in _elements(pattern):
        if kind in ("choice", "quote"):
            return ""
        if kind == "flags":
            flags += pattern[start : pattern.index(")", start) + 1]
        run = (run[0] + 1, run[1] if run[0] else start) if kind == "literal" else (0, 0)
        longest = max(longest, run, key=lambda each: each[0])
    length, start = longest
    return flags + pattern[start:] if length else ""


def alternatives(pattern: str) -> list[str]:
    """What a valid pattern chooses between, outside all groups; the pattern itself where flags or quotes stand."""
    found = list(_elements(pattern))
    if any(kind in ("flags", "quote") for kind, _ in found):
        return [pattern]
    cuts = [start for kind, start in found if kind == "choice"]
    return [pattern[start + 1 : end] for start, end in pairwise([-1, *cuts, len(pattern)])]


def _elements(pattern: str) -> Iterator[Element]:
    """What follows one another outside all groups."""
    at = depth = opened = 0
    while token := _TOKEN.match(pattern, at):
        kind, start = str(token.lastgroup), at
        if kind == "open":
            opened, depth = opened if depth else at, depth + 1
        elif kind == "close":
            kind, start, depth = "other", opened, depth - 1
        repeat = _REPEAT.match(pattern, token.end())
        at = repeat.end() if repeat else token.end()
        if not depth:
            yield "other" if repeat else kind, start
