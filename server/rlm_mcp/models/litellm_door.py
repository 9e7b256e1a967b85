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
from typing import Any

from rlm_mcp.models.base import Request
from rlm_mcp.models.chat import Answer, ChatModel, given, response_format, wire
from rlm_mcp.models.connections import Connections
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


class LitellmModel(ChatModel):
    """A model by its litellm name: `anthropic/…`, `gemini/…`. Keys and addresses as litellm's own variables say."""

    def __init__(
        self,
        name: str,
        *,
        effort: str | None = None,
        api_base: str | None = None,
        api_key: str | None = None,
        connections: Connections | None = None,
    ) -> None:
        super().__init__(name, connections, api_base or "")
        effort = effort if self._row.reasoning else None
        self._fixed = given(api_base=api_base, api_key=api_key, reasoning_effort=effort)

    async def _ready(self) -> None:
        await ready()

    async def _send(self, request: Request) -> Answer:
        litellm = await ready()
        try:
            answer = await litellm.acompletion(**self._arguments(request))
        except Exception as failure:  # noqa: BLE001 - litellm raises a dozen families; all become ours
            # The cause is left out on purpose: its text may hold a key.
            raise self._failed(failure) from None
        return _answer(answer, self.name)

    def _arguments(self, request: Request) -> dict[str, Any]:
        return {
            **self._fixed,
            "model": self.name,
            "messages": wire(request, marked=request.cache_prefix and "claude" in self.name),
            "max_tokens": request.max_tokens,
            "timeout": TRANSPORT_TIMEOUT,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            "no-log": True,
            "shared_session": self._connections.session(),
            **given(stop=list(request.stop) or None, response_format=response_format(request)),
        }

    def _failed(self, failure: Exception) -> ModelError:
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


def _answer(answer: Any, name: str) -> Answer:
    try:
        choice = answer.choices[0]
        text, finish = choice.message.content or "", str(choice.finish_reason or "")
    except (AttributeError, IndexError, TypeError):
        raise translate(Failure(name, kind=BadReply, text="no choices in it")) from None
    usage = getattr(answer, "usage", None)
    return Answer(
        text,
        finish,
        sent=_count(usage, "prompt_tokens"),
        written=_count(usage, "completion_tokens"),
        cached=_count(getattr(usage, "prompt_tokens_details", None), "cached_tokens"),
        stored=_count(usage, "cache_creation_input_tokens"),
    )


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
