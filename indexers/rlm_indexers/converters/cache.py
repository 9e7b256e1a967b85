"""Derived texts by the hash of what they were derived from, so that only what changed is converted again."""

import contextlib
import hashlib
import io
import os
import tempfile
from pathlib import Path

from rlm_indexers.converters import frames
from rlm_indexers.converters.base import VERSIONS, Converted, Unreadable
from rlm_indexers.converters.process import Converter, checked

_ENTRY_BYTES = 2**31


class DerivedTexts:
    """Converts through `converter`, and remembers under `folder` what came of it; without a folder, nothing."""

    def __init__(self, folder: Path | None, converter: Converter) -> None:
        self._folder = folder
        self._converter = converter

    def convert(self, form: str, data: bytes, sha256: str) -> Converted:
        """The text of a file, as `Converter.convert` gives it, from the cache when it is there."""
        path = self._path(form, sha256)
        if path is not None and (known := _recalled(path)) is not None:
            return checked(*known)
        try:
            converted = self._converter.convert(form, data)
        except Unreadable as error:
            if path is not None and not str(error).startswith("converter-timeout"):  # a busy machine is no property
                _remember(path, frames.pack({"error": str(error)}, b""))
            raise
        if path is not None:
            header = {"anchors": converted.anchors, "flags": converted.flags}
            _remember(path, frames.pack(header, converted.text.encode()))
        return converted

    def _path(self, form: str, sha256: str) -> Path | None:
        if self._folder is None:
            return None
        key = hashlib.sha256(f"{form} {VERSIONS[form]} {self._converter.limits} {sha256}".encode()).hexdigest()
        return self._folder / key[:2] / key[2:]


def _recalled(path: Path) -> tuple[dict[str, object], bytes] | None:
    """What is remembered at a path; None when nothing is, or nothing whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, stream = data[:32], io.BytesIO(data[32:])
    if hashlib.sha256(data[32:]).digest() != digest:
        return None
    return frames.read(stream.read, _ENTRY_BYTES)


def _remember(path: Path, frame: bytes) -> None:
    """Write all of it or nothing. A cache that cannot be written to is slow, not wrong."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(frame).digest() + frame)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
