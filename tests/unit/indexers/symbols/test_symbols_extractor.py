"""Many documents: in order, in other processes, and whatever one of them does."""

import random
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from rlm_indexers.symbols import Extractor, Facts, Limits, extract, workers

DOCUMENTS = [(f"d{n}", "python", b"def f%d():\n    return g()\n" % n) for n in range(50)]
GARBAGE = random.Random(1).randbytes(3 << 20)


def names(facts: Facts) -> list[str]:
    return [symbol.name for symbol in facts.symbols]


def test_facts_come_in_the_order_of_the_documents_and_equal_those_made_here():
    with Extractor() as extractor:
        found = list(extractor.extract_many(iter(DOCUMENTS)))
    assert found == [(key, extract(language, data)) for key, language, data in DOCUMENTS]


def test_an_executor_handed_in_does_the_work():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, Extractor(pool) as extractor:
        found = dict(extractor.extract_many(DOCUMENTS))
        assert not extractor._all  # no worker of ours was started
    assert names(found["d7"]) == ["f7"]


def test_when_the_executor_fails_workers_of_ours_do_the_work():
    class Broken(Executor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            failed: Future[Any] = Future()
            failed.set_exception(RuntimeError("the cluster is gone"))
            return failed

    with Extractor(Broken()) as extractor:
        found = dict(extractor.extract_many(DOCUMENTS))
    assert names(found["d7"]) == ["f7"]


def test_a_document_that_takes_too_long_costs_itself_only():
    documents = [DOCUMENTS[0], ("slow", "python", GARBAGE), DOCUMENTS[1]]
    with Extractor(workers=1, limits=Limits(seconds=0.5, memory_bytes=4 << 30)) as extractor:
        found = dict(extractor.extract_many(documents))
    assert (found["slow"].state, found["slow"].reason) == ("text-only", "parser-timeout: 0.5 s")
    assert names(found["d0"]) == ["f0"]
    assert names(found["d1"]) == ["f1"]


def test_among_small_documents_whose_answers_travel_together_only_the_one_at_fault_pays(monkeypatch):
    deadly = (
        "import os, sys; sys.path.insert(0, sys.argv[1]);"
        "from rlm_indexers.symbols import child; real = child.kept_facts;"
        "child.kept_facts = lambda language, data: os._exit(3) if data == b'die' else real(language, data);"
        "child.main(sys.argv[2:])"
    )
    monkeypatch.setattr(workers, "_START", deadly)
    documents = [*DOCUMENTS[:5], ("deadly", "python", b"die"), *DOCUMENTS[5:9]]
    with Extractor(workers=1) as extractor:
        found = dict(extractor.extract_many(documents))
    assert found.pop("deadly") == Facts(state="text-only", reason="parser-crashed: exit 3")
    assert found == {key: extract(language, data) for key, language, data in DOCUMENTS[:9]}


def test_a_document_that_takes_too_much_memory_costs_itself_only():
    documents = [DOCUMENTS[0], ("large", "python", GARBAGE), DOCUMENTS[1]]
    with Extractor(workers=1, limits=Limits(seconds=60, memory_bytes=160 << 20)) as extractor:
        found = dict(extractor.extract_many(documents))
    assert found["large"].state == "text-only"
    assert found["large"].reason.startswith("parser-")
    assert names(found["d0"]) == ["f0"]
    assert names(found["d1"]) == ["f1"]


def test_documents_are_taken_a_few_units_ahead_not_all_at_once():
    taken = 0

    def documents():
        nonlocal taken
        for number in range(40):
            taken += 1
            yield number, "python", b"# " + b"x" * 2_000_000

    with Extractor(workers=1, limits=Limits(seconds=60)) as extractor:
        next(extractor.extract_kept(documents()))
        assert taken < 20


def test_unknown_languages_and_empty_documents_are_no_trouble():
    with Extractor() as extractor:
        found = dict(extractor.extract_many([("a", "klingon", b"x"), ("b", "python", b""), ("c", "", b"")]))
    assert found["a"] == Facts(state="text-only", reason="no-grammar")
    assert found["b"] == Facts()


@pytest.mark.parametrize(
    ("language", "data"),
    [
        ("python", b"x = " + b"(" * 200_000 + b")" * 200_000),
        ("javascript", b"f(" * 100_000 + b")" * 100_000),
        ("json", b"[" * 200_000 + b"]" * 200_000),
        ("c", b"int x = " + b"(" * 50_000 + b"1" + b")" * 50_000 + b";"),
        ("markdown", b"> " * 200_000 + b"# x\n"),
        ("python", b"\0" * 1000 + random.Random(2).randbytes(50_000)),
    ],
)
def test_hostile_nesting_and_noise_cost_no_worker(language: str, data: bytes):
    with Extractor(workers=1) as extractor:
        found = dict(extractor.extract_many([("bad", language, data), ("good", *DOCUMENTS[0][1:])]))
    assert found["bad"].state == "parsed"
    assert names(found["good"]) == ["f0"]
