"""The MCP server as a process: both eras of the protocol, nothing but JSON-RPC on stdout, an end without remains."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.support import handshake
from tests.support.stdio import COMMAND, MODERN, Server, modern

TOOLS = ["load_corpus", "rlm_ask", "rlm_job", "corpus_read"]


def environment(tmp_path: Path) -> dict[str, str]:
    return {"RLM_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": "", "PYTHONSAFEPATH": "1"}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_sdk_client_loads_asks_and_reads_over_stdio(tmp_path: Path, repository: Path, mode: Any) -> None:
    parameters = StdioServerParameters(
        command=COMMAND[0], args=list(COMMAND[1:]), env=environment(tmp_path), cwd=str(repository)
    )

    async def scenario() -> None:
        async with Client(stdio_client(parameters), mode=mode) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
            loaded = await client.call_tool("load_corpus", {"source": "."})
            assert not loaded.is_error
            progress: list[Any] = []

            async def on_progress(*args: Any) -> None:
                progress.append(args)

            answer = await client.call_tool(
                "rlm_ask", {"question": "Where is run_server defined?", "corpus": "."}, progress_callback=on_progress
            )
            text = answer.content[0].text
            assert "src/server.py:4" in text
            assert "no language model" in text.lower()
            assert answer.meta["rlm/result"]["citations"][0]["state"] == "verified"
            read = await client.call_tool("corpus_read", {"corpus": ".", "query": "src/app.py:4-4"})
            assert read.content[0].text == "src/app.py:4-4\n4| def main() -> int:"
            second = {"corpus": ".", "query": "/def /", "limit": 1, "offset": 1}
            read = await client.call_tool("corpus_read", second)
            assert read.content[0].text.startswith("src/server.py:")
            assert "2-2 of 2 matching lines" in read.content[0].text

    asyncio.run(scenario())


def test_every_line_on_stdout_is_json_rpc_even_when_calls_fail(tmp_path: Path, repository: Path) -> None:
    with Server(cwd=repository, env=environment(tmp_path)) as server:
        server.initialize()
        assert server.call("load_corpus", source="/nowhere")["isError"]
        assert server.call("rlm_ask", question="q", corpus="nosuchcorpus")["isError"]
        assert server.call("nosuchtool")["isError"]
        assert not server.call("load_corpus", source=".")["isError"]
        assert server.close_stdin() == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in server.lines)


def test_a_failure_reaches_the_model_in_words_that_say_what_to_do(tmp_path: Path, repository: Path) -> None:
    with Server(cwd=repository, env=environment(tmp_path)) as server:
        server.initialize()
        server.call("load_corpus", source=".")
        told = server.call("rlm_ask", question="q", corpus="nosuchcorpus")
    assert told["isError"]
    assert "nosuchcorpus" in told["text"]
    assert "Loaded: tiny" in told["text"]


def test_the_recorded_handshake_is_what_the_live_server_answers(tmp_path: Path) -> None:
    assert json.loads(handshake.TARGET.read_text(encoding="utf-8")) == handshake.record(tmp_path)


@pytest.mark.parametrize("revision", handshake.HANDSHAKE_REVISIONS)
def test_with_the_front_each_request_is_answered_once(tmp_path: Path, revision: str) -> None:
    with Server(cwd=tmp_path, env=environment(tmp_path)) as server:
        assert server.initialize(revision)["result"]["protocolVersion"] == revision
        assert [t["name"] for t in server.request("tools/list")["result"]["tools"]] == TOOLS
        assert server.call("load_corpus", source="/nowhere")["isError"]
        assert server.close_stdin() == 0
    answered = [message["id"] for message in map(json.loads, server.lines) if "id" in message]
    assert answered == [1, 2, 3]


def test_the_modern_era_is_answered_by_the_front_and_then_by_the_server(tmp_path: Path) -> None:
    with Server(cwd=tmp_path, env=environment(tmp_path)) as server:
        assert MODERN in server.request("server/discover", modern())["result"]["supportedVersions"]
        assert [t["name"] for t in server.request("tools/list", modern())["result"]["tools"]] == TOOLS
        called = server.request("tools/call", modern({"name": "load_corpus", "arguments": {"source": "/nowhere"}}))
        assert called["result"]["isError"]


def test_the_tool_list_costs_at_most_a_thousand_tokens() -> None:
    answers = json.loads(handshake.TARGET.read_text(encoding="utf-8"))["answers"]
    for revision in (*handshake.HANDSHAKE_REVISIONS, MODERN):
        assert len(json.dumps(answers[f"tools/list {revision}"]["tools"])) / 4 <= 1_000


def test_nothing_is_imported_from_the_folder_it_is_started_in(tmp_path: Path, repository: Path) -> None:
    for name in ("rlm_mcp", "mcp", "git", "json", "rlm_indexers", "litellm"):
        (repository / name).mkdir()
        (repository / name / "__init__.py").write_text(f"open({str(tmp_path / 'hijacked')!r}, 'a').write({name!r})\n")
    with Server(cwd=repository, env=environment(tmp_path)) as server:
        server.initialize()
        assert not server.call("rlm_ask", question="Where is run_server defined?", corpus=".")["isError"]
    assert not (tmp_path / "hijacked").exists()


@pytest.mark.parametrize("ending", ["eof", "sigterm", "sigkill"])
def test_no_process_is_left_when_the_server_ends(tmp_path: Path, repository: Path, ending: str) -> None:
    with Server(cwd=repository, env=environment(tmp_path)) as server:
        server.initialize()
        assert not server.call("rlm_ask", question="Where is run_server defined?", corpus=".")["isError"]
        children = descendants(server.process.pid)
        assert children, "the sandbox's processes are expected to live as long as the server"
        if ending == "eof":
            server.close_stdin()
        else:
            server.process.send_signal(signal.SIGTERM if ending == "sigterm" else signal.SIGKILL)
            server.process.wait(20)
        for pid in children:
            wait_for_end(pid)


def descendants(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry.name), *descendants(int(entry.name))]
    return found


def wait_for_end(pid: int) -> None:
    """Returns when the process is gone; the pidfd becomes readable at that event."""
    import select

    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([handle], [], [], 20)
        assert ended, f"process {pid} is still there"
    finally:
        os.close(handle)


COPYING = """
import os, sys
from rlm_mcp.front import Front
front = Front({})
front.start()
os.dup(1)  # as the SDK does, which never closes it
os.write(1, b'{"id": 1}\\n')
front.finish()
sys.exit(front._threads[1].is_alive())
"""


def test_the_front_ends_with_the_server_though_a_copy_of_its_descriptor_stays_open() -> None:
    ran = subprocess.run([sys.executable, "-c", COPYING], input=b"", capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, b'{"id": 1}\n'), ran.stderr
