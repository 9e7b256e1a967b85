"""What cells print: captured without limit in count, kept within limit in memory, shown within limit in text."""

import io
from collections import deque

SMALL = 100
"""Characters of an old output that are not worth giving up."""


def utf8_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def shorten(text: str, size: int, limit: int, note: str) -> str:
    """`text` if it fits into `limit` bytes; else its head and tail, with the true `size` and `note` in between."""
    data = text.encode("utf-8", "replace")
    if size <= limit and len(data) <= limit:
        return text
    half = limit // 2
    head = data[:half].decode("utf-8", "ignore")
    tail = data[len(data) - half :].decode("utf-8", "ignore")
    return f"{head}\n[… {max(size - 2 * half, 0):,} of {size:,} bytes not shown{note} …]\n{tail}"


class Capture(io.TextIOBase):
    """A text stream that counts everything and keeps the beginning and the end."""

    encoding = "utf-8"

    def __init__(self, kept: int) -> None:
        super().__init__()
        self._half = max(kept // 2, 1)
        self.begin()

    def begin(self) -> None:
        """Forget what was written."""
        self.size = 0
        self._head: list[str] = []
        self._head_room = self._half
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self._lost = False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.size += utf8_size(text)
        room = self._head_room
        if room:
            self._head.append(text[:room])
            self._head_room -= min(room, len(text))
        if len(text) > room:
            self._keep_tail(text[room:][-self._half :], cut=len(text) - room > self._half)
        return len(text)

    def _keep_tail(self, text: str, *, cut: bool) -> None:
        self._lost = self._lost or cut
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size - len(self._tail[0]) >= self._half:
            self._tail_size -= len(self._tail.popleft())
            self._lost = True

    def kept(self) -> str:
        """What was written, or its beginning and end when that was more than is kept."""
        gap = ["\n[… not kept …]\n"] if self._lost else []
        return "".join([*self._head, *gap, *self._tail])


class Outputs(dict[int, str]):
    """`out[n]`: what cell n printed. Old ones give way when all together outgrow the bound."""

    def __init__(self, bound: int) -> None:
        super().__init__()
        self._bound = bound
        self._texts: dict[int, str] = {}

    def keep(self, number: int, text: str) -> None:
        """What a cell wrote into this dict is gone afterwards: it holds outputs, and all of them."""
        texts = self._texts
        texts[number] = text
        total = sum(map(len, texts.values()))
        for old in list(texts)[:-1]:
            if total <= self._bound:
                break
            if len(texts[old]) > SMALL:
                total -= len(texts[old])
                texts[old] = f"[… {len(texts[old]):,} characters, given up to make room …]"
        self.clear()
        self.update(texts)
