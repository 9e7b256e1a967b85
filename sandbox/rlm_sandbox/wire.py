"""Frames as the host reads them: bytes from an adversary, made into checked messages or a ProtocolViolation."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from rlm_sandbox.base import JSON
from rlm_sandbox.errors import ProtocolViolation
from rlm_sandbox.runner.frames import HEADER_BYTES

PIECES = 500_000
"""How many values all frames of one cell may hold: `[[],[],…` of 8 MiB would become 200 MB of lists."""

PIECE_BYTES = 100
"""What a value takes in memory beyond its text."""

FEW_PIECES = 1_000
DEPTH = 100
"""How deep values may nest. Whatever is done with them later recurses too, on a stack that is deeper already."""

_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_SURROGATES = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE = re.compile("[\ud800-\udfff]")

FIELDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "ready": {"protocol": int, "lock": list},
    "failed": {"kind": str, "message": str},
    "call": {"id": int, "name": str, "args": dict},
    "done": {"key": str, "stdout": str, "size": int, "error": (dict, type(None)), "line": (int, type(None))},
}
"""Every message the host listens to, and the fields it relies on."""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _without_surrogates(value: JSON) -> JSON:
    """An escaped half of a surrogate pair is fine JSON, but the string it makes cannot be written to any file."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_LONE.sub("\ufffd", key): _without_surrogates(item) for key, item in value.items()}
    return value


def pieces(payload: bytes) -> int:
    """How many values a frame holds, or a few more. What looks like one inside a string counts if there are few."""
    count = _signs(payload)
    return count if count <= FEW_PIECES else _signs(_STRINGS.sub(b"", payload))


def _signs(text: bytes) -> int:
    return sum(map(text.count, (b",", b"[", b"{")))


def _check_depth(value: JSON) -> None:
    level = [value]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return
    raise ProtocolViolation(f"a frame that nests deeper than {DEPTH}")


def _containers(value: JSON) -> list[JSON]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in inner if isinstance(item, (dict, list))]


def _load(payload: bytes) -> JSON:
    try:
        value = json.loads(payload.decode(), parse_constant=_refuse)
        _check_depth(value)
        return _without_surrogates(value) if _SURROGATES.search(payload) else value
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation(f"a frame that is not JSON: {type(error).__name__}") from error


def parse(payload: bytes) -> dict[str, Any]:
    """The message in a frame. Raises ProtocolViolation unless it is one of FIELDS, with fields of those types."""
    message = _load(payload)
    kind = message.get("t") if isinstance(message, dict) else None
    fields = FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise ProtocolViolation("a frame that is no message of ours")
    for name, expected in fields.items():
        value = message.get(name)
        if not isinstance(value, expected) or isinstance(value, bool):
            raise ProtocolViolation(f"a {kind} message without a proper {name!r}")
    return {str(key): value for key, value in message.items()}


class Inbound:
    """Finds frames in chunks of any size, and counts what one cell sends."""

    def __init__(self, frame_bytes: int, cell_bytes: int) -> None:
        self._buffer = bytearray()
        self._frame_bytes = frame_bytes
        self._cell_bytes = cell_bytes
        self.begin_cell()

    def begin_cell(self) -> None:
        """Count from nothing."""
        self.cell_traffic = self._pieces = 0

    @property
    def weight(self) -> int:
        """What the cell's frames take in memory when all of them are kept."""
        return self.cell_traffic + PIECE_BYTES * self._pieces

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The messages that are complete now. Raises ProtocolViolation at the first byte too many."""
        self._buffer += data
        self.cell_traffic += len(data)
        if self.cell_traffic > self._cell_bytes:
            raise ProtocolViolation(f"a cell sent more than {self._cell_bytes:,} bytes")
        while (payload := self._next()) is not None:
            self._pieces += pieces(payload)
            if self._pieces > PIECES:
                raise ProtocolViolation(f"a cell sent more than {PIECES:,} values")
            yield parse(payload)

    def _next(self) -> bytes | None:
        if len(self._buffer) < HEADER_BYTES:
            return None
        size = int.from_bytes(self._buffer[:HEADER_BYTES], "big")
        if size > self._frame_bytes:
            raise ProtocolViolation(f"a frame of {size:,} bytes; {self._frame_bytes:,} may pass")
        end = HEADER_BYTES + size
        if len(self._buffer) < end:
            return None
        payload = bytes(memoryview(self._buffer)[HEADER_BYTES:end])
        del self._buffer[:end]
        return payload
