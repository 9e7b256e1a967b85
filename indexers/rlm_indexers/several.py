"""Several sources as one corpus: the ids of each begin with its name."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from rlm_indexers import fetching, sources
from rlm_indexers.corpus import Fetched, Skipped, SourceDocument, Unchanged
from rlm_indexers.reader import Document, Pack
from rlm_indexers.sources import SEPARATOR, Source

JSON = Any


def fetch(source: Source, cache: Path, previous: Pack | None, progress: Callable[[str], None] | None) -> Fetched:
    """The documents of every part. Raises SourceError when one of them cannot be read."""
    parts = _named(_parts(source))
    held = {prefix: _Below.of(previous, f"{prefix}/") for prefix in parts}
    found = {prefix: fetching.fetch(part, cache, held[prefix], progress) for prefix, part in parts.items()}
    facts: dict[str, JSON] = {"sources": {prefix: each.facts for prefix, each in found.items()}}
    fetched = Fetched(source.kind, source.name, (), facts=facts)
    fetched.documents = _documents(found, fetched)
    prints = [f"{prefix}:{each.fingerprint}" for prefix, each in found.items()]
    if all(each.fingerprint for each in found.values()):
        fetched.skipped[:] = _left_out(source)
        fetched.fingerprint = hashlib.sha256("\n".join([*prints, *map(str, fetched.skipped)]).encode()).hexdigest()
        _conclude(fetched, found)
    return fetched


def _parts(source: Source) -> list[Source]:
    written = source.location.split(SEPARATOR)
    if len(written) == 1:
        written = [str(path) for path in sources.repositories_in(Path(source.location))]
    return [sources.resolve(part, cwd=Path("/")) for part in written]


def _named(parts: list[Source]) -> dict[str, Source]:
    """The parts by names that differ, in the order of the ids that begin with these."""
    found: dict[str, Source] = {}
    for part in parts:
        numbered = (part.name if n == 1 else f"{part.name}-{n}" for n in count(1))
        found[next(name for name in numbered if name not in found)] = part
    return dict(sorted(found.items(), key=lambda item: f"{item[0]}/".encode()))


def _documents(found: dict[str, Fetched], fetched: Fetched) -> Iterator[SourceDocument | Unchanged]:
    skipped: list[Skipped] = [each for each in fetched.skipped if each.reason == BESIDE]
    for prefix, part in found.items():
        for document in part.documents:
            yield replace(document, id=f"{prefix}/{document.id}")
        skipped += [Skipped(f"{prefix}/{each.id}", each.reason) for each in part.skipped]
    fetched.skipped[:] = sorted(skipped)
    _conclude(fetched, found)


BESIDE = "beside-repositories"


def _left_out(source: Source) -> list[Skipped]:
    """What lies in a folder of repositories and is none."""
    folder = Path(source.location)
    if SEPARATOR in source.location:
        return []
    inside = {path.name for path in sources.repositories_in(folder)}
    return [Skipped(child.name, BESIDE) for child in sorted(folder.iterdir()) if child.name not in inside]


def _conclude(fetched: Fetched, found: dict[str, Fetched]) -> None:
    dirty = [each.facts["dirty"] for each in found.values() if "dirty" in each.facts]
    if dirty:
        fetched.facts["dirty"] = any(dirty)


class _Below:
    """The documents of a pack below a folder, as a pack of that folder alone."""

    def __init__(self, pack: Pack, first: int, last: int, prefix: bytes) -> None:
        self._pack, self._first, self._last, self._prefix = pack, first, last, prefix

    @classmethod
    def of(cls, pack: Pack | None, prefix: str) -> Any:
        """The part of a pack that a source wrote; None where there is none."""
        if pack is None:
            return None
        start = prefix.encode()
        numbers = [i for i in range(len(pack)) if pack.id_bytes(i).startswith(start)]
        return cls(pack, numbers[0], numbers[-1] + 1, start) if numbers else None

    @property
    def meta(self) -> dict[str, JSON]:
        return self._pack.meta

    def __len__(self) -> int:
        return self._last - self._first

    def id_bytes(self, i: int) -> bytes:
        return self._pack.id_bytes(self._first + i)[len(self._prefix) :]

    def document(self, i: int) -> Document:
        return self._pack.document(self._first + i)
