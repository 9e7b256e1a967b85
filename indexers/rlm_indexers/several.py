"""Several sources as one corpus: the ids of each begin with its name."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from rlm_indexers import sources
from rlm_indexers.corpus import Fetched, Packable, Skipped, UnchangedRun
from rlm_indexers.pack.previous import Previous
from rlm_indexers.sources import SEPARATOR, Source

JSON = Any


def fetch(source: Source, previous: Previous | None, read: Callable[[Source, Previous | None], Fetched]) -> Fetched:
    """The documents of every part, each as `read` gives them. Raises SourceError when one of them cannot be read."""
    parts = _named(_parts(source))
    found = {prefix: read(part, previous and previous.part(f"{prefix}/")) for prefix, part in parts.items()}
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


def _documents(found: dict[str, Fetched], fetched: Fetched) -> Iterator[Packable]:
    skipped: list[Skipped] = [each for each in fetched.skipped if each.reason == BESIDE]
    for prefix, part in found.items():
        for document in part.documents:
            if isinstance(document, UnchangedRun):
                yield document
            else:
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
        fetched.facts["dirty"] = any(dirty) or (None if None in dirty else False)
