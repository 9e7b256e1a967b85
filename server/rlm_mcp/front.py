"""Answers the handshake at once, while the MCP SDK is still being imported.

Importing the SDK takes longer than some clients wait for a server's tools. What it will answer to `initialize`,
`server/discover` and the list calls is known when we are built, and recorded in `handshake.json`; so two threads stand
between the client and the SDK: one answers those requests from the record and passes every message on, the other drops
the SDK's own answer to what was already answered. A test holds the record against the live server, for each revision
of the protocol. Whenever the record does not apply (another SDK), every message just passes.

Standard library only: this module is imported before anything else.
"""

import contextlib
import json
import os
import threading
from collections.abc import Callable
from importlib import resources
from typing import Any, BinaryIO

JSON = Any
RECORD = "handshake.json"
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
OPENINGS = ("initialize", "server/discover")
END = b"\0\n"
"""Written behind the server's last line: the SDK keeps a copy of its descriptor, so the pipe itself does not end."""


def key(method: str, revision: str) -> str:
    """Where the record keeps the answer to `method` in one revision of the protocol."""
    return f"{method} {revision}"


def recorded(sdk_version: str) -> dict[str, JSON]:
    """Answers by key; none at all when they were recorded with another SDK."""
    with contextlib.suppress(OSError, ValueError):
        record = json.loads(resources.files("rlm_mcp").joinpath(RECORD).read_bytes())
        if record["sdk"] == sdk_version:
            answers: dict[str, JSON] = record["answers"]
            return answers
    return {}


class Front:
    """Stands between the client, on descriptors 0 and 1, and whoever reads and writes those descriptors from now on."""

    def __init__(self, answers: dict[str, JSON]) -> None:
        self._answers = answers
        self._revision = ""
        self._answered: set[str] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Take over descriptors 0 and 1, and put pipes in their place."""
        client_in, client_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
        to_server, from_server = os.pipe(), os.pipe()
        os.dup2(to_server[0], 0)
        os.dup2(from_server[1], 1)
        os.close(to_server[0])
        self._end = os.fdopen(from_server[1], "wb", buffering=0)
        server_in, server_out = os.fdopen(to_server[1], "wb", buffering=0), os.fdopen(from_server[0], "rb")
        self._pump(lambda: self._inward(client_in, server_in, client_out))
        self._pump(lambda: self._outward(server_out, client_out))

    def finish(self) -> None:
        """Deliver what the server wrote last. Call it when the server has ended."""
        with contextlib.suppress(OSError), self._end:
            os.dup2(2, 1)
            _write(self._end, END)
        self._threads[1].join(timeout=5.0)

    def _pump(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _inward(self, source: BinaryIO, server: BinaryIO, client: BinaryIO) -> None:
        """Pass every line on to the server; answer it as well, where we can."""
        with contextlib.suppress(OSError), server:
            for line in source:
                answer = self._answer(line)
                if answer is not None:
                    _write(client, answer)
                _write(server, line)

    def _outward(self, server: BinaryIO, client: BinaryIO) -> None:
        """Pass every line on to the client, but for answers it has already. A server that speaks answers for itself."""
        with contextlib.suppress(OSError):
            for line in server:
                if line == END:
                    return
                self._answers = {}
                if not self._is_duplicate(line):
                    _write(client, line)

    def _answer(self, line: bytes) -> bytes | None:
        if not self._answers:
            return None
        message = _parsed(line)
        result = self._result(message) if message and "id" in message and "method" in message else None
        if message is None or result is None:
            return None
        with self._lock:
            self._answered.add(json.dumps(message["id"]))
        return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode() + b"\n"

    def _result(self, message: dict[str, JSON]) -> JSON | None:
        method, parameters = message["method"], message.get("params") or {}
        stated = (parameters.get("_meta") or {}).get(VERSION_KEY) or ""
        if method in OPENINGS:
            if self._revision:
                return None  # the second opening of a connection is the server's to judge
            self._revision = str(stated or parameters.get("protocolVersion", ""))
        if "cursor" in parameters:
            return None
        return self._answers.get(key(method, str(stated or self._revision)))

    def _is_duplicate(self, line: bytes) -> bool:
        with self._lock:
            if not self._answered:
                return False
            message = _parsed(line)
            if message is None or "method" in message or "id" not in message:
                return False
            known = json.dumps(message["id"])
            found = known in self._answered
            self._answered.discard(known)
            return found


def _parsed(line: bytes) -> dict[str, JSON] | None:
    with contextlib.suppress(ValueError):
        message = json.loads(line)
        if isinstance(message, dict) and isinstance(message.get("params") or {}, dict):
            return message
    return None


def _write(stream: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]
