"""How host and converter talk: a header as JSON and a body as bytes, both after their lengths."""

import json
import struct
from collections.abc import Callable
from typing import Any

LENGTHS = struct.Struct(">II")
HEADER_BYTES = 16 * 1024 * 1024


def pack(header: dict[str, Any], body: bytes) -> bytes:
    """One frame."""
    text = json.dumps(header).encode()
    return LENGTHS.pack(len(text), len(body)) + text + body


def read(exactly: Callable[[int], bytes], body_bytes: int) -> tuple[dict[str, Any], bytes]:
    """The next frame, by means of a function that reads so many bytes or raises. ValueError when it is none."""
    header_length, body_length = LENGTHS.unpack(exactly(LENGTHS.size))
    if header_length > HEADER_BYTES or body_length > body_bytes:
        raise ValueError(f"a frame of {header_length} + {body_length} bytes")
    try:
        header = json.loads(exactly(header_length))
    except RecursionError as error:
        raise ValueError("a header nested without end") from error
    if not isinstance(header, dict):
        raise ValueError("a header that is no object")  # noqa: TRY004 - it is the sender's bytes that are wrong
    return header, exactly(body_length)
