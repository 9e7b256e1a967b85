"""What all models behind a chat API share: price, window, time limit, and from an answer to a Reply."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from rlm_mcp.models import prices
from rlm_mcp.models.base import Message, Price, Reply, Request, Usage
from rlm_mcp.models.connections import Connections
from rlm_mcp.models.errors import BadReply, ModelError, ModelTimeout, RequestRefused
from rlm_mcp.models.failures import Failure, translate
from rlm_mcp.models.tokens import estimate_messages, estimate_tokens


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider sent, whoever it is. No `sent` and no `written` tokens: it did not say what it used."""

    text: str
    finish: str
    sent: int = 0
    written: int = 0
    cached: int = 0
    stored: int = 0
    """Tokens put into the provider's cache."""


class ChatModel:
    """A model behind a chat API. How it is sent is for those who inherit to say."""

    def __init__(self, name: str, connections: Connections | None = None, address: str = "") -> None:
        self.name = name
        self.address = address
        self._row = prices.row(name)
        self._connections = connections or Connections()

    @property
    def window(self) -> int | None:
        return self._row.window

    def price(self) -> Price | None:
        return self._row.price

    def estimate(self, request: Request) -> Usage:
        sent, written = estimate_messages(request.messages), request.max_tokens
        return Usage(sent, written, 0, self._cost(sent, written))

    async def complete(self, request: Request) -> Reply:
        await self._ready()
        started = time.monotonic()
        try:
            async with asyncio.timeout(request.timeout):
                answer = await self._send(request)
        except TimeoutError:
            raise translate(Failure(self.name, kind=ModelTimeout, text=f"{request.timeout:g} s")) from None
        return self._reply(answer, request, time.monotonic() - started)

    async def close(self) -> None:
        await self._connections.close()

    async def _ready(self) -> None:
        """What must be there before the clock starts."""

    async def _send(self, request: Request) -> Answer:
        """One attempt. Raises ModelError."""
        raise NotImplementedError

    def _reply(self, answer: Answer, request: Request, seconds: float) -> Reply:
        usage = self._usage(answer, request)
        if answer.finish == "content_filter":
            raise self._billed(RequestRefused, "its content filter stopped the answer", usage)
        if not answer.text.strip():
            raise self._billed(BadReply, f"it holds no text (finish reason: {answer.finish})", usage)
        return Reply(well_formed(answer.text), usage, self.name, answer.finish, seconds)

    def _billed(self, kind: type[ModelError], text: str, usage: Usage) -> ModelError:
        failure = translate(Failure(self.name, kind=kind, text=text))
        failure.usage = usage
        return failure

    def _usage(self, answer: Answer, request: Request) -> Usage:
        """What the answer says it used; when it does not say, a guess without a price."""
        if not answer.sent and not answer.written:
            return Usage(estimate_messages(request.messages), estimate_tokens(answer.text))
        usd = self._cost(answer.sent, answer.written, answer.cached, answer.stored)
        return Usage(answer.sent, answer.written, answer.cached, usd)

    def _cost(self, sent: int, written: int, cached: int = 0, stored: int = 0) -> float | None:
        return None if self._row.price is None else self._row.price.cost(sent, written, cached, stored)


def well_formed(text: str) -> str:
    """The text without halves of surrogate pairs, which would break whoever encodes it."""
    return text.encode("utf-8", "replace").decode()


def wire(request: Request, *, marked: bool = False) -> list[dict[str, Any]]:
    """The messages as chat APIs have them; `marked`: with Anthropic's cache marks on system and last message."""
    last = len(request.messages) - 1
    return [
        {"role": message.role, "content": _content(message, marked=marked and (message.role == "system" or i == last))}
        for i, message in enumerate(request.messages)
    ]


def response_format(request: Request) -> dict[str, Any] | None:
    """The answer's schema as chat APIs have it."""
    if request.json_schema is None:
        return None
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": request.json_schema}}


def given(**arguments: Any) -> dict[str, Any]:
    """The arguments that are not None."""
    return {name: value for name, value in arguments.items() if value is not None}


def _content(message: Message, *, marked: bool) -> Any:
    text = well_formed(message.content)
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}] if marked else text
