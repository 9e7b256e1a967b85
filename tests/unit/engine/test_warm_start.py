"""The first message stays within its size and shows what a look around would."""

from rlm_mcp.engine.warm_start import outline_lines
from tests.support.packs import pack_of


def test_an_outline_opens_large_folders_while_there_is_room():
    files = {f"src/core/m{n:02d}.py": "x\n" for n in range(40)} | {
        "src/a.py": "x\n",
        "README.md": "x\n",
        "docs/b.md": "x",
    }
    assert outline_lines(pack_of(files), entries=6) == ["README.md", "docs/b.md", "src/a.py", "src/core/ (40)"]


def test_an_outline_of_many_entries_says_how_many_it_leaves_out():
    lines = outline_lines(pack_of({f"f{n:03d}.txt": "x" for n in range(100)}), entries=10)
    assert len(lines) == 10
    assert lines[-1] == "… and 91 more"


def test_names_beside_a_folder_s_own_are_not_counted_into_it():
    pack = pack_of({"a-b/x": "1", "a.c/x": "1", "a/x": "1", "a/y": "1", "a0/x": "1", "ä/x": "1"})
    assert outline_lines(pack, entries=6) == ["a-b/x", "a.c/x", "a/x", "a/y", "a0/x", "ä/x"]
    assert outline_lines(pack, entries=5) == ["a-b/x", "a.c/x", "a/ (2)", "a0/x", "ä/x"]


def test_an_empty_corpus_has_an_empty_outline():
    assert outline_lines(pack_of({})) == []
