"""The real `claude` and `codex` as models, against a scripted model API on loopback: what they send, what comes back.

Needs the kit that lies beside the project (`../shared/tools/clients`) and the clients it installs; skipped without.
"""

import asyncio
import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rlm_mcp.models.base import Message, Reply, Request
from rlm_mcp.models.choose import choose

KIT = Path(__file__).resolve().parents[3] / "shared" / "tools" / "clients" / "fake_api.py"
LAB = Path(os.environ.get("KIT_LAB") or Path.home() / ".cache" / "rlm-kit") / "clients"
COMMANDS = {
    "claude": LAB / "claude/node_modules/@anthropic-ai/claude-code-linux-x64/claude",
    "codex": LAB / "codex/node_modules/.bin/codex",
}
SYSTEM, QUESTION = "You label rows, in one word.", "Label this row."

pytestmark = [pytest.mark.client, pytest.mark.timeout(120)]


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_a_call_is_answered_with_a_small_request_no_tools_and_without_starting_the_users_servers(agent, tmp_path):
    reply, request, _ = asked(agent, tmp_path)
    assert reply.text == "FINAL-TEXT ok"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (100, 10)
    assert SYSTEM in json.dumps(request)
    assert QUESTION in json.dumps(request)
    assert {tool.get("name") for tool in request.get("tools", [])} <= {"request_user_input", "view_image"}
    assert not (tmp_path / "a server was started").exists()


@pytest.mark.parametrize(("agent", "limit"), [("claude", 3_000), ("codex", 9_000)])
def test_what_the_agent_adds_to_a_request_stays_small(agent, limit, tmp_path):
    size = asked(agent, tmp_path)[2]
    print(f"{agent}: {size} bytes")
    assert size < limit


def asked(agent: str, folder: Path) -> tuple[Reply, dict[str, Any], int]:
    """The reply, the request the API received, and its size in bytes."""
    if not KIT.exists() or not COMMANDS[agent].exists():
        pytest.skip(f"{agent} is not installed at {COMMANDS[agent]}, or there is no kit at {KIT}")
    api = kit().FakeAPI([], "rlm", QUESTION, str(folder / "log"))
    try:
        environment = prepared(agent, folder, f"http://127.0.0.1:{api.port}")

        async def main() -> Reply:
            model, _ = choose(f"agent:{agent}", "offline", environment)
            try:
                return await model.complete(Request((Message("system", SYSTEM), Message("user", QUESTION)), 500, 60))
            finally:
                await model.close()

        reply = asyncio.run(main())
    finally:
        api.close()
    sent = max((folder / "log").iterdir(), key=lambda path: QUESTION in path.read_text()).read_bytes()
    return reply, json.loads(sent), len(sent)


def kit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fake_api", KIT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prepared(agent: str, folder: Path, url: str) -> dict[str, str]:
    """The environment: a home whose configuration names a server, and a PATH with the command, pointed at `url`."""
    server = ["-c", f"touch '{folder}/a server was started'; sleep 5"]
    home = folder / "home"
    (home / ".codex").mkdir(parents=True)
    (home / ".codex" / "config.toml").write_text(
        f'[mcp_servers.rlm]\ncommand = "/bin/sh"\nargs = {json.dumps(server)}\n'
    )
    servers = {"mcpServers": {"rlm": {"type": "stdio", "command": "/bin/sh", "args": server}}}
    (home / ".claude.json").write_text(json.dumps(servers))
    command = folder / agent
    provider = f'model_providers.x={{name="x",base_url="{url}/v1",env_key="KEY",wire_api="responses"}}'
    given = f"exec -c 'model=\"gpt-5.1\"' -c 'model_provider=\"x\"' -c '{provider}'"
    start = f'shift\nexec {COMMANDS[agent]} {given} "$@"' if agent == "codex" else f'exec {COMMANDS[agent]} "$@"'
    command.write_text(f"#!/bin/sh\n{start}\n")
    command.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    quiet = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "KEY": "dummy"}
    return {"PATH": path, "HOME": str(home), "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-dummy", **quiet}
