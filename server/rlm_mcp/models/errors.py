"""Why a model call failed, as a type: what may be retried, what may be split, what only a person can mend.

ModelError
├── RateLimited        retried, after `retry_after` seconds when the provider said so
├── ModelTimeout       retried
├── ModelUnavailable   retried: 5xx, refused port, a page of HTML instead of an answer
├── BadReply           not retried: an answer came that is none (empty choices, no text, not JSON)
├── ContextOverflow    not retried: split the input
├── QuotaExhausted     not retried: the account is empty
├── AuthFailed         not retried: the key is missing or wrong
└── ModelNotFound      not retried: no such model, or not for this key
"""

from typing import TYPE_CHECKING, ClassVar

from rlm_mcp.errors import RlmError

if TYPE_CHECKING:
    from rlm_mcp.models.base import Usage


class ModelError(RlmError):
    """A model call that gave no answer. The message names the model and the next step, and never holds a key."""

    kind: ClassVar[str] = "failed"
    """A stable slug: what sub-call failures are called in the REPL and in the journal."""
    retryable: ClassVar[bool] = False

    def __init__(self, what: str, *, model: str, advice: str, retry_after: float | None = None) -> None:
        super().__init__(f"{what} Model: {model}. {advice}")
        self.what = what
        self.model = model
        self.advice = advice
        self.retry_after = retry_after
        """Seconds to wait before asking again, when the provider said so."""
        self.usage: Usage | None = None
        """What was billed all the same, when the provider answered but not with an answer."""


class RateLimited(ModelError):
    """The provider asked us to slow down; `retry_after` holds its wish in seconds, if it named one."""

    kind = "rate_limited"
    retryable = True


class ModelTimeout(ModelError):
    """No whole answer within the request's `timeout`."""

    kind = "timeout"
    retryable = True


class ModelUnavailable(ModelError):
    """Nobody answered as a model would: a server error, a refused connection, an HTML page."""

    kind = "unavailable"
    retryable = True


class NoModel(ModelUnavailable):
    """There is no language model to ask: the offline model takes no sub-calls. Asking again changes nothing."""

    kind = "no_model"
    retryable = False


class BadReply(ModelError):
    """The provider said it succeeded, but there is no answer in what it sent."""

    kind = "bad_reply"


class ContextOverflow(ModelError):
    """The messages do not fit into the model's window. Send less, or split it."""

    kind = "context_overflow"


class QuotaExhausted(ModelError):
    """The account behind the key has no credit left; waiting does not help."""

    kind = "quota_exhausted"


class RequestRefused(ModelError):
    """The provider will not answer this request: a parameter it does not take, or content against its rules."""

    kind = "refused"


class AuthFailed(ModelError):
    """The key is missing, wrong, or not allowed to do this."""

    kind = "auth_failed"


class ModelNotFound(ModelError):
    """The provider does not know this model."""

    kind = "model_not_found"
