"""The only door to litellm: imported late, in a thread, with every default switched off that would harm a server.

What is switched off, and why: shared facts, and the tests beside this file, one for each. In short, litellm left to
itself reads `.env` files of the folder it is started in, fetches its price map at import, writes to stdout when a call
fails, waits 100 minutes for an answer, retries on its own, and asks a tokenizer hub for vocabularies.
"""

import asyncio
import importlib
import logging
import os
import re
import threading
import time
from typing import Any

import aiohttp

from rlm_mcp.models import prices
from rlm_mcp.models.base import Message, Price, Reply, Request, Usage
from rlm_mcp.models.errors import (
    AuthFailed,
    BadReply,
    ContextOverflow,
    ModelError,
    ModelNotFound,
    ModelTimeout,
    ModelUnavailable,
    RateLimited,
    RequestRefused,
)
from rlm_mcp.models.failures import Failure, retry_after_seconds, translate
from rlm_mcp.models.tokens import estimate_messages, estimate_tokens

BEFORE_IMPORT = {
    "LITELLM_MODE": "PRODUCTION",  # else `.env` of the cwd and of every folder above site-packages is obeyed
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else the price map is fetched at import
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",  # else fetched at the first Anthropic call
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOG": "CRITICAL",  # its log goes to stdout, with prompts in full
}
TRANSPORT_TIMEOUT = 3600.0
"""Seconds; the same for all calls, because litellm builds a new client for each new value. `Request.timeout` is ours
to keep, and always shorter."""

_lock = threading.Lock()
_litellm: Any = None


class LitellmModel:
    """A model by its litellm name: `openai/…`, `anthropic/…`, `gemini/…`. Keys and addresses from litellm's own
    environment variables, unless given here.
    """

    def __init__(
        self,
        name: str,
        *,
        effort: str | None = None,
        api_base: str | None = None,
        api_key: str | None = None,
        connections: "Connections | None" = None,
    ) -> None:
        self.name = name
        self._row = prices.row(name)
        self._fixed = _given(
            api_base=api_base, api_key=api_key, reasoning_effort=effort if self._row.reasoning else None
        )
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
        litellm = await ready()
        started = time.monotonic()
        try:
            async with asyncio.timeout(request.timeout):
                answer = await litellm.acompletion(
                    **self._arguments(request), shared_session=await self._connections.session()
                )
        except Exception as failure:  # noqa: BLE001 - litellm raises a dozen families; all become ours
            # The cause is left out on purpose: its text may hold a key.
            raise self._failed(failure, request) from None
        return self._reply(answer, request, time.monotonic() - started)

    async def close(self) -> None:
        await self._connections.close()

    def _arguments(self, request: Request) -> dict[str, Any]:
        return {
            **self._fixed,
            "model": self.name,
            "messages": _wire(request, marked=request.cache_prefix and "claude" in self.name),
            "max_tokens": request.max_tokens,
            "timeout": TRANSPORT_TIMEOUT,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            "no-log": True,
            **_given(stop=list(request.stop) or None, response_format=_format(request)),
        }

    def _reply(self, answer: Any, request: Request, seconds: float) -> Reply:
        try:
            choice = answer.choices[0]
            text, finish = choice.message.content or "", str(choice.finish_reason or "")
        except (AttributeError, IndexError, TypeError):
            raise translate(Failure(self.name, kind=BadReply, text="no choices in it")) from None
        if finish == "content_filter":
            raise translate(Failure(self.name, kind=RequestRefused, text="its content filter stopped the answer"))
        if not text.strip():
            raise translate(Failure(self.name, kind=BadReply, text=f"it holds no text (finish reason: {finish})"))
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair would break whoever stores it
        return Reply(text, self._usage(answer, request, text), self.name, finish, seconds)

    def _usage(self, answer: Any, request: Request, text: str) -> Usage:
        """What the answer says it used; when it does not say, a guess without a price."""
        usage = getattr(answer, "usage", None)
        sent, written = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
        if not sent and not written:
            return Usage(estimate_messages(request.messages), estimate_tokens(text))
        cached = _count(getattr(usage, "prompt_tokens_details", None), "cached_tokens")
        stored = _count(usage, "cache_creation_input_tokens")
        return Usage(sent, written, cached, self._cost(sent, written, cached, stored))

    def _cost(self, sent: int, written: int, cached: int = 0, stored: int = 0) -> float | None:
        return None if self._row.price is None else self._row.price.cost(sent, written, cached, stored)

    def _failed(self, failure: Exception, request: Request) -> ModelError:
        if isinstance(failure, TimeoutError):
            return translate(Failure(self.name, kind=ModelTimeout, text=f"{request.timeout:g} s"))
        headers = getattr(failure, "litellm_response_headers", None)
        body = getattr(failure, "body", None)
        return translate(
            Failure(
                self.name,
                status=None if headers is None else getattr(failure, "status_code", None),  # else made up: 500
                text=_said(failure),
                code=str(body.get("code") or "") if isinstance(body, dict) else "",
                kind=_kind(failure),
                retry_after=retry_after_seconds((headers or {}).get("retry-after")),
                secrets=(*_secrets(), *filter(None, [self._fixed.get("api_key")])),
            )
        )


class Connections:
    """One pool of connections for the life of a server, whatever number of models share it.

    It belongs to the event loop that first asked. Another loop gets a pool of its own, and the old one is dropped: a
    connection used from a loop that did not open it fails after the provider has answered, that is, has billed.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def session(self) -> aiohttp.ClientSession:
        """The pool of the running loop."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            self._loop = loop
            # No limit here: how many calls are made at a time is decided in calls.py.
            connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def close(self) -> None:
        """Safe to call twice, and from any loop."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def ready() -> Any:
    """litellm, imported in a worker thread at the first call: the loop stays free for the two seconds it takes."""
    return _litellm or await asyncio.to_thread(_load)


def _load() -> Any:
    global _litellm  # noqa: PLW0603 - one module, loaded once, whoever comes first
    with _lock:
        if _litellm is None:
            _litellm = _import_tamed()
    return _litellm


def _import_tamed() -> Any:
    os.environ.update(BEFORE_IMPORT)  # noqa: TID251 - litellm reads these at import, and offers no other way
    import litellm

    litellm.suppress_debug_info = True  # else "Give Feedback / Get Help" on stdout, which is the protocol's
    litellm.set_verbose = False
    litellm.disable_hf_tokenizer_download = True  # else 24 s of trying per model, offline
    litellm.disable_aiohttp_transport = False  # httpx' own pool costs 8 ms a call at 64 in flight
    litellm.num_retries = 0
    litellm.modify_params = False
    litellm.request_timeout = TRANSPORT_TIMEOUT
    _silence_its_loggers()
    # Its first call imports more: half a second, paid here, off the loop, with an answer that needs no network.
    importlib.import_module("openai.resources")
    litellm.completion(model="gpt-4o-mini", messages=[{"role": "user", "content": "-"}], mock_response="-")
    return litellm


def _silence_its_loggers() -> None:
    for name in [name for name in logging.root.manager.loggerDict if name.lower().startswith("litellm")]:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL)


def _wire(request: Request, *, marked: bool) -> list[dict[str, Any]]:
    """The messages as the API has them; `marked` ones carry Anthropic's cache marks on the system and last message."""
    last = len(request.messages) - 1
    return [
        {"role": message.role, "content": _content(message, marked=marked and (message.role == "system" or i == last))}
        for i, message in enumerate(request.messages)
    ]


def _content(message: Message, *, marked: bool) -> Any:
    text = message.content.encode("utf-8", "replace").decode()
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}] if marked else text


def _format(request: Request) -> dict[str, Any] | None:
    if request.json_schema is None:
        return None
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": request.json_schema}}


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _count(holder: Any, name: str) -> int:
    value = getattr(holder, name, None)
    return value if isinstance(value, int) else 0


_KINDS: tuple[tuple[str, type[ModelError]], ...] = (
    ("ContextWindowExceededError", ContextOverflow),
    ("RateLimitError", RateLimited),
    ("AuthenticationError", AuthFailed),
    ("PermissionDeniedError", AuthFailed),
    ("NotFoundError", ModelNotFound),
    ("Timeout", ModelTimeout),
    ("BadRequestError", RequestRefused),
    ("UnprocessableEntityError", RequestRefused),
    ("APIConnectionError", ModelUnavailable),
)


def _kind(failure: Exception) -> type[ModelError] | None:
    families = {family.__name__ for family in type(failure).__mro__}
    if "LLM Provider NOT provided" in str(failure):
        return ModelNotFound
    return next((kind for name, kind in _KINDS if name in families), None)


def _said(failure: Exception) -> str:
    """The message without litellm's own prefixes: `litellm.RateLimitError: RateLimitError: OpenAIException - …`."""
    text = str(getattr(failure, "message", "") or failure)
    return re.sub(r"^(?:(?:litellm\.)?\w*(?:Error|Exception)\b\s*[:-]\s*)+", "", text)


def _secrets() -> tuple[str, ...]:
    """Every value in the environment that is named like a secret."""
    names = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
    environment = os.environ  # noqa: TID251 - to keep its secrets out of messages, not to read settings
    return tuple(value for name, value in environment.items() if len(value) >= 8 and names.search(name))
