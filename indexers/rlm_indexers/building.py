"""A corpus made from fetched documents: pack, symbols, search index, manifest, published in one step."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rlm_indexers import extraction, manifest, versions
from rlm_indexers.cache import CacheFolder, publish
from rlm_indexers.corpus import CorpusInfo, Coverage, Fetched, Skipped
from rlm_indexers.manifest import Manifest
from rlm_indexers.pack.columns import Columns
from rlm_indexers.pack.reader import Pack
from rlm_indexers.pack.reuse import Reuse
from rlm_indexers.pack.writer import Packed, PackWriter, map_pack
from rlm_indexers.search import index as search_index
from rlm_indexers.sources import Source

VERSION = 1
"""Raised when the same documents would give another corpus."""
SHOWN_SKIPPED = 50
"""Skipped things that are spelt out inside the pack; the manifest names all."""
SAID_EVERY = 200


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that is needed to build one corpus."""

    source: Source
    fetched: Fetched
    folder: CacheFolder
    previous: Packed | None
    executor: Executor | None
    progress: Callable[[str], None] | None

    def say(self, what: str) -> None:
        if self.progress:
            self.progress(what)


def state(fetched: Fetched) -> str:
    """What must be the same for a corpus to be built the same."""
    return f"{_versions()}:{fetched.fingerprint}"


def _versions() -> str:
    return f"{VERSION}.{versions.documents()}.{search_index.VERSION}.{extraction.version()}"


def build(order: Order, workshop: Path) -> str:
    """The id of the corpus, which then stands in the cache whole."""
    made = workshop / "corpus"
    made.mkdir(mode=0o700)
    with PackWriter(made / "pack", order.previous) as writer:
        _add_documents(order, writer)
        text_only = _add_symbols(order, writer)
        coverage = _coverage(order, writer.view(), text_only)
        corpus_id, segments = writer.finish(_meta(order, coverage, writer))
        size, lines = writer.bytes, writer.lines
    target = order.folder.corpora / corpus_id
    if manifest.read(target) is None:
        info = _info(order, corpus_id, len(map_pack(made / "pack")), size, lines)
        _add_search(order, made)
        manifest.write(made, Manifest(info, coverage, segments, order.source.key, order.fetched.kind))
        publish(made, target)
    return corpus_id


def _add_documents(order: Order, writer: PackWriter) -> None:
    for number, document in enumerate(order.fetched.documents, 1):
        writer.add(document)
        if number % SAID_EVERY == 0:
            order.say(f"read {number} documents")


def _add_symbols(order: Order, writer: PackWriter) -> list[Skipped]:
    """The symbols of every document; those that have none though their language could, with the reason."""
    view = writer.view()
    reuse = Reuse(order.previous, writer.taken)
    parts = list(reuse.parts(len(writer)))
    new = [i for part in parts if part.old is None for i in part.numbers]
    request = extraction.Request(view, order.folder.root / "facts.sqlite", new, order.executor, order.progress)
    made = zip(new, extraction.extract(request), strict=True)
    text_only: list[Skipped] = []
    for part in parts:
        text_only += reuse.failures(part)
        if part.old is not None:
            writer.take_symbols(part.old, len(part.numbers))
            continue
        for i, found in islice(made, len(part.numbers)):
            writer.add_symbols(found.rows)
            if found.failure:
                text_only.append(Skipped(view.id_of(i), found.failure))
    return sorted(text_only, key=lambda each: each.id.encode())


def _add_search(order: Order, made: Path) -> None:
    order.say("indexing the text")
    old = order.previous
    previous = (old.path.with_name(search_index.NAME), old.pack) if old else None
    search_index.build(made / search_index.NAME, map_pack(made / "pack"), previous, order.say)


def _coverage(order: Order, pack: Pack, text_only: list[Skipped]) -> Coverage:
    columns = Columns(pack)
    languages: Counter[str] = Counter()
    for said, count in Counter(columns.said()).items():
        languages[columns.words(said)[0].decode()] += count
    failed = Counter(pack.document(i).language for each in text_only if (i := pack.index(each.id)) is not None)
    parsed = Counter({name: count for name, count in languages.items() if name in extraction.languages()}) - failed
    skipped = tuple(sorted(order.fetched.skipped))
    indexed = len(pack) - len(text_only)
    return Coverage(indexed, len(text_only), skipped, dict(languages), tuple(text_only), dict(parsed))


def _meta(order: Order, coverage: Coverage, writer: PackWriter) -> dict[str, Any]:
    fetched = order.fetched
    everything = [(each.id, each.reason) for each in (*coverage.skipped, *coverage.without_symbols)]
    return {
        "name": order.source.name,
        "kind": fetched.kind,
        "facts": fetched.facts,
        "documents": len(writer),
        "bytes": writer.bytes,
        "lines": writer.lines,
        "coverage": coverage.as_json(SHOWN_SKIPPED),
        "coverage_sha256": hashlib.sha256(json.dumps(everything).encode()).hexdigest(),
        "content_version": versions.documents(),
        "versions": _versions(),
        "extraction": extraction.version(),
    }


def _info(order: Order, corpus_id: str, documents: int, size: int, lines: int) -> CorpusInfo:
    source, fetched = order.source, order.fetched
    return CorpusInfo(
        corpus_id, source.name, fetched.kind, str(source), documents, size, lines, fetched.facts, time.time()
    )
