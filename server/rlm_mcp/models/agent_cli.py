"""Agent command lines as models: `claude -p` and `codex exec`, for people who have a login but no key.

Each call is one process in an empty folder, with the agent's tools, settings, servers and sessions left out as far as
it allows: it must not read the repository we are asked about, and must not start us again. Held so, a request carries
2 KB (Claude Code 2.1) or 7 KB (Codex 0.169; 42 KB and a shell if it were not) beside our own words. Codex serves as
root only.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rlm_mcp.models.base import Message, Price, Reply, Request, Usage
from rlm_mcp.models.errors import BadReply, ModelTimeout, ModelUnavailable
from rlm_mcp.models.failures import Failure, translate
from rlm_mcp.models.tokens import estimate_messages

AT_A_TIME = 4
"""Processes of one agent: each takes 200 MB and most of a second to start."""
LONGEST_ARGUMENT = 100_000
"""Bytes of a system prompt that still fit on a command line."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an agent's output says."""

    text: str
    usage: Usage
    finish_reason: str = "stop"


class Agent(Protocol):
    """How one command line is asked and read."""

    command: str
    window: int | None

    def arguments(self, request: Request, model: str, folder: Path) -> list[str]:
        """What follows the command."""

    def prompt(self, request: Request) -> str:
        """What is written to its standard input."""

    def read(self, stdout: str) -> Told:
        """What it answered. Raises ValueError, in its words, when that is no answer."""


class AgentModel:
    """A model by the name `agent:claude`, `agent:codex`, or with a model of that agent: `agent:claude:haiku`."""

    def __init__(self, name: str, agent: Agent, environment: Mapping[str, str]) -> None:
        self.name = name
        self.address = ""
        self.window = agent.window
        self._agent = agent
        self._model = name.split(":", 2)[2] if name.count(":") > 1 else ""
        self._environment = dict(environment)
        self._turn = asyncio.Semaphore(AT_A_TIME)
        self._folder: Path | None = None

    def price(self) -> Price | None:
        return None

    def estimate(self, request: Request) -> Usage:
        return Usage(estimate_messages(request.messages), request.max_tokens)

    async def complete(self, request: Request) -> Reply:
        async with self._turn:
            started = time.monotonic()
            told = self._understood(*await self._run(request))
        text = _cut_at(told.text, request.stop)
        return Reply(text, told.usage, self.name, told.finish_reason, time.monotonic() - started)

    async def close(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    async def _run(self, request: Request) -> tuple[int, str, str]:
        process = await self._started(request)
        try:
            async with asyncio.timeout(request.timeout):
                out, err = await process.communicate(self._agent.prompt(request).encode("utf-8", "replace"))
        except TimeoutError:
            raise translate(Failure(self.name, kind=ModelTimeout, text=f"{request.timeout:g} s")) from None
        finally:
            _end(process)
            await process.wait()
        return process.returncode or 0, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    async def _started(self, request: Request) -> asyncio.subprocess.Process:
        command = shutil.which(self._agent.command, path=self._environment.get("PATH"))
        if command is None:
            text = f"there is no `{self._agent.command}` on the PATH"
            raise translate(Failure(self.name, kind=ModelUnavailable, text=text))
        self._folder = folder = self._folder or Path(tempfile.mkdtemp(prefix="rlm-agent-"))
        return await asyncio.create_subprocess_exec(
            command,
            *self._agent.arguments(request, self._model, folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=self._environment | {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(request.max_tokens)},
            start_new_session=True,  # so that all it starts ends with it
        )

    def _understood(self, code: int, out: str, err: str) -> Told:
        try:
            told = self._agent.read(out)
        except (ValueError, KeyError, TypeError) as problem:
            said = str(problem) if isinstance(problem, Refused) else (err or out or "no output")
            kind = None if isinstance(problem, Refused) else (ModelUnavailable if code else BadReply)
            failure = Failure(self.name, status=getattr(problem, "status", None), text=said, kind=kind)
            raise translate(failure) from None
        if not told.text.strip():
            raise translate(Failure(self.name, kind=BadReply, text="it holds no text"))
        return told


class Refused(ValueError):
    """An agent's own report of a failure, with the API's status if it told."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Claude:
    """`claude -p` with its tools off, our system prompt, no session kept and JSON out."""

    command = "claude"
    window: int | None = 200_000

    def arguments(self, request: Request, model: str, folder: Path) -> list[str]:  # noqa: ARG002 - the protocol's shape
        system = _system(request)
        arguments = ["-p", "--output-format", "json", "--tools", "", "--setting-sources", ""]
        arguments += ["--strict-mcp-config", "--no-session-persistence", "--disable-slash-commands"]
        arguments += ["--system-prompt", system if len(system.encode()) <= LONGEST_ARGUMENT else "Follow the user."]
        arguments += ["--model", model] if model else []
        return arguments + (["--json-schema", json.dumps(request.json_schema)] if request.json_schema else [])

    def prompt(self, request: Request) -> str:
        system = _system(request)
        before = f"{system}\n\n" if len(system.encode()) > LONGEST_ARGUMENT else ""
        return before + transcript(request.messages)

    def read(self, stdout: str) -> Told:
        result = json.loads(stdout)
        if isinstance(result, list):  # every event, when the user's settings ask for verbose output
            result = result[-1]
        if result.get("is_error"):
            raise Refused(str(result.get("result") or result.get("errors")), result.get("api_error_status"))
        data = result.get("structured_output")
        text = str(result["result"]) if data is None else json.dumps(data, ensure_ascii=False)
        return Told(text, _claude_usage(result), str(result.get("stop_reason") or "stop"))


class Codex:
    """`codex exec` with our system prompt in place of its own, without tools and without the user's servers."""

    command = "codex"
    window: int | None = 200_000
    without = ("shell_tool", "unified_exec", "apps", "plugins", "goals", "multi_agent", "view_image", "hooks")
    """Features that would let it act; a version that does not know one of them ignores it."""

    def arguments(self, request: Request, model: str, folder: Path) -> list[str]:
        arguments = ["exec", "--json", "--ephemeral", "--skip-git-repo-check", "--sandbox", "read-only"]
        # The user's configuration names servers to start, and one of them may be this one.
        arguments += ["--ignore-user-config", "--ignore-rules", "--cd", str(folder)]
        arguments += ["--config", f"model_instructions_file={json.dumps(str(_kept(folder, _system(request))))}"]
        arguments += ["--config", 'web_search="disabled"']
        for feature in self.without:
            arguments += ["--config", f"features.{feature}=false"]
        if request.json_schema:
            arguments += ["--output-schema", str(_kept(folder, json.dumps(request.json_schema)))]
        return [*arguments, *(["--model", model] if model else []), "-"]

    def prompt(self, request: Request) -> str:
        return transcript(request.messages)

    def read(self, stdout: str) -> Told:
        events = [json.loads(line) for line in stdout.splitlines() if line.startswith("{")]
        texts = [event["item"]["text"] for event in events if event.get("item", {}).get("type") == "agent_message"]
        ended = [event for event in events if event.get("type") == "turn.completed"]
        if not ended or not texts:
            raise Refused(_codex_error(events))
        usage = ended[-1]["usage"]
        sent, written = int(usage["input_tokens"]), int(usage["output_tokens"])
        return Told(texts[-1], Usage(sent, written, int(usage.get("cached_input_tokens", 0))))


AGENTS: Mapping[str, type[Claude] | type[Codex]] = {"claude": Claude, "codex": Codex}
"""What may follow `agent:`."""


def found(environment: Mapping[str, str]) -> dict[str, str]:
    """The agents that are installed, by name, with the path of their command. Looking starts nothing."""
    paths = {name: shutil.which(agent.command, path=environment.get("PATH")) for name, agent in AGENTS.items()}
    return {name: path for name, path in paths.items() if path}


def transcript(messages: Sequence[Message]) -> str:
    """A conversation as one prompt: the message itself when there is only one, else each under its role."""
    spoken = [message for message in messages if message.role != "system"]
    if len(spoken) == 1:
        return spoken[0].content
    turns = [f"<{message.role}>\n{message.content}\n</{message.role}>" for message in spoken]
    return "\n\n".join([*turns, "Write the next assistant message, and nothing else."])


def _kept(folder: Path, text: str) -> Path:
    """A file with this text, for an argument that must be a file."""
    path = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
    path.write_text(text, encoding="utf-8", errors="replace")
    return path


def _system(request: Request) -> str:
    return "\n\n".join(message.content for message in request.messages if message.role == "system")


def _cut_at(text: str, stops: Sequence[str]) -> str:
    """What a stop sequence would have left: these commands know none."""
    return text[: min([len(text), *(at for stop in stops if (at := text.find(stop)) >= 0)])]


def _claude_usage(result: Mapping[str, Any]) -> Usage:
    usage = result.get("usage") or {}
    fresh, read, written = (int(usage.get(name) or 0) for name in _CLAUDE_INPUT)
    cost = result.get("total_cost_usd")
    usd = float(cost) if isinstance(cost, int | float) else None
    return Usage(fresh + read + written, int(usage.get("output_tokens") or 0), read, usd)


_CLAUDE_INPUT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def _codex_error(events: Sequence[Mapping[str, Any]]) -> str:
    said = [event.get("message") or event.get("error", {}).get("message") for event in events]
    return next((str(text) for text in reversed(said) if text), "it ended without an answer")


def _end(process: asyncio.subprocess.Process) -> None:
    """Its whole process group, if any of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
