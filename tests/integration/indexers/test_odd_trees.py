"""Trees that no tool likes: texts too large to hold, bytes that are no code, nesting without end, many tiny files.

At a size that a test can afford; docs/benchmarks.md has the figures of the full sizes.
"""

import random
from pathlib import Path

import pytest

from rlm_indexers import folder, large
from rlm_indexers.search import index as search_index
from rlm_indexers.store import Store
from tests.integration.indexers.conftest import flags, load, skipped

LINES = 5000
LOG = b"".join(
    b"2026-11-20 12:%02d request %d took %d ms \xc3\xa9\n" % (n // 60 % 60, n, n % 300) for n in range(LINES)
)


@pytest.fixture
def small_hands(monkeypatch) -> None:
    """Little may be held in memory: what is above 50 kB is large."""
    monkeypatch.setattr(large, "HELD_BYTES", 50_000)
    monkeypatch.setattr(large, "PIECE_BYTES", 777)
    monkeypatch.setattr(large, "FORGET_BYTES", 7770)
    monkeypatch.setattr(large, "LINE_BYTES", 20_000)
    monkeypatch.setattr(folder, "TEXT_BYTES", 50_000)
    monkeypatch.setattr(search_index, "HELD_BYTES", 50_000)
    monkeypatch.setattr(search_index, "CHUNKS_HELD", 7)


@pytest.mark.parametrize("kind", ["repo", "folder"])
def test_a_large_log_is_a_document_like_any_other_but_read_in_pieces(repo, store, request, tmp_path, kind):
    repo.commit(big__log=LOG, small__py=b"x = 1\n")
    held = load(Store(tmp_path / "held"), repo.root, kind=kind)
    request.getfixturevalue("small_hands")
    corpus = load(store, repo.root, kind=kind)
    assert flags(corpus)["big.log"] == ("large",)
    assert bytes(corpus.pack.region) == bytes(held.pack.region)
    assert corpus.pack.blocks(0).tolist() == held.pack.blocks(0).tolist()
    assert corpus.pack.document(0).sha256 == held.pack.document(0).sha256
    assert (corpus.pack.line_count(0), corpus.facts.get("dirty")) == (LINES, held.facts.get("dirty"))
    assert corpus.search("request 4321")[0] == held.search("request 4321")[0]
    assert corpus.grep("request 4321 ").matches[0].span.start == 4322
    (repo.root / "small.py").write_text("x = 2\n")
    refreshed = load(store, repo.root, kind=kind)
    assert refreshed.path.read_bytes() == load(Store(tmp_path / "clean"), repo.root, kind=kind).path.read_bytes()


@pytest.mark.usefixtures("small_hands")
@pytest.mark.parametrize("kind", ["repo", "folder"])
def test_what_is_large_and_no_text_with_lines_is_left_out_with_the_reason(repo, store, kind):
    files = {"zeros__bin": b"\0" * 60_000, "latin__txt": LOG.replace("é".encode(), b"\xe9"), "one__json": b"x" * 60_000}
    repo.commit(**files, a__md="# A\n")
    corpus = load(store, repo.root, kind=kind)
    left_out = {name: reason for name, reason in skipped(corpus).items() if not name.startswith(".")}
    assert left_out == {
        "zeros.bin": "too-large: 60000 bytes",
        "latin.txt": f"too-large: {len(files['latin__txt'])} bytes and not UTF-8",
        "one.json": "too-large: 60000 bytes in lines too long to show",
    }
    assert load(store, repo.root, kind=kind).id == corpus.id


def test_parentheses_without_end_and_random_bytes_spoil_nothing_beside_them(repo, store):
    noise = random.Random(1)
    repo.commit(
        deep__py=b"x = " + b"(" * 200_000 + b"1" + b")" * 200_000 + b"\n",
        wrapped__py=b"x = (\n" + b"(" * 100 + b"\n" * 9 + b"[(" * 2_000 + b"\n",
        noise__py=noise.randbytes(1 << 20),
        nearly__py=bytes(byte or 1 for byte in noise.randbytes(1 << 16)),
        fine__py="def fine():\n    return 1\n",
    )
    corpus = load(store, repo.root)
    assert [symbol.name for symbol in corpus.symbols(path="fine.py")] == ["fine"]
    assert skipped(corpus) == {"noise.py": "binary"}
    assert corpus.pack.index("deep.py") is not None
    assert {each.id for each in corpus.coverage.without_symbols} >= {"deep.py"}


def test_a_crowd_of_tiny_files_is_refreshed_by_one(repo, store, tmp_path):
    for n in range(600):
        (repo.root / f"d{n // 100}").mkdir(exist_ok=True)
        (repo.root / f"d{n // 100}" / f"f{n}.py").write_text(f"v{n} = {n}\n")
    repo.commit()
    assert len(load(store, repo.root).pack) == 600
    (repo.root / "d5/f577.py").write_text("changed = 1\n")
    (repo.root / "d3/f333.py").unlink()
    refreshed, clean = load(store, repo.root), load(Store(tmp_path / "clean"), repo.root)
    assert refreshed.path.read_bytes() == clean.path.read_bytes()
    assert refreshed.coverage == clean.coverage
    assert refreshed.search("changed") == clean.search("changed")


def test_folders_within_folders_beyond_what_may_stay_open_are_read(repo, store):
    deep = Path(*(f"d{n}" for n in range(60)))
    repo.write(str(deep / "a.py"), "a = 1\n")
    repo.write(str(deep / "e/b.py"), "b = 1\n")
    repo.write("d0/c.py", "c = 1\n")
    assert len(load(store, repo.root).pack) == 3
