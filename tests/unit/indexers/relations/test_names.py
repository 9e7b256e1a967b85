"""The index of names: what it says is what the facts say, and refreshing it gives the file of a clean build."""

import pytest

from rlm_indexers.pack.reader import Pack
from rlm_indexers.relations import names
from rlm_indexers.relations.names import Names, Posting
from rlm_indexers.symbols import extract, facts_to_json
from tests.support.packs import pack_of

TEXTS = {f"pkg/m{n:03}.py": f"def f{n}():\n    get(); shared.get()\n    only{n}()\n" for n in range(400)}


class Facts:
    """The facts of a pack's documents; notes which were asked for."""

    def __init__(self, pack: Pack) -> None:
        self.pack, self.asked = pack, []

    def __call__(self, documents):
        for i in documents:
            self.asked.append(i)
            yield i, facts_to_json(extract("python", bytes(self.pack.data(i))))


def built(path, pack, previous=()):
    facts = Facts(pack)
    names.build(path, pack, "1", facts, previous)
    return Names(path, pack, "1"), facts


def test_every_name_is_found_with_its_definitions_and_uses(tmp_path):
    pack = pack_of(
        {"a.py": "from b import get as g\ng()\ng()\n", "b.py": "def get():\n    get(); x.get()\n\nget = 1\n"}
    )
    index, _ = built(tmp_path / "names", pack)
    assert index.of("get") == [
        Posting(document=0, defined=0, uses=3, imported=True),
        Posting(document=1, defined=2, uses=2, imported=False),
    ]
    assert index.of("g") == [Posting(document=0, defined=0, uses=2, imported=False)]
    assert index.of("ge") == index.of("") == index.of("get\nx") == index.of("et") == []


def test_documents_are_found_by_the_words_of_their_imports(tmp_path):
    texts = {"a.py": "import app.core\n", "b.py": "from . import x\n", "c.py": "from app import other\n"}
    index, _ = built(tmp_path / "names", pack_of(texts))
    assert index.words("core") == {0}
    assert index.words("app") == {0, 2}
    assert index.words("other") == {2}
    assert index.words(".") == {1}


@pytest.mark.parametrize(
    "edit",
    [
        {"pkg/m200.py": "def changed(): get()\n"},
        {"pkg/a_new.py": "def new(): get()\n"},
        {"pkg/m000.py": None, "pkg/m399.py": None},
    ],
)
def test_a_refreshed_index_is_that_of_a_clean_build_byte_for_byte(tmp_path, edit):
    before, _ = built(tmp_path / "before", pack_of(TEXTS))
    pack = pack_of({name: text for name, text in {**TEXTS, **edit}.items() if text is not None})
    _, asked = built(tmp_path / "refreshed", pack, [before])
    _, all_asked = built(tmp_path / "clean", pack)
    assert (tmp_path / "refreshed").read_bytes() == (tmp_path / "clean").read_bytes()
    assert len(asked.asked) < len(all_asked.asked) == len(pack)


def test_an_index_that_is_cut_short_or_of_another_pack_is_no_index(tmp_path):
    pack, other = pack_of(TEXTS), pack_of({"a.py": "x()\n"})
    path = tmp_path / "names"
    built(path, pack)
    assert names.opened(path, pack, "1") is not None
    assert names.opened(path, other, "1") is None
    assert names.opened(path, pack, "2") is None
    path.write_bytes(path.read_bytes()[:-1])
    assert names.opened(path, pack, "1") is None
    path.write_bytes(b"")
    assert names.opened(path, pack, "1") is None
