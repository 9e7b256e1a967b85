"""The corpora in one cache folder: load a source, open what was loaded, list it, let it go."""

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from rlm_indexers import building, fetching, manifest
from rlm_indexers.cache import CacheFolder, read_json, write_json
from rlm_indexers.corpus import CorpusInfo
from rlm_indexers.errors import CorpusNotFound, PackError, SourceError
from rlm_indexers.manifest import Manifest
from rlm_indexers.pack.previous import Previous
from rlm_indexers.pack.writer import Packed, map_pack
from rlm_indexers.snapshot import Corpus
from rlm_indexers.sources import Source, resolve

if TYPE_CHECKING:
    from rlm_indexers.history import Places

__all__ = ["KEPT_SNAPSHOTS", "Corpus", "Loaded", "Store"]

KEPT_SNAPSHOTS = 3
"""Older states of a source that stay, besides those that a process has open."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A corpus, whether everything of it was there already, and how long that took."""

    corpus: Corpus
    reused: bool
    seconds: float


class Store:
    """Safe to be used by several threads and processes at once. Writes below `cache` and nowhere else."""

    def __init__(
        self,
        cache: Path,
        executor: Executor | None = None,
        places: "Places | None" = None,
        confine: Path | None = None,
    ) -> None:
        """`confine`: what takes everything but its pipes from a process that converts documents; see Converter."""
        self._folder = CacheFolder(cache)
        self._executor = executor
        self._places = places
        self._confine = confine

    def load(
        self,
        source: str,
        *,
        kind: str = "auto",
        name: str | None = None,
        cwd: Path | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Loaded:
        """The present state of a source as a corpus: what is unchanged is reused. Blocking.

        Raises SourceError when the source cannot be read.
        """
        start = time.monotonic()
        resolved = resolve(source, kind, cwd=cwd or Path.cwd())
        with self._folder.locked(resolved.key):
            try:
                corpus, reused = self._refresh(resolved, name, progress)
            except OSError as error:
                raise SourceError(f"{resolved} could not be read or cached: {error}") from error
        return Loaded(corpus, reused, time.monotonic() - start)

    def open(self, corpus: str) -> Corpus:
        """A loaded corpus by id or name. Raises CorpusNotFound, listing what is loaded."""
        known = read_json(self._name_file(corpus))
        found = self._opened(known["corpus"] if isinstance(known, dict) else corpus)
        if found is None:
            names = ", ".join(dict.fromkeys(info.name for info in self.list())) or "nothing"
            raise CorpusNotFound(f"no corpus is loaded as {corpus!r}. Loaded: {names}. Load its source first.")
        return found.named(corpus) if isinstance(known, dict) else found

    def list(self) -> list[CorpusInfo]:
        """Every corpus in the cache, the newest first."""
        found = (manifest.read(folder) for folder in self._folder.corpora.iterdir())
        infos = [each.info for each in found if each is not None]
        return sorted(infos, key=lambda info: (-info.loaded_at, info.id))

    def evict(self, corpus: str) -> None:
        """Forget a corpus by id or name, every name of it included. Those who have it open may read on."""
        corpus_id = self.open(corpus).id
        for file in (*self._folder.names.iterdir(), *self._folder.sources.iterdir()):
            known = read_json(file)
            if isinstance(known, dict) and known.get("corpus") == corpus_id:
                file.unlink(missing_ok=True)
        self._remove(corpus_id)

    # Loading

    def _refresh(self, source: Source, name: str | None, progress: Callable[[str], None] | None) -> tuple[Corpus, bool]:
        latest = read_json(self._source_file(source)) or {}
        previous = self._packed(latest.get("corpus", ""))
        known = Previous(previous.pack) if previous else None
        fetched = fetching.fetch(source, self._folder.root, known, progress, self._places, self._confine)
        state = building.state(fetched)
        if previous and fetched.fingerprint and latest.get("state") == state:
            corpus = self._opened(previous.pack.id)
            if corpus is not None:
                fetched.documents = ()  # they hold the previous pack open, in a cycle, though nobody asks for them
                return self._named(corpus, source, name), True
        with self._folder.workshop() as workshop:
            order = building.Order(source, fetched, self._folder, previous, self._executor, progress)
            corpus_id = building.build(order, workshop)
        corpus = self._opened(corpus_id)
        if corpus is None:
            raise SourceError(f"{source} was loaded, but its corpus vanished from the cache: load it again")
        state = building.state(fetched)
        write_json(self._source_file(source), {"corpus": corpus_id, "state": state, "source": str(source)})
        self._let_go(source, corpus_id)
        return self._named(corpus, source, name), bool(previous and previous.pack.id == corpus_id)

    def _named(self, corpus: Corpus, source: Source, name: str | None) -> Corpus:
        """The corpus under the name asked for, or its own; a name that another source has got a number of its key."""
        chosen = name or source.name
        holder = read_json(self._name_file(chosen))
        if name is None and isinstance(holder, dict) and holder["key"] != source.key:
            chosen = f"{chosen}-{source.key[:4]}"
        wanted = {"corpus": corpus.id, "key": source.key}
        if holder != wanted:
            write_json(self._name_file(chosen), wanted)
        return corpus.named(chosen)

    def _let_go(self, source: Source, newest: str) -> None:
        """Remove old states of a source, but for the last few and those that somebody has open."""
        old = [each for folder in self._folder.corpora.iterdir() if (each := manifest.read(folder))]
        old = [each for each in old if each.key == source.key and each.info.id != newest]
        named = {known["corpus"] for file in self._folder.names.iterdir() if (known := read_json(file))}
        for each in sorted(old, key=lambda each: -each.info.loaded_at)[KEPT_SNAPSHOTS:]:
            if each.info.id not in named:
                self._remove_unless_open(each)

    def _remove_unless_open(self, old: Manifest) -> None:
        with contextlib.suppress(OSError), (self._folder.corpora / old.info.id / "pack").open("rb") as pack:
            fcntl.flock(pack, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._remove(old.info.id)

    def _remove(self, corpus_id: str) -> None:
        """Take a corpus away in one step, then its files."""
        with self._folder.workshop() as workshop:
            with contextlib.suppress(FileNotFoundError):
                (self._folder.corpora / corpus_id).rename(workshop / corpus_id)
            shutil.rmtree(workshop / corpus_id, ignore_errors=True)

    # Opening

    def _opened(self, corpus_id: str) -> Corpus | None:
        folder = self._folder.corpora / corpus_id
        if not corpus_id or "/" in corpus_id or corpus_id.startswith("."):
            return None
        found = manifest.read(folder)
        if found is None:
            return None
        try:
            return Corpus(folder, found)
        except PackError:
            return None

    def _packed(self, corpus_id: str) -> Packed | None:
        folder = self._folder.corpora / corpus_id
        found = manifest.read(folder) if corpus_id else None
        if found is None:
            return None
        with contextlib.suppress(PackError):
            pack = map_pack(folder / "pack")
            return Packed(folder / "pack", pack, found.segments, found.coverage.without_symbols)
        return None

    def _name_file(self, name: str) -> Path:
        return self._folder.names / (quote(name, safe="")[:200] + ".json")

    def _source_file(self, source: Source) -> Path:
        return self._folder.sources / f"{source.key}.json"
