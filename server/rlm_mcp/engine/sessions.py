"""Sessions over a corpus: its pack as a blob, our modules preloaded, a table of host calls."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rlm_mcp.engine.preloads import preloads
from rlm_sandbox.base import Blob, HostCall, Limits, Provider, Segment, Session

if TYPE_CHECKING:
    from rlm_indexers.store import Corpus

OUTPUT_BYTES = 12_000
"""Of a cell's output, what the root is shown at most: enough for some hundred lines, and `out[n]` keeps the rest."""


def blob_of(corpus: "Corpus") -> Blob:
    """The corpus's pack as sessions map it. Its name is the hash of its segments' hashes, each of which is checked."""
    segments = tuple(Segment(part.sha256, part.offset, part.length) for part in corpus.segments)
    name = hashlib.sha256("".join(part.sha256 for part in segments).encode()).hexdigest()
    return Blob(corpus.path, name, sum(part.length for part in segments), segments)


async def open_session(
    corpus: "Corpus",
    provider: Provider,
    host_calls: Mapping[str, HostCall],
    limits: Limits | None,
    say: Callable[[str], None],
) -> Session:
    """A session over the corpus. Raises SandboxUnavailable with the way out."""
    blob = blob_of(corpus)
    await provider.publish(blob, progress=say)
    return await provider.open(
        blob,
        preloads=preloads(),
        host_calls=host_calls,
        limits=shown(limits or Limits()),
    )


def shown(limits: Limits) -> Limits:
    """The limits, with no more output than a root model should be sent."""
    return replace(limits, output_bytes=min(limits.output_bytes, OUTPUT_BYTES))
