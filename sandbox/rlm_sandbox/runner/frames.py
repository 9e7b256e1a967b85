"""Frames: a length in four bytes, big-endian, then one JSON object in UTF-8. Used on both sides of the wall."""

import json
from os import read, write
from typing import Any

HEADER_BYTES = 4
PROTOCOL = 1
"""Raised with every change that an older runner would misread."""

CHECK = 0
"""The number of a cell by which the host looks whether cells still run; it leaves no output behind."""

_encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

_decode_json = json.JSONDecoder().decode
# Bound here, once: a cell may replace what the json module offers.


def encode(message: dict[str, Any]) -> bytes:
    """One frame. Lone surrogates become "?"; NaN and foreign objects raise ValueError and TypeError."""
    payload = _encode_json(message).encode("utf-8", "replace")
    return len(payload).to_bytes(HEADER_BYTES, "big") + payload


def write_all(fd: int, data: bytes) -> None:
    """Returns when every byte has been taken."""
    view = memoryview(data)
    while view:
        view = view[write(fd, view) :]


def read_exactly(fd: int, size: int) -> bytes:
    """`size` bytes, or fewer if the other side has ended."""
    parts: list[bytes] = []
    while size:
        part = read(fd, min(size, 1 << 20))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_frame(fd: int) -> dict[str, Any] | None:
    """The next message, or None at the end."""
    header = read_exactly(fd, HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    size = int.from_bytes(header, "big")
    payload = read_exactly(fd, size)
    if len(payload) < size:
        return None
    message: dict[str, Any] = _decode_json(payload.decode())
    return message
