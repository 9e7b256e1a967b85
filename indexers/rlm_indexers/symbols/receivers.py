"""What stands before a name: found in the text, which costs a fraction of asking the tree."""

from rlm_indexers.symbols.facts import SUPER, UNKNOWN

_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$@.:") | frozenset(range(128, 256))
_BLANK = bytes(byte if byte in _KEPT else 32 for byte in range(256))
_LONGEST = 80
SEPARATORS = frozenset(b".>:")
"""The last bytes of what can stand between a receiver and a name."""


class Receivers:
    """The receivers in one document."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._flat = data.translate(_BLANK)
        self._said: dict[bytes, str] = {}

    def before(self, start: int) -> str:
        """`a.b` for the name in `a.b.name`; "" for a bare name; UNKNOWN for what is no plain name."""
        end = start - _separator(self._data, start)
        if end == start:
            return ""
        begin = self._flat.rfind(b" ", max(0, end - _LONGEST), end) + 1
        raw = self._data[begin:end] if begin else b""
        if not raw:
            return SUPER if self._data.endswith(b"super()", 0, end) else UNKNOWN
        return self._said.get(raw) or self._said.setdefault(raw, _as_said(raw))


def _as_said(raw: bytes) -> str:
    receiver = raw.lstrip(b"@")
    return UNKNOWN if not receiver or receiver[0] in b".:0123456789" else receiver.decode("utf-8", "replace")


def _separator(data: bytes, start: int) -> int:
    """The length of `.`, `->`, `::`, `?.` or `?->` before a name; 0 when it stands alone."""
    last = data[start - 1 : start]
    if last == b".":
        return 2 if data[start - 2 : start - 1] == b"?" else 1
    if last in (b">", b":") and data[start - 2 : start - 1] == (b"-" if last == b">" else b":"):
        return 3 if data[start - 3 : start - 2] == b"?" else 2
    return 0
