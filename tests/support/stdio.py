"""A raw MCP client over a server process's pipes: sees every byte on its stdout, and when it came."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

JSON = Any
COMMAND = (str(Path(sys.executable).with_name("rlm-mcp")), "serve")
CLIENT = {"name": "test", "version": "1"}
MODERN = "2026-07-28"


class Server:
    """`rlm-mcp serve` as a process; use as a context manager, which ends it."""

    def __init__(self, *, cwd: Path, env: Mapping[str, str], command: tuple[str, ...] = COMMAND) -> None:
        self.started = time.monotonic()
        base = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=base | dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.lines: list[bytes] = []
        self._messages: queue.Queue[dict[str, JSON] | None] = queue.Queue()
        self._stderr: list[bytes] = []
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._drain)]
        for thread in self._threads:
            thread.start()
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    @property
    def stderr(self) -> str:
        return b"".join(self._stderr).decode("utf-8", "replace")

    def send(self, message: dict[str, JSON]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")
        self.process.stdin.flush()

    def request(self, method: str, params: dict[str, JSON] | None = None, *, timeout: float = 60) -> dict[str, JSON]:
        """The answer to one request; notifications before it are passed over."""
        self._next += 1
        self.send({"id": self._next, "method": method, "params": params or {}})
        return self.answer(self._next, timeout=timeout)

    def answer(self, number: int, *, timeout: float = 60) -> dict[str, JSON]:
        deadline = time.monotonic() + timeout
        while True:
            message = self._messages.get(timeout=max(0.01, deadline - time.monotonic()))
            assert message is not None, f"the server ended: {self.stderr}"
            if message.get("id") == number and "method" not in message:
                return message

    def initialize(self, revision: str = "2025-11-25") -> dict[str, JSON]:
        """The handshake of the era that has one."""
        answer = self.request(
            "initialize", {"protocolVersion": revision, "capabilities": {}, "clientInfo": CLIENT}, timeout=60
        )
        self.send({"method": "notifications/initialized"})
        return answer

    def call(self, tool: str, **arguments: JSON) -> dict[str, JSON]:
        """A tool's result (text under `text`)."""
        result = self.request("tools/call", {"name": tool, "arguments": arguments})["result"]
        return result | {"text": "".join(part["text"] for part in result["content"])}

    def close_stdin(self, *, timeout: float = 20) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._messages.put(json.loads(line))
        self._messages.put(None)

    def _drain(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._stderr.append(line)


def modern(params: dict[str, JSON] | None = None) -> dict[str, JSON]:
    """Parameters with the envelope of the era without a handshake."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": CLIENT,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return (params or {}) | {"_meta": meta}
