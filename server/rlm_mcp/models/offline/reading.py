"""What a cell printed, read back: spans in the display format become places with their lines."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_HEADER = re.compile(r"(?P<document>\S.*):(?P<start>\d+)-(?P<end>\d+)$")
_NUMBERED = re.compile(r" *(?P<number>\d+)\| ?(?P<text>.*)$")
_LISTED = re.compile(r"(?P<document>\S.*?):(?P<number>\d+)\| ?(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Place:
    """Consecutive lines of a document that were printed."""

    document: str
    lines: tuple[tuple[int, str], ...]
    """Line number and text, in order, without gaps."""

    @property
    def start(self) -> int:
        return self.lines[0][0]

    @property
    def end(self) -> int:
        return self.lines[-1][0]

    @property
    def marker(self) -> str:
        """The citation: `[path:start-end]`."""
        return f"[{self.document}:{self.start}-{self.end}]"


def places(texts: Iterable[str]) -> list[Place]:
    """Every span and listed line in these texts, in order of appearance, each once."""
    found: dict[tuple[str, int, int], Place] = {}
    for text in texts:
        for place in _of(text):
            found.setdefault((place.document, place.start, place.end), place)
    return list(found.values())


def _of(text: str) -> list[Place]:
    found: list[Place] = []
    document = ""
    lines: list[tuple[int, str]] = []
    for line in [*text.split("\n"), ""]:
        numbered = _NUMBERED.match(line)
        if document and numbered and (not lines or int(numbered["number"]) == lines[-1][0] + 1):
            lines.append((int(numbered["number"]), numbered["text"]))
            continue
        if lines:
            found.append(Place(document, tuple(lines)))
        header, listed = _HEADER.match(line), _LISTED.match(line)
        document, lines = (header["document"] if header else ""), []
        if listed and not header:
            found.append(Place(listed["document"], ((int(listed["number"]), listed["text"]),)))
    return found
