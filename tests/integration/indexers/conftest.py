from pathlib import Path

import pytest

from rlm_indexers.snapshot import Corpus
from rlm_indexers.store import Store
from tests.support.repositories import Repository, made


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return made(tmp_path / "repo")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def load(store: Store, source: object, **more) -> Corpus:
    return store.load(str(source), cwd=Path("/"), **more).corpus


def texts(corpus: Corpus) -> dict[str, bytes]:
    return {d.id: bytes(corpus.pack.data(i)) for i, d in enumerate(corpus.pack.documents())}


def skipped(corpus: Corpus) -> dict[str, str]:
    return {s.id: s.reason for s in corpus.coverage.skipped}


def flags(corpus: Corpus) -> dict[str, tuple[str, ...]]:
    return {d.id: d.flags for d in corpus.pack.documents()}
