"""Frames as the host reads them: bytes from an adversary, made into checked messages or a ProtocolViolation."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from rlm_sandbox.base import JSON
from rlm_sandbox.errors import ProtocolViolation
from rlm_sandbox.runner.frames import HEADER_BYTES

STRUCTURE_BYTES = 1024 * 1024
"""What a frame may hold outside its strings: `[[],[],…` of 8 MiB would become 200 MB of lists."""

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


def _load(payload: bytes) -> JSON:
    if len(payload) > STRUCTURE_BYTES and len(_STRINGS.sub(b"", payload)) > STRUCTURE_BYTES:
        raise ProtocolViolation(f"a frame with more than {STRUCTURE_BYTES:,} bytes of structure")
    try:
        value = json.loads(payload.decode(), parse_constant=_refuse)
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
        self.cell_traffic = 0

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The messages that are complete now. Raises ProtocolViolation at the first byte too many."""
        self._buffer += data
        self.cell_traffic += len(data)
        if self.cell_traffic > self._cell_bytes:
            raise ProtocolViolation(f"a cell sent more than {self._cell_bytes:,} bytes")
        while (payload := self._next()) is not None:
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
