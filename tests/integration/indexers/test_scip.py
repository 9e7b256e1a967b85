# ruff: noqa: RUF001 - names outside ASCII are what is tested
"""A repository with a SCIP index: what it says is believed where the text is still the one it was made of.

`shop.scip` was made of SHOP by `scip-python index . --project-name shop --project-version 1` (scip-python 0.6.6).
"""

from pathlib import Path

import pytest

from rlm_indexers.relations import scip_format
from tests.integration.indexers.conftest import load, skipped

MADE = (Path(__file__).parents[2] / "data" / "scip" / "shop.scip").read_bytes()
STORE = '''"""Where things are kept."""


class Store:
    def put(self, thing):
        return thing

    def get(self):
        return None


class Größe:
    def get(self):
        return "größer"


def made(kind):
    return {"store": Store, "größe": Größe}[kind]()
'''
SALE = """from shop.store import Größe, Store, made


def sell(things: dict[str, Store]):
    for store in things.values():
        store.put("x")
    𝕊 = "𝕊𝕊"; größe = Größe(); größe.get()
    return [each.get() for each in things.values()], made("store")
"""
SHOP = {"shop/__init__.py": "", "shop/store.py": STORE, "shop/sale.py": SALE}


@pytest.fixture
def shop(repo):
    for path, text in SHOP.items():
        repo.write(path, text)
    repo.write(".gitignore", "*.scip\n")
    repo.commit()
    return repo


def meant(corpus, name):
    return [
        (edge.line, edge.confidence, edge.target.symbol.qualname if edge.target else "")
        for edge in corpus.relations.references(name)
        if edge.document == "shop/sale.py" and edge.role == "call"
    ]


def test_what_an_index_says_counts_more_than_what_the_text_shows(shop, store):
    assert meant(load(store, shop.root), "get") == [(7, "resolved", "Größe.get"), (8, "ambiguous", "")]
    (shop.root / "index.scip").write_bytes(MADE)
    corpus = load(store, shop.root)
    assert meant(corpus, "get") == [(7, "scip", "Größe.get"), (8, "scip", "Store.get")]
    assert meant(corpus, "put") == [(6, "scip", "Store.put")]
    assert meant(corpus, "values") == [(5, "external", ""), (8, "external", "")]
    assert [edge.confidence for edge in corpus.relations.callers("Store.get")] == ["scip"]
    assert {edge.confidence for edge in corpus.relations.callees("sell") if edge.target} == {"scip"}


def test_an_index_may_lie_in_a_folder_of_its_own(shop, store):
    (shop.root / ".scip").mkdir()
    (shop.root / ".scip" / "index.scip").write_bytes(MADE)
    assert meant(load(store, shop.root), "put") == [(6, "scip", "Store.put")]


def test_where_the_text_has_changed_since_the_index_is_not_believed(shop, store):
    (shop.root / "index.scip").write_bytes(MADE)
    shop.write("shop/sale.py", SALE.replace("store.put", "things.put"))
    assert meant(load(store, shop.root), "put") == [(6, "unique", "Store.put")]
    shop.write("shop/sale.py", "# one line more\n" + SALE)
    assert meant(load(store, shop.root), "get") == [(8, "resolved", "Größe.get"), (9, "ambiguous", "")]


def test_a_definition_that_has_moved_is_not_believed(shop, store):
    (shop.root / "index.scip").write_bytes(MADE)
    shop.write("shop/store.py", "# one line more\n" + STORE)
    assert meant(load(store, shop.root), "put") == [(6, "unique", "Store.put")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (MADE[: len(MADE) // 2], "scip-index: the bytes are cut short, or no SCIP index"),
        (b"\xff" * 1000, "scip-index: the bytes are cut short, or no SCIP index"),
        (b"", "scip-index: it names no document"),
        (b"\x1a\x00" * 100, "scip-index: it names no document"),
    ],
)
def test_an_index_that_cannot_be_read_is_said_to_be_skipped_and_why(shop, store, data, reason):
    (shop.root / "index.scip").write_bytes(data)
    corpus = load(store, shop.root)
    assert skipped(corpus)["index.scip"] == reason
    assert meant(corpus, "put") == [(6, "unique", "Store.put")]


def test_an_index_that_is_a_link_or_a_pipe_is_not_read(shop, store, tmp_path):
    (tmp_path / "elsewhere.scip").write_bytes(MADE)
    (shop.root / "index.scip").symlink_to(tmp_path / "elsewhere.scip")
    assert skipped(load(store, shop.root))["index.scip"].startswith("scip-index: ")


def test_a_new_index_of_the_same_text_is_taken_up(shop, store):
    before = load(store, shop.root)
    (shop.root / "index.scip").write_bytes(MADE)
    after = load(store, shop.root)
    assert before.id != after.id
    assert load(store, shop.root).id == after.id


@pytest.mark.parametrize(("encoding", "at"), [(0, 8), (1, 11), (2, 9), (3, 8)])
def test_columns_are_counted_in_the_units_an_index_says(repo, store, encoding, at):
    text = "def made(): ...\n𝕊 = 1;  made()\n"
    repo.write("a.py", text)
    repo.commit()
    (repo.root / "index.scip").write_bytes(index_of("a.py", encoding, [(0, 4, 8, 1), (1, at, at + 4, 0)]))
    found = load(store, repo.root).relations.references("made")
    assert [(edge.line, edge.confidence) for edge in found if edge.role == "call"] == [(2, "scip")]


def test_a_use_that_has_moved_within_its_line_is_not_believed(repo, store):
    repo.write("a.py", "def made(): ...\nif 1: made()\n")
    repo.commit()
    (repo.root / "index.scip").write_bytes(index_of("a.py", 3, [(0, 4, 8, 1), (1, 0, 4, 0)]))
    found = load(store, repo.root).relations.references("made")
    assert [(edge.line, edge.confidence) for edge in found] == [(2, "resolved")]


def test_ranges_that_mean_no_place_are_passed_over(repo, store):
    repo.write("a.py", "def made(): ...\nmade()\n")
    repo.commit()
    odd = [(0, 4, 8, 1), (-1, 0, 4, 0), (900_000, 0, 4, 0), (1, 90, 80, 0), (1, 0, 4, 0)]
    (repo.root / "index.scip").write_bytes(index_of("a.py", 3, odd))
    found = load(store, repo.root).relations.references("made")
    assert [(edge.line, edge.confidence) for edge in found] == [(2, "scip")]


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("scip-python python shop 1 `shop.store`/Store#put().", "put"),
        ("scip-python python shop 1 `shop.store`/`Größe`#", "Größe"),
        ("scip-typescript npm p 1 src/`a.ts`/Map#get(+1).", "get"),
        ("scip-java maven p 1 a/B#field.", "field"),
        ("rust-analyzer cargo p 1 macros/vec!", "vec"),
        ("scip-go gomod p 1 `p/q`/T#`odd``name`.", "odd`name"),
        ("local 3", ""),
    ],
)
def test_the_name_of_a_symbol_is_that_of_its_last_descriptor(symbol, name):
    assert scip_format.name_in(symbol) == name


def index_of(path: str, encoding: int, places: list[tuple[int, int, int, int]]) -> bytes:
    """An index of one document in which one symbol stands at (line from 0, start, end, roles)."""
    occurrence, document, index = (scip_format.message(name) for name in ("Occurrence", "Document", "Index"))
    said = [
        occurrence(range=[line, start, end], symbol="s p . . a/made().", symbol_roles=roles).SerializeToString()
        for line, start, end, roles in places
    ]
    made = document(relative_path=path, occurrences=said, position_encoding=encoding)
    return index(documents=[made.SerializeToString()]).SerializeToString()
