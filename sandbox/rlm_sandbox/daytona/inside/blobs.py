"""The content-addressed store of a sandbox.

`blobs/<sha256>` lies beside `<sha256>.json`, its segments in order. `incoming/<sha256 of a segment>.z` (zlib) or `.raw`
is what was uploaded. A segment that an older blob holds is copied from there, so nothing is kept twice.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

BLOCK = 1 << 20
PACKED, RAW = ".z", ".raw"


class Blobs:
    """The store below one folder."""

    def __init__(self, root: Path) -> None:
        self.blobs = root / "blobs"
        self.incoming = root / "incoming"

    def held(self) -> dict[str, Any]:
        """The hashes of whole blobs, and of the segments that need not be sent."""
        segments = set(self._places())
        if self.incoming.is_dir():
            segments |= {path.stem for path in self.incoming.iterdir() if path.suffix in (PACKED, RAW)}
        return {"blobs": [path.stem for path in self.blobs.glob("*.json")], "segments": sorted(segments)}

    def _places(self) -> dict[str, tuple[Path, int, int]]:
        """Where each segment of each blob lies."""
        places = {}
        for manifest in self.blobs.glob("*.json"):
            for sha256, offset, length in json.loads(manifest.read_bytes())["segments"]:
                places[sha256] = (manifest.with_suffix(""), offset, length)
        return places

    def assemble(self, sha256: str) -> dict[str, Any]:
        """Either the blob is whole now (`blob`), or some segments were missing or damaged (`bad`)."""
        manifest, whole = self.incoming / f"{sha256}.json", self.blobs / f"{sha256}.json"
        if whole.is_file():
            return {"blob": sha256}
        segments = json.loads(manifest.read_bytes())["segments"]
        self.blobs.mkdir(parents=True, exist_ok=True)
        making = self.blobs / f"{sha256}.{os.getpid()}.making"
        bad, found = self._write(segments, making)
        if bad or found != sha256:
            making.unlink()
            return {"bad": bad or [name for name, _, _ in segments]}
        making.chmod(0o444)
        making.rename(self.blobs / sha256)
        manifest.rename(whole)
        for name, _, _ in segments:
            self._forget(name)
        return {"blob": sha256}

    def _write(self, segments: list[tuple[str, int, int]], making: Path) -> tuple[list[str], str]:
        """The segments that are not what their names say, and the hash of all that was written."""
        places, bad, total = self._places(), [], hashlib.sha256()
        with making.open("wb") as file:
            for name, _, length in segments:
                if not self._copy(list(self._blocks(name, length, places)), name, file, total):
                    bad.append(name)
                    self._forget(name)
        return bad, total.hexdigest()

    @staticmethod
    def _copy(blocks: list[bytes], name: str, file: IO[bytes], total: Any) -> bool:
        check = hashlib.sha256()
        for block in blocks:
            check.update(block)
            total.update(block)
            file.write(block)
        return check.hexdigest() == name

    def _forget(self, name: str) -> None:
        for suffix in (PACKED, RAW):
            (self.incoming / f"{name}{suffix}").unlink(missing_ok=True)

    def _blocks(self, name: str, length: int, places: dict[str, tuple[Path, int, int]]) -> Iterator[bytes]:
        packed, raw = self.incoming / f"{name}{PACKED}", self.incoming / f"{name}{RAW}"
        if packed.is_file():
            yield from inflated(packed, length)
        elif raw.is_file():
            yield from part(raw, 0, length)
        elif name in places:
            yield from part(*places[name])


def inflated(path: Path, length: int) -> Iterator[bytes]:
    """The unpacked bytes, one more than `length` at most; nothing further once the data is broken."""
    unpack, left = zlib.decompressobj(), length + 1
    try:
        for packed in part(path, 0, path.stat().st_size):
            waiting = packed
            while waiting and left > 0:
                block = unpack.decompress(waiting, min(BLOCK, left))
                left -= len(block)
                yield block
                waiting = unpack.unconsumed_tail
    except zlib.error:
        return


def part(path: Path, offset: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        left = length
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
