"""The content-addressed store of a sandbox.

`blobs/<name>` lies beside `<name>.json`, its segments in order. `incoming/<sha256 of a segment>.z` (zlib) or `.raw`
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
        """The names of whole blobs, and the hashes of the segments that need not be sent."""
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

    def assemble(self, name: str) -> dict[str, Any]:
        """Either the blob is whole now (`blob`), or some segments were missing or damaged (`bad`).

        What is checked is every segment, against its own hash: in their order they are the blob, whatever it is named.
        """
        manifest, whole = self.incoming / f"{name}.json", self.blobs / f"{name}.json"
        if whole.is_file():
            return {"blob": name}
        segments = json.loads(manifest.read_bytes())["segments"]
        self.blobs.mkdir(parents=True, exist_ok=True)
        making = self.blobs / f"{name}.{os.getpid()}.making"
        bad = self._write(segments, making)
        if bad:
            making.unlink()
            return {"bad": bad}
        making.chmod(0o444)
        making.rename(self.blobs / name)
        manifest.rename(whole)
        for sha256, _, _ in segments:
            self._forget(sha256)
        return {"blob": name}

    def _write(self, segments: list[tuple[str, int, int]], making: Path) -> list[str]:
        """The segments that are not what their names say; the others were written, in their order."""
        places, bad = self._places(), []
        with making.open("wb") as file:
            for sha256, _, length in segments:
                if not self._copy(self._blocks(sha256, length, places), sha256, file):
                    bad.append(sha256)
                    self._forget(sha256)
        return bad

    @staticmethod
    def _copy(blocks: Iterator[bytes], sha256: str, file: IO[bytes]) -> bool:
        check = hashlib.sha256()
        for block in blocks:
            check.update(block)
            file.write(block)
        return check.hexdigest() == sha256

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
