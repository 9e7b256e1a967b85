"""A run outlives the request that began it, and its journal outlives everything."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rlm_mcp import journal
from rlm_mcp.errors import LowerError, RunBusy, RunNotFound
from rlm_mcp.runs import Run, Runs


def start(runs: Runs, work: Any, question: str = "q") -> Run:
    return runs.start(question=question, corpus="c", options={}, work=work)


def test_a_run_goes_on_when_whoever_waits_for_it_gives_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        runs, gate = Runs(tmp_path), asyncio.Event()

        async def work(run: Run, say: Any) -> dict[str, Any]:
            await gate.wait()
            return {"answer": "42"}

        run = start(runs, work)
        waiting = asyncio.create_task(runs.wait(run))
        await asyncio.sleep(0)
        waiting.cancel()
        assert not await runs.wait(run, 0.01)
        gate.set()
        assert await runs.wait(run, 5)
        assert run.result == {"answer": "42"}

    asyncio.run(scenario())


def test_an_identical_question_joins_the_run_that_is_under_way(tmp_path: Path) -> None:
    async def scenario() -> None:
        runs, gate, begun = Runs(tmp_path), asyncio.Event(), 0

        async def work(run: Run, say: Any) -> dict[str, Any]:
            nonlocal begun
            begun += 1
            await gate.wait()
            return {}

        first, second, other = start(runs, work), start(runs, work), start(runs, work, "another")
        assert first is second
        assert other is not first
        gate.set()
        await runs.wait(first, 5)
        await runs.wait(other, 5)
        assert begun == 2
        assert start(runs, work) is not first

    asyncio.run(scenario())


def test_cancelling_a_run_stops_its_work_at_once_and_is_recorded(tmp_path: Path) -> None:
    async def scenario() -> None:
        runs, stopped = Runs(tmp_path), asyncio.Event()

        async def work(run: Run, say: Any) -> dict[str, Any]:
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
            return {}

        run = start(runs, work)
        await asyncio.sleep(0)
        await runs.cancel(run)
        assert stopped.is_set()
        assert run.ended
        assert [row["status"] for row in runs.list()] == ["cancelled"]

    asyncio.run(scenario())


def test_a_failure_belongs_to_the_run_and_not_to_the_server(tmp_path: Path) -> None:
    async def scenario() -> None:
        runs = Runs(tmp_path)

        async def work(run: Run, say: Any) -> dict[str, Any]:
            raise LowerError("no such model")

        run = start(runs, work)
        assert await runs.wait(run, 5)
        assert isinstance(run.error, LowerError)
        [row] = runs.list()
        assert row["status"] == "failed"
        assert [record["kind"] for record in runs.show(run.id)] == ["run", "outcome"]

    asyncio.run(scenario())


def test_an_unknown_run_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    async def scenario() -> None:
        runs = Runs(tmp_path)

        async def work(run: Run, say: Any) -> dict[str, Any]:
            return {}

        run = start(runs, work)
        await runs.wait(run, 5)
        with pytest.raises(RunNotFound, match=run.id):
            runs.live("r-0")
        with pytest.raises(RunNotFound, match=run.id):
            runs.show("../" + run.id)

    asyncio.run(scenario())


def test_a_torn_last_line_of_a_journal_is_left_out(tmp_path: Path) -> None:
    written = journal.FileJournal(tmp_path / "j.jsonl")
    written.write("run", id="r-1", text="ü\ud800")
    written.write("cell", code="x = 1\n")
    written.close()
    with (tmp_path / "j.jsonl").open("ab") as torn:
        torn.write(b'{"n":2,"kind":"outc')
    records = list(journal.read(tmp_path / "j.jsonl"))
    assert [(r["n"], r["kind"]) for r in records] == [(0, "run"), (1, "cell")]
    assert (tmp_path / "j.jsonl").stat().st_mode & 0o777 == 0o600


def test_an_interrupted_run_is_resumed_from_its_journal_under_the_same_id(tmp_path: Path) -> None:
    async def scenario() -> None:
        runs, begun = Runs(tmp_path), asyncio.Event()

        async def stuck(run: Run, say: Any) -> dict[str, Any]:
            run.journal.write("model_reply", text="first")
            begun.set()
            await asyncio.Event().wait()
            return {}

        async def work(run: Run, say: Any) -> dict[str, Any]:
            return {"saw": [record["kind"] for record in run.recorded]}

        run = start(runs, stuck)
        await begun.wait()
        with pytest.raises(RunBusy, match="under way in another process"):
            Runs(tmp_path).resume(run.id, work)
        await runs.close()
        with run.journal.path.open("ab") as torn:
            torn.write(b'{"kind":"cel')
        resumed = Runs(tmp_path).resume(run.id, work)
        await asyncio.wait([resumed.task])
        assert resumed.id == run.id
        assert resumed.question == "q"
        assert resumed.result == {"saw": ["run", "model_reply", "interrupted"]}
        kinds = [(record["n"], record["kind"]) for record in runs.show(run.id)]
        assert kinds == [(0, "run"), (1, "model_reply"), (2, "interrupted"), (3, "resumed")]

    asyncio.run(scenario())


def test_a_run_that_is_not_under_way_cannot_be_cancelled(tmp_path: Path) -> None:
    async def scenario() -> None:
        runs = Runs(tmp_path)

        async def work(run: Run, say: Any) -> dict[str, Any]:
            return {}

        run = start(runs, work)
        await runs.wait(run, 5)
        with pytest.raises(RunBusy, match="is not under way"):
            runs.request_cancel(run.id)

    asyncio.run(scenario())


def test_another_process_can_ask_for_a_run_to_be_cancelled(tmp_path: Path) -> None:
    async def scenario() -> None:
        runs = Runs(tmp_path)

        async def stuck(run: Run, say: Any) -> dict[str, Any]:
            await asyncio.Event().wait()
            return {}

        run = start(runs, stuck)
        assert [row["status"] for row in runs.list()] == ["running"]
        Runs(tmp_path).request_cancel(run.id)
        assert await runs.wait(run, 10)
        assert [row["status"] for row in runs.list()] == ["cancelled"]

    asyncio.run(scenario())
