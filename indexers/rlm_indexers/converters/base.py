"""What a converter gives back, and how it refuses. Standard library only: both sides of the wall import it."""

import re
from dataclasses import dataclass
from typing import Any

VERSIONS = {"pdf": 1, "html": 1, "notebook": 1, "mail": 1}
"""Per format. Raise one when its output changes: what was derived by an earlier version is then converted anew."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Converted:
    """The text of one file, each line with its end, and from which line on which origin holds."""

    text: str
    anchors: tuple[tuple[int, dict[str, Any]], ...] = ()
    flags: tuple[str, ...] = ()


class Unreadable(Exception):
    """A file that gives no text. The message is the reason: a stable slug, optionally `: detail`."""


class Lines:
    """Text under construction, with its anchors."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._anchors: list[tuple[int, dict[str, Any]]] = []
        self.characters = 0

    def __len__(self) -> int:
        return len(self._lines)

    def anchor(self, **values: Any) -> None:
        """The next line that is added, and those after it, come from there."""
        self._anchors.append((len(self._lines) + 1, values))

    def add(self, text: str) -> None:
        """All lines of a text, free of control characters; an empty text is one empty line."""
        for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
            clean = _CONTROL.sub("", line).rstrip()
            self._lines.append(clean)
            self.characters += len(clean) + 1

    def converted(self, *flags: str) -> Converted:
        """What was added, an anchor with no line after it left out."""
        text = "".join(f"{line}\n" for line in self._lines)
        anchors = tuple(anchor for anchor in self._anchors if anchor[0] <= len(self._lines))
        return Converted(text, anchors, flags)


def ranges(numbers: list[int]) -> str:
    """Ascending numbers in short: `1-3,7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ",".join("-".join(map(str, run)) for run in runs)
