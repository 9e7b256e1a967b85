"""A root model that does its worst, behind the real server: each act ends as designed, and the server stays well."""

import json
import threading
import time
from pathlib import Path

import pytest

from tests.support.asking import cell
from tests.support.scripted_model import ScriptedModel, hang
from tests.support.stdio import Server

LOOK = cell("print(corpus.grep('run_server'))")
GOOD = cell("FINAL('It is defined here [src/server.py:4-4].')")
ACTS = {
    "prints 50 MB": "print('x' * 50_000_000)",
    "loops for ever": "while True:\n    pass",
    "runs a catastrophic regex": "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
    "allocates 4 GiB": "hoard = bytearray(4 << 30)",
    "starts a program": "import os\nprint('exit', os.system('id'))\nos.execv('/bin/sh', ['sh'])",
    "opens /etc/passwd": "print(open('/etc/passwd').read())",
    "opens the user's home": "import os\nprint(os.listdir(os.path.expanduser('~')))",
    "raises": "before = 41\nraise ValueError('on purpose')",
    "connects": "import socket\nsocket.create_connection(('127.0.0.1', 9))",
}
MEMORY_GROWTH = 20 * 1024 * 1024


def resident(pid: int) -> int:
    """Bytes of memory that are the process's own: anonymous pages, without mapped files."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024


def environment(tmp_path: Path, server: ScriptedModel) -> dict[str, str]:
    return {
        "RLM_CACHE_DIR": str(tmp_path / "cache"),
        "RLM_MODEL": "openai/root",
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_KEY": "none",
        "RLM_CELL_TIMEOUT": "2",
        "PYTHONPATH": "",
    }


@pytest.mark.parametrize("act", ACTS)
def test_a_hostile_cell_costs_a_turn_and_the_server_answers_meanwhile(
    tmp_path: Path, repository: Path, act: str
) -> None:
    with ScriptedModel({"root": [LOOK, cell(ACTS[act]), cell("print('still here', len(corpus.docs))"), GOOD]}) as model:
        with Server(cwd=repository, env=environment(tmp_path, model)) as server:
            server.initialize()
            server.call("load_corpus", source=".")
            warm = resident(server.process.pid)
            server.send({"id": 900, "method": "tools/call", "params": asking()})
            model.wait_for(2)
            began = time.monotonic()
            assert server.request("tools/list", timeout=5)["result"]["tools"]
            listed = time.monotonic() - began
            result = server.answer(900, timeout=60)["result"]
            grown = resident(server.process.pid) - warm
        told = [request.text for request in model.requests]
    assert listed < 5
    assert "src/server.py:4-4 verified" in result["content"][0]["text"], result
    assert "still here 3" in told[3], "the session or its restored copy goes on"
    assert grown < MEMORY_GROWTH
    assert all(json.loads(line)["jsonrpc"] for line in server.lines)


def asking(**more: object) -> dict[str, object]:
    return {"name": "rlm_ask", "arguments": {"question": "Where is run_server defined?", "corpus": ".", **more}}


def test_a_citation_of_line_999999_of_nosuch_py_reaches_the_agent_as_rejected(tmp_path: Path, repository: Path) -> None:
    final = cell("FINAL('It is at [nosuch.py:999999].')")
    with (
        ScriptedModel({"root": [LOOK, final, final]}) as model,
        Server(cwd=repository, env=environment(tmp_path, model)) as server,
    ):
        server.initialize()
        result = server.call("rlm_ask", question="Where is run_server defined?", corpus=".")
    assert "REJECTED citations" in result["text"]
    assert "- nosuch.py:999999-999999: no such document" in result["text"]
    assert "[nosuch.py:999999]" not in result["text"], "the marker must not look like a good one"
    assert result["_meta"]["rlm/result"]["citations"] == []


def test_cancelling_the_request_leaves_the_run_and_its_result_can_be_had(tmp_path: Path, repository: Path) -> None:
    gate = threading.Event()

    def root(asked: object) -> str:
        first = len(model.requests) == 1
        if first:
            assert gate.wait(30)
        return LOOK if first else GOOD

    with ScriptedModel({"root": root}) as model, Server(cwd=repository, env=environment(tmp_path, model)) as server:
        server.initialize()
        asked = asking()
        asked["arguments"] |= {"wait_s": 0.2}  # type: ignore[operator]
        handle = server.request("tools/call", asked)["result"]["content"][0]["text"]
        run = handle.split()[1].rstrip(":")
        assert "still running" in handle
        gate.set()
        assert "src/server.py:4-4 verified" in server.call("rlm_job", run=run)["text"]


def test_cancelling_a_run_ends_its_model_call_and_says_so(tmp_path: Path, repository: Path) -> None:
    with ScriptedModel({"root": [hang()]}) as model, Server(cwd=repository, env=environment(tmp_path, model)) as server:
        server.initialize()
        asked = asking(wait_s=0.2)
        run = server.request("tools/call", asked)["result"]["content"][0]["text"].split()[1].rstrip(":")
        model.wait_for(1)
        cancelled = server.call("rlm_job", run=run, action="cancel")
        model.wait_for_hang_up(1)
    assert cancelled["isError"]
    assert "was cancelled" in cancelled["text"]
