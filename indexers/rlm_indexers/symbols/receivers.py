"""What stands before a name: found in the text, which costs a fraction of asking the tree."""

from rlm_indexers.symbols.facts import SUPER, UNKNOWN

_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$@.:") | frozenset(range(128, 256))
_BLANK = bytes(byte if byte in _KEPT else 32 for byte in range(256))
_LONGEST = 80
_DOT, _QUESTION = b".?"
_SEPARATORS = frozenset(b".>:")
"""The last bytes of what can stand between a receiver and a name."""


class Receivers:
    """The receivers in one document."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._flat = data.translate(_BLANK)
        self._said = _Said()

    def before(self, start: int) -> str:
        """`a.b` for the name in `a.b.name`; "" for a bare name; UNKNOWN for what is no plain name."""
        data = self._data
        last = data[start - 1] if start else 0
        if last not in _SEPARATORS:
            return ""
        end = start - 1 if last == _DOT and data[start - 2] != _QUESTION else start - _separator(data, start)
        if end == start:
            return ""
        begin = self._flat.rfind(b" ", end - _LONGEST if end > _LONGEST else 0, end) + 1
        raw = data[begin:end] if begin else b""
        if raw:
            return self._said[raw]
        return SUPER if data.endswith(b"super()", 0, end) else UNKNOWN


class _Said(dict[bytes, str]):
    """What stands before names, as a receiver, each worked out once."""

    def __missing__(self, raw: bytes) -> str:
        receiver = raw.lstrip(b"@")
        is_name = receiver and receiver[0] not in b".:0123456789"
        said = self[raw] = receiver.decode("utf-8", "replace") if is_name else UNKNOWN
        return said


def _separator(data: bytes, start: int) -> int:
    """The length of `.`, `->`, `::`, `?.` or `?->` before a name; 0 when it stands alone."""
    last = data[start - 1 : start]
    if last == b".":
        return 2 if data[start - 2 : start - 1] == b"?" else 1
    if last in (b">", b":") and data[start - 2 : start - 1] == (b"-" if last == b">" else b":"):
        return 3 if data[start - 3 : start - 2] == b"?" else 2
    return 0
