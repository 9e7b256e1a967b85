"""Agent command lines as models, driven through a stand-in that records how it was started and does as it is told."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from rlm_mcp.models.base import Message, Request, Usage
from rlm_mcp.models.choose import choose
from rlm_mcp.models.errors import AuthFailed, BadReply, ModelTimeout, ModelUnavailable, QuotaExhausted
from tests.support import stand_in_agent

TWO_TURNS = (Message("system", "Be brief."), Message("user", "one"), Message("assistant", "1"), Message("user", "two"))
CLAUDE = {
    "type": "result",
    "is_error": False,
    "result": "an answer",
    "stop_reason": "end_turn",
    "total_cost_usd": 0.25,
    "usage": {"input_tokens": 5, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 20, "output_tokens": 3},
}
CODEX = [
    {"type": "thread.started"},
    {"type": "item.completed", "item": {"type": "agent_message", "text": "an answer"}},
    {"type": "turn.completed", "usage": {"input_tokens": 35, "cached_input_tokens": 10, "output_tokens": 3}},
]


@pytest.fixture
def bench(tmp_path):
    """A PATH with stand-ins for both commands, and the record they write."""
    for name in ("claude", "codex"):
        command = tmp_path / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(stand_in_agent.__file__)} "$@"\n')
        command.chmod(0o755)
    return Bench(tmp_path)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self, **told: str) -> dict[str, str]:
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "RECORD": str(self.folder / "record.json"), **told}

    def ask(self, name: str, request: Request | None = None, **told: str):
        async def main():
            model, _ = choose(name, "offline", self.environment(**told))
            try:
                return await model.complete(request or Request(TWO_TURNS, 77, 20))
            finally:
                await model.close()

        return asyncio.run(main())

    @property
    def record(self) -> dict:
        return json.loads((self.folder / "record.json").read_text())


def test_claude_is_held_to_a_plain_model_and_its_bill_is_read(bench):
    reply = bench.ask("agent:claude:haiku", SAY=json.dumps(CLAUDE))
    assert (reply.text, reply.usage) == ("an answer", Usage(35, 3, 10, 0.25))
    arguments = bench.record["arguments"]
    for pair in (["--tools", ""], ["--setting-sources", ""], ["--system-prompt", "Be brief."], ["--model", "haiku"]):
        assert arguments[arguments.index(pair[0]) + 1] == pair[1]
    assert {"-p", "--strict-mcp-config", "--no-session-persistence"} <= set(arguments)
    assert bench.record["max_tokens"] == "77"


def test_codex_gets_our_prompt_in_place_of_its_own_no_tools_and_no_servers(bench):
    reply = bench.ask("agent:codex", SAY="\n".join(map(json.dumps, CODEX)))
    assert (reply.text, reply.usage) == ("an answer", Usage(35, 3, 10, None))
    arguments = bench.record["arguments"]
    assert {"--ephemeral", "--ignore-user-config", "features.shell_tool=false"} <= set(arguments)
    assert arguments[arguments.index("--sandbox") + 1] == "read-only"
    assert bench.record["instructions"] == "Be brief."


def test_the_conversation_goes_to_standard_input_each_turn_under_its_role(bench):
    bench.ask("agent:claude", SAY=json.dumps(CLAUDE))
    assert bench.record["stdin"].startswith("<user>\none\n</user>\n\n<assistant>\n1\n</assistant>\n\n<user>\ntwo")
    bench.ask("agent:claude", Request((Message("user", "only this"),), 77, 20), SAY=json.dumps(CLAUDE))
    assert bench.record["stdin"] == "only this"


def test_it_runs_in_an_empty_folder_that_is_gone_afterwards(bench):
    bench.ask("agent:claude", SAY=json.dumps(CLAUDE))
    assert bench.record["files"] == []
    assert bench.record["cwd"] != os.getcwd()  # noqa: PTH109 - as the child sees it
    assert not Path(bench.record["cwd"]).exists()


def test_a_stop_word_cuts_what_the_command_could_not_be_told(bench):
    said = CLAUDE | {"result": "code```\nmore"}
    assert bench.ask("agent:claude", Request(TWO_TURNS, 77, 20, stop=("```\n",)), SAY=json.dumps(said)).text == "code"


REFUSED = CLAUDE | {"is_error": True}
FAILURES = [
    ("agent:claude", json.dumps(REFUSED | {"result": "Invalid key", "api_error_status": 401}), AuthFailed),
    ("agent:claude", json.dumps(REFUSED | {"result": "credit balance is too low"}), QuotaExhausted),
    ("agent:claude", "not logged in", BadReply),
    ("agent:claude", json.dumps(CLAUDE | {"result": ""}), BadReply),
    ("agent:codex", json.dumps({"type": "error", "message": "stream disconnected"}), ModelUnavailable),
    ("agent:codex", "", ModelUnavailable),
]


@pytest.mark.parametrize(("name", "said", "kind"), FAILURES)
def test_what_is_no_answer_becomes_a_typed_failure(bench, name, said, kind):
    with pytest.raises(kind):
        bench.ask(name, SAY=said)


def test_a_command_that_is_not_there_is_unavailable_and_says_so():
    async def main() -> None:
        await choose("agent:claude", "", {"PATH": "/nowhere"})[0].complete(Request(TWO_TURNS, 10, 5))

    with pytest.raises(ModelUnavailable, match="no `claude` on the PATH"):
        asyncio.run(main())


def test_one_that_takes_too_long_is_killed_with_all_it_started(bench):
    with pytest.raises(ModelTimeout):
        bench.ask("agent:claude", Request(TWO_TURNS, 10, 2), HANG="1")
    assert not alive(bench.record["pid"])
    assert not alive(bench.record["child"])


def test_a_cancelled_call_kills_it_with_all_it_started(bench):
    async def main() -> None:
        model, _ = choose("agent:claude", "offline", bench.environment(HANG="1", READY=str(bench.folder / "ready")))
        os.mkfifo(bench.folder / "ready")
        task = asyncio.create_task(model.complete(Request(TWO_TURNS, 10, 20)))
        await asyncio.to_thread((bench.folder / "ready").read_text)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await model.close()

    asyncio.run(main())
    assert not alive(bench.record["child"])


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
