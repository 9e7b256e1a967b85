"""What can go wrong, as one tree.

RlmError
├── ConfigError       a setting or an argument makes no sense; names it and the nearest that would
├── ModelError        a language model did not answer (its own tree: models/errors.py)
├── RunNotFound       no run of that id; lists those there are
├── RunBusy           that run is under way in another process, or is not
└── LowerError        a failure of rlm_indexers or rlm_sandbox, carried up in words

Reaching a budget is not here: it is an outcome, a partial answer with its reason. A message says what happened, to
which value, and what to do next, because its first reader is a model that will try again.
"""

import contextlib
from collections.abc import Iterator

from rlm_indexers.errors import IndexerError
from rlm_sandbox.errors import SandboxError


class RlmError(Exception):
    """Base of every failure that a caller can do something about."""


class ConfigError(RlmError):
    """A setting or an argument that makes no sense."""


class RunNotFound(RlmError):
    """No run of that id."""


class RunBusy(RlmError):
    """What was asked of a run does not fit its state: it is under way in another process, or it is not."""


class LowerError(RlmError):
    """A failure of the indexers or the sandbox, in their words; the original is the cause."""


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """Turns what the lower packages raise inside into LowerError, so that callers know one tree."""
    try:
        yield
    except (IndexerError, SandboxError) as error:
        raise LowerError(str(error)) from error
