"""From what a provider said went wrong to our typed failures, in words that hold no secret.

Providers agree on little: an empty account is a 429 here, a 400 there and a 402 elsewhere; a too long prompt is a 400
with a dozen wordings. So status and text decide together, and the text is believed only for telling kinds apart.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rlm_mcp.models.errors import (
    AuthFailed,
    BadReply,
    ContextOverflow,
    ModelError,
    ModelNotFound,
    ModelTimeout,
    ModelUnavailable,
    QuotaExhausted,
    RateLimited,
    RequestRefused,
)

ADVICE: dict[type[ModelError], str] = {
    RateLimited: "Wait and ask again, or make fewer calls at a time.",
    QuotaExhausted: "Add credit at the provider, or set RLM_MODEL to a model of another one.",
    ContextOverflow: "Send less text per call: split it, or select from it first.",
    RequestRefused: "Change the request: its wording, its parameters, or the model.",
    AuthFailed: "Set the provider's key in the environment of rlm-mcp, and see `rlm-mcp doctor`.",
    ModelNotFound: "Check the name in RLM_MODEL or RLM_SUB_MODEL, and that the key may use it.",
    ModelTimeout: "Ask again, ask for less, or allow more time.",
    ModelUnavailable: "Check the address and the network, or ask again later.",
    BadReply: "Ask again, allow more tokens, or use another model.",
}
"""What to do next, by kind."""

LONGEST_DETAIL = 240

_QUOTA = re.compile(
    r"insufficient[_ ](quota|balance|credit|fund)|credit balance is too low|billing[_ ](hard|not)|out of credit",
    re.IGNORECASE,
)
_NO_KEY = re.compile(r"missing credentials|api_key client option|missing \w+ api key", re.IGNORECASE)
_OVERFLOW = re.compile(
    r"context[_ ](length|window)|maximum context|prompt is too long|too many (input )?tokens"
    r"|input (token count|is too long)|exceeds? the (model'?s? )?(maximum|max|limit).{0,40}token|reduce the length",
    re.IGNORECASE,
)
_SECRETS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|key|AIza|ghp|gho|hf|nvapi|pplx|csk|dtn)[-_][\w*.-]{4,}|AIza[\w-]{10,}"
    r"|(?i:bearer)\s+\S+|(?i:(?:api[-_ ]?key|token|authorization)[\"']?\s*[:=]\s*)(?i:bearer\s+)?\S+"
)
_URL_LOGIN = re.compile(r"(?<=//)[^/\s@]+@")


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of a failed call."""

    model: str
    status: int | None = None
    """The HTTP status, when there was an answer."""
    text: str = ""
    """What the provider said, as it came."""
    code: str = ""
    """Its own slug for what happened, when it sent one."""
    kind: type[ModelError] | None = None
    """When the client library already knows."""
    retry_after: float | None = None
    secrets: tuple[str, ...] = ()
    """Texts that must not appear in any message."""


def translate(failure: Failure) -> ModelError:
    """The typed failure to raise."""
    kind = _kind(failure)
    detail = redact(failure.text, failure.secrets)
    status = f" (HTTP {failure.status})" if failure.status else ""
    what = f"{_HAPPENED[kind]}{status}" + (f": {detail.rstrip('.')}." if detail else ".")
    return kind(what, model=failure.model, advice=ADVICE[kind], retry_after=failure.retry_after)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text on one line, shortened, with known secrets and whatever looks like one blotted out."""
    for secret in secrets:
        text = text.replace(secret, "[key]")
    text = _URL_LOGIN.sub("[login]@", _SECRETS.sub("[key]", text))
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_DETAIL else line[:LONGEST_DETAIL] + " […]"


def retry_after_seconds(value: str | None) -> float | None:
    """Seconds from a `retry-after` header; None for a date or nonsense."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None


_HAPPENED: dict[type[ModelError], str] = {
    RateLimited: "The provider asked to slow down",
    QuotaExhausted: "The account has no credit left",
    ContextOverflow: "The messages do not fit into the model's window",
    RequestRefused: "The provider refused the request",
    AuthFailed: "The provider did not accept the key",
    ModelNotFound: "The provider does not know this model",
    ModelTimeout: "No whole answer came in time",
    ModelUnavailable: "No model answered",
    BadReply: "What came back is not an answer",
}

_BY_STATUS: dict[int, type[ModelError]] = {
    401: AuthFailed,
    402: QuotaExhausted,
    403: AuthFailed,
    404: ModelNotFound,
    408: ModelTimeout,
    413: ContextOverflow,
    429: RateLimited,
    504: ModelTimeout,
}


def _kind(failure: Failure) -> type[ModelError]:
    status = failure.status or 0
    said = f"{failure.code} {failure.text}"
    known = failure.kind or _BY_STATUS.get(status) or (RequestRefused if 400 <= status < 500 else ModelUnavailable)
    if known in {RateLimited, RequestRefused, AuthFailed, ModelUnavailable} and _QUOTA.search(said):
        return QuotaExhausted
    if known is RequestRefused and _OVERFLOW.search(said):
        return ContextOverflow
    if known is ModelUnavailable and _NO_KEY.search(said):
        return AuthFailed
    return known
