"""What git writes for programs, read: commits, blame, names of what changed.

Fields are separated by NUL, which no commit can hold: not a message, a name or a path can pass for another field.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

SHORT = 12
"""Characters of a commit's name by which it goes."""
_FIELDS = "%H%x00%P%x00%an%x00%aI%x00%s"
FORMAT = f"--format={_FIELDS}%x00"
WHOLE = f"--format={_FIELDS}%x00%b"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_IN_A_BODY = re.compile(r"(?![\t\n])[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_QUOTED = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `date` is the author's, ISO 8601 in the zone it was written in. Names are as the commit has them."""

    sha: str
    author: str
    date: str
    subject: str
    path: str = ""
    """The path asked about, as it was called in this commit."""
    parents: tuple[str, ...] = ()
    body: str = field(default="", compare=False)
    cut: bool = False
    """Whether a shallow history ends here: what it changed is not known then."""

    def __str__(self) -> str:
        """One line: the start of its name, the day, who, what."""
        cut = " (history is cut here: shallow clone)" if self.cut else ""
        return f"{self.sha[:SHORT]} {self.date[:10]} {self.author}: {self.subject}{cut}"

    def at(self, path: str) -> "Commit":
        return replace(self, path=path)


class Line(NamedTuple):
    """A line of a file, the commit that last touched it, and what the file was called there."""

    line: int
    sha: str
    path: bytes


def commits(said: bytes, path: str, ends: Collection[str]) -> Iterator[Commit]:
    """The commits that `git log -z` wrote in one of the formats above. `ends`: where a shallow history is cut."""
    fields = said.decode("utf-8", "replace").split("\0")
    for at in range(0, len(fields) - 1, 6):
        sha, parents, author, date, subject, body = fields[at : at + 6]
        yield Commit(
            sha, _visible(author), date, _visible(subject), path, tuple(parents.split()), _body(body), sha in ends
        )


def changes(said: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Letter, path, and the earlier path of what was renamed or copied, of `--name-status -z`."""
    parts = iter(said.split(b"\0"))
    for status in parts:
        if status:
            letter = status[:1].decode()
            first = next(parts)
            yield (letter, next(parts), first) if letter in "RC" else (letter, first, b"")


def blamed(said: bytes) -> Iterator[Line]:
    """The lines that `git blame --line-porcelain` wrote."""
    sha, line, path = "", 0, b""
    for row in said.split(b"\n"):
        if row.startswith(b"\t"):
            yield Line(line, sha, path)
            sha = ""
        elif not sha:
            name, _, numbers = row.partition(b" ")
            sha, line = name.decode(), int(numbers.split()[1]) if numbers else 0
        elif row.startswith(b"filename "):
            path = _unquoted(row.removeprefix(b"filename "))


def _visible(text: str) -> str:
    r"""On one line, with what a terminal would obey written `\x1b`."""
    return _CONTROL.sub(_escaped, text)


def _body(text: str) -> str:
    return _IN_A_BODY.sub(_escaped, text.replace("\r\n", "\n").strip("\n"))


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in found[0].encode())


def _unquoted(path: bytes) -> bytes:
    """A path as git writes it in C's manner where it must."""
    if not path.startswith(b'"'):
        return path
    return _QUOTED.sub(lambda m: bytes([int(m[1], 8)]) if len(m[1]) == 3 else _LETTERS.get(m[1], m[1]), path[1:-1])
