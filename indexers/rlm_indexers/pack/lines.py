"""The line index of one document, made when it is packed."""

import re
from collections.abc import Iterable

from rlm_indexers.pack.reader import STRIDE

_STRIDE_LINES = re.compile(rb"(?:[^\n]*+\n){%d}" % STRIDE)


def count_lines(data: bytes) -> int:
    r"""How many lines the bytes have: each ends with `\n`, the last one may lack it."""
    return data.count(b"\n") + bool(data and not data.endswith(b"\n"))


def line_blocks_of(pieces: Iterable[bytes]) -> tuple[int, list[int]]:
    """The same as `line_blocks`, of bytes that come in pieces."""
    starts, lines, offset, last = [0], 0, 0, b""
    for piece in pieces:
        at = -1
        while (at := piece.find(b"\n", at + 1)) >= 0:
            lines += 1
            if lines % STRIDE == 0:
                starts.append(offset + at + 1)
        offset, last = offset + len(piece), piece[-1:]
    return lines + (last not in (b"\n", b"")), [start for start in starts if start < offset]


def line_blocks(data: bytes) -> tuple[int, list[int]]:
    """The number of lines, and the offsets at which lines 1, 65, 129, … begin."""
    starts = [0] if data else []
    # `match` from each end, not `finditer`: that would try every byte of a tail too short to hold a stride.
    while starts and (match := _STRIDE_LINES.match(data, starts[-1])) and match.end() < len(data):
        starts.append(match.end())
    return count_lines(data), starts
