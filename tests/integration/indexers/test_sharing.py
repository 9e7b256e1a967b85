"""Facts belong to content: what was extracted once is extracted for every branch, work tree and clone."""

from concurrent.futures import Executor, Future

import pytest

from rlm_indexers.store import Store
from tests.integration.indexers.conftest import load


class Counting(Executor):
    """Runs each unit at once, and notes the documents in it."""

    def __init__(self) -> None:
        self.documents: list[bytes] = []

    def submit(self, function, /, *arguments, **more):
        (unit,) = arguments
        self.documents += [data for _, data in unit]
        future = Future()
        future.set_result(function(unit, **more))
        return future

    def since(self) -> list[bytes]:
        """What was extracted since it was last asked."""
        found, self.documents = self.documents, []
        return sorted(found)


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def store(tmp_path, counting) -> Store:
    return Store(tmp_path / "cache", counting)


@pytest.fixture
def code(repo):
    for name in ("a", "b", "c"):
        repo.write(f"{name}.py", f"def {name}():\n    return 1\n")
    repo.commit()
    return repo


def test_a_clone_a_work_tree_and_another_path_to_the_same_text_parse_nothing(code, store, counting, tmp_path):
    first = load(store, code.root)
    assert len(counting.since()) == 3
    code.git("clone", "-q", str(code.root), str(tmp_path / "clone"))
    code.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    for other in ("clone", "linked"):
        assert list(load(store, tmp_path / other).symbols()) == list(first.symbols())
    code.git("mv", "a.py", "moved.py")
    assert [symbol.document for symbol in load(store, code.root).symbols(name="a")] == ["moved.py"]
    assert counting.since() == []


def test_switching_branches_back_and_forth_parses_each_text_once(code, store, counting):
    load(store, code.root)
    counting.since()
    code.git("checkout", "-q", "-b", "side")
    changed = "def a():\n    return 2\n"
    code.write("a.py", changed)
    code.commit("side")
    for branch in ("side", "main", "side", "main"):
        code.git("checkout", "-q", branch)
        load(store, code.root)
    assert counting.since() == [changed.encode()]
