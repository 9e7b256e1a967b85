"""An OpenAI-compatible model server over real HTTP on 127.0.0.1, whose every answer a test decides.

    with ScriptedModel(["first answer", rate_limited(0.1), "second answer"]) as server:
        ask(server.url, model="anything")
        assert server.requests[0].messages[-1]["content"] == "…"

A script is a function of the request, a list of steps (one per request, in order of arrival), or a dict of scripts by
model name, so that root and sub-model are told apart. A step is a text, or an Answer: status, headers, delay, hang,
half an answer, a dropped connection. The server runs in a thread with a loop of its own; sync and async tests alike
use it. As a program (`python tests/support/scripted_model.py --delay 0.05`) it prints its URL and echoes: for
benchmarks, where the client should not share a process with the server.
"""

import argparse
import asyncio
import contextlib
import inspect
import itertools
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

JSON = Any


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    number: int
    """Counts from 0, in order of arrival."""
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, JSON]
    at: float
    """`time.monotonic()` of its arrival."""
    in_flight: int
    """Requests being answered at that moment, this one included."""

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def messages(self) -> list[dict[str, JSON]]:
        return list(self.body.get("messages", []))

    @property
    def text(self) -> str:
        """The last message's text."""
        content = self.messages[-1]["content"]
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back, and how badly."""

    text: str = ""
    usage: tuple[int, int, int] | None = None
    """Input, output and cached tokens; None: a quarter of the characters; see also `no_usage`."""
    no_usage: bool = False
    finish: str = "stop"
    model: str | None = None
    """What the answer calls its model; None: as asked."""
    delay: float = 0.0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    """The body, instead of a completion."""
    cut_after: int | None = None
    """Send so many bytes of the body, then drop the connection."""
    hang: bool = False
    """Never answer; the connection stays open until the client or the test gives up."""


Step = str | Answer
Handler = Callable[[Asked], Step | Awaitable[Step]]
Script = Handler | Sequence[Step] | Mapping[str, "Script"]


def error(status: int, message: str, code: str | None = None, kind: str = "error", **headers: str) -> Answer:
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Answer(status=status, raw=json.dumps(body).encode(), headers=headers)


def rate_limited(retry_after: float | None = None) -> Answer:
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return error(429, "Rate limit reached for requests per min.", "rate_limit_exceeded", "requests", **headers)


def quota_exhausted() -> Answer:
    message = "You exceeded your current quota, please check your plan and billing details."
    return error(429, message, "insufficient_quota", "insufficient_quota")


def context_overflow(window: int = 8192) -> Answer:
    message = f"This model's maximum context length is {window} tokens. However, your messages resulted in more tokens."
    return error(400, message, "context_length_exceeded", "invalid_request_error")


def server_error(status: int = 500) -> Answer:
    return error(status, "The server had an error while processing your request.", "server_error", "server_error")


def bad_key(key: str = "sk-…") -> Answer:
    return error(401, f"Incorrect API key provided: {key}.", "invalid_api_key", "invalid_request_error")


def unknown_model(name: str = "it") -> Answer:
    return error(404, f"The model `{name}` does not exist or you do not have access to it.", "model_not_found")


def html(status: int = 200) -> Answer:
    page = b"<html><body><h1>Welcome to nginx!</h1></body></html>"
    return Answer(status=status, raw=page, headers={"content-type": "text/html"})


def garbage() -> Answer:
    return Answer(raw=b"\x00\xff{not json", headers={"content-type": "application/json"})


def truncated(text: str = "half of an answer") -> Answer:
    return Answer(text, cut_after=60)


def dropped() -> Answer:
    return Answer(cut_after=0)


def hang() -> Answer:
    return Answer(hang=True)


class ScriptedModel:
    """The server. `url` is what clients call base URL; `requests` is what they asked, in order of arrival."""

    def __init__(self, script: Script, *, delay: float = 0.0) -> None:
        self._script = script
        self._delay = delay
        self._turns: dict[int, itertools.count[int]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="scripted-model", daemon=True)
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._arrived = threading.Condition()
        self._in_flight = 0
        self.most_in_flight = 0
        self.connections = 0
        self.abandoned = 0
        """Requests whose client went away while the server let it hang."""
        self.requests: list[Asked] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def asked(self, model: str) -> list[Asked]:
        """The requests that named this model."""
        return [request for request in self.requests if request.model == model]

    def wait_for(self, count: int, seconds: float = 10.0) -> None:
        """Returns when so many requests have arrived."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) >= count, seconds):
                raise TimeoutError(f"{len(self.requests)} of {count} requests arrived in {seconds} s")

    def wait_for_hang_up(self, count: int, seconds: float = 10.0) -> None:
        """Returns when so many clients have left a hanging request."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: self.abandoned >= count, seconds):
                raise TimeoutError(f"{self.abandoned} of {count} clients left in {seconds} s")

    # The thread, and one connection in it.

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(task := asyncio.current_task())  # type: ignore[arg-type]
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._converse(reader, writer)
            writer.close()
            tasks.discard(task)

        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**26, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await reader.readuntil(b"\r\n\r\n"):
            path, headers = parse_head(head)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            try:
                asked = self._record(path, headers, body)
                answer = await self._next_step(asked)
                await asyncio.sleep(self._delay + answer.delay)
                if answer.hang:
                    await reader.read()
                    self._hung_up()
                    return
                if not await send(asked, answer, writer):
                    return
            finally:
                self._in_flight -= 1

    def _hung_up(self) -> None:
        with self._arrived:
            self.abandoned += 1
            self._arrived.notify_all()

    def _record(self, path: str, headers: dict[str, str], body: bytes) -> Asked:
        with self._arrived:
            asked = Asked(
                len(self.requests), path, headers, json.loads(body or b"{}"), time.monotonic(), self._in_flight
            )
            self.requests.append(asked)
            self._arrived.notify_all()
        return asked

    async def _next_step(self, asked: Asked) -> Answer:
        script: Any = self._script
        while isinstance(script, Mapping):
            script = script.get(asked.model, unscripted)
        step = self._scripted(script) if isinstance(script, Sequence) else script(asked)
        if inspect.isawaitable(step):
            step = await step
        return step if isinstance(step, Answer) else Answer(step)

    def _scripted(self, steps: Sequence[Step]) -> Step:
        turn = next(self._turns.setdefault(id(steps), itertools.count()))
        return steps[turn] if turn < len(steps) else error(418, f"the script had only {len(steps)} steps")


def unscripted(asked: Asked) -> Answer:
    return error(404, f"no script for model {asked.model!r}", "model_not_found")


# The wire.


async def send(asked: Asked, answer: Answer, writer: asyncio.StreamWriter) -> bool:
    """Whether the connection is still good."""
    if asked.body.get("stream") and answer.raw is None:
        async for part in event_stream(asked, answer):
            writer.write(part)
            await writer.drain()
        return True
    head, body = whole_answer(asked, answer)
    if answer.cut_after != 0:
        writer.write(head + body[: answer.cut_after])
    await writer.drain()
    return answer.cut_after is None


def parse_head(head: bytes) -> tuple[str, dict[str, str]]:
    request_line, *lines = head.decode("latin-1").rstrip().split("\r\n")
    pairs = (line.split(":", 1) for line in lines)
    return request_line.split(" ")[1], {name.lower(): value.strip() for name, value in pairs}


def usage_of(asked: Asked, answer: Answer) -> dict[str, JSON]:
    sent, written, cached = answer.usage or (len(json.dumps(asked.messages)) // 4, max(1, len(answer.text) // 4), 0)
    details = {"cached_tokens": cached}
    total = sent + written
    return {
        "prompt_tokens": sent,
        "completion_tokens": written,
        "total_tokens": total,
        "prompt_tokens_details": details,
    }


def whole_answer(asked: Asked, answer: Answer) -> tuple[bytes, bytes]:
    body = completion(asked, answer) if answer.raw is None else answer.raw
    headers = {"content-type": "application/json", **answer.headers, "content-length": str(len(body))}
    lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode(), body


def completion(asked: Asked, answer: Answer) -> bytes:
    message = {"role": "assistant", "content": answer.text}
    body: dict[str, JSON] = {
        "id": f"scripted-{asked.number}",
        "object": "chat.completion",
        "created": 1,
        "model": answer.model or asked.model,
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish}],
    }
    if not answer.no_usage:
        body["usage"] = usage_of(asked, answer)
    return json.dumps(body).encode()


async def event_stream(asked: Asked, answer: Answer) -> AsyncIterator[bytes]:
    """The answer word by word, as server-sent events in HTTP chunks."""
    common = {"id": f"scripted-{asked.number}", "object": "chat.completion.chunk", "created": 1, "model": asked.model}
    yield b"HTTP/1.1 200 Scripted\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    for word in answer.text.split(" "):
        delta = {"role": "assistant", "content": word + " "}
        yield chunk({**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    last = {"index": 0, "delta": {}, "finish_reason": answer.finish}
    yield chunk({**common, "choices": [last]})
    if not answer.no_usage:
        yield chunk({**common, "choices": [], "usage": usage_of(asked, answer)})
    done = b"data: [DONE]\n\n"
    yield f"{len(done):x}\r\n".encode() + done + b"\r\n0\r\n\r\n"


def chunk(event: JSON) -> bytes:
    data = b"data: " + json.dumps(event).encode() + b"\n\n"
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def main() -> None:
    arguments = argparse.ArgumentParser(description="echoes the last message, after a delay")
    arguments.add_argument("--delay", type=float, default=0.0, help="seconds")
    options = arguments.parse_args()
    with ScriptedModel(lambda asked: Answer(asked.text[-200:], delay=options.delay)) as server:
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
