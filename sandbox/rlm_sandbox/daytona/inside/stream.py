r"""Messages over a line that shows strangers' text, loses bytes and breaks: numbered, checked, kept until taken.

One line is `<prefix><number>.<kind><crc32><base64>\n`. The prefix is random and never shown, so that prompts, echoes
and messages of a shell are skipped. What was sent is kept until the other end has taken it; after a broken connection
both ends say what they expect next, and get it again. So a lost connection costs its round trips, and nothing else.
"""

import base64
import binascii
from collections import deque
from collections.abc import Iterator

LINE_BYTES = 24_000
"""Of data in one line: 32,000 in base64, so that a line fits into one chunk of a terminal, 32 KiB."""

LONGEST = 40_000
WINDOW = 8 * 1024 * 1024
"""How many bytes may be on their way before the sender has to wait."""

DATA, END, INTERRUPT, KILL = b"d", b"e", b"i", b"k"
"""Numbered and kept: bytes of the channel, the runner's end in words, two signals to it."""

TAKEN, RESUME, RESUMED = b"a", b"r", b"c"
"""Not kept; their number is what is expected next. RESUME asks for it again and wants to hear RESUMED."""


def _checksum(kind: bytes, number: int, text: bytes) -> bytes:
    return b"%08x" % binascii.crc32(b"%s%d.%s" % (kind, number, text))


class Stream:
    """One end. Not safe for threads: its owner takes a lock."""

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self._rest = b""
        self._next = 0
        self._kept: deque[tuple[int, bytes]] = deque()
        self._expected = 0
        self._asked = -1
        self.on_the_way = 0
        """Bytes that were sent and not taken yet."""
        self.answers: list[bytes] = []
        """Lines that `feed` found to be sent; its caller sends and clears them."""

    def _line(self, kind: bytes, number: int, data: bytes = b"") -> bytes:
        text = base64.b64encode(data)
        return b"%s%d.%s%s%s\n" % (self._prefix, number, kind, _checksum(kind, number, text), text)

    def say(self, kind: bytes, data: bytes = b"") -> bytes:
        """The next line; kept until it is taken."""
        line = self._line(kind, self._next, data)
        self._kept.append((self._next, line))
        self.on_the_way += len(line)
        self._next += 1
        return line

    def taken(self, number: int) -> bytes:
        """Says that every line up to and with `number` has been dealt with."""
        return self._line(TAKEN, number + 1)

    def resume(self) -> bytes:
        """Says, after a break, what is expected next. Begins with a line end: half a line may have gone before."""
        return b"\n" + self._line(RESUME, self._expected)

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        """Number, kind and bytes of each new line, in order and once."""
        *whole, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-LONGEST:]
        for text in whole:
            _, found, ours = text.rpartition(self._prefix)
            parsed = self._parse(ours) if found else None
            if parsed is None:
                continue
            number, kind, body = parsed
            if kind in (TAKEN, RESUME, RESUMED):
                self._settle(kind, number)
            elif self._is_next(number):
                yield number, kind, body

    def _parse(self, ours: bytes) -> tuple[int, bytes, bytes] | None:
        digits, _, body = ours.partition(b".")
        kind, check, text = body[:1], body[1:9], body[9:]
        if not digits.isdigit() or len(digits) > 12 or check != _checksum(kind, int(digits), text):
            return None
        try:
            return int(digits), kind, base64.b64decode(text, validate=True)
        except binascii.Error:
            return None

    def _is_next(self, number: int) -> bool:
        if number == self._expected:
            self._expected += 1
            return True
        if number > self._expected and self._asked != self._expected:
            self._asked = self._expected
            self.answers.append(self.resume())
        return False

    def _settle(self, kind: bytes, number: int) -> None:
        """Forget what was taken; send the rest again if asked to."""
        if number > self._next:
            return
        while self._kept and self._kept[0][0] < number:
            self.on_the_way -= len(self._kept.popleft()[1])
        if kind == TAKEN:
            return
        if kind == RESUME:
            self.answers.append(self._line(RESUMED, self._expected))
        self.answers += [line for _, line in self._kept]
