"""Which state of a source an answer was given from, and how that is said."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlm_indexers.corpus import CorpusInfo

JSON = Any
SHORT = 12
UNCOMMITTED = " + uncommitted changes"


def state(info: "CorpusInfo") -> dict[str, JSON]:
    """`revision` and `dirty`, each None where unknown; of several sources as one also `sources`: the same of each."""
    sources = info.facts.get("sources")
    each = {"sources": {name: _of(facts) for name, facts in sources.items()}} if isinstance(sources, dict) else {}
    return _of(info.facts) | each


def in_words(known: Mapping[str, JSON]) -> str:
    """A state as ` at 0123456789ab + uncommitted changes`; "" where nothing is known of it."""
    sources = known.get("sources") or {}
    parts = [f"{name}{in_words(each)}" for name, each in list(sources.items())[:4] if each.get("revision")]
    if parts:
        return f" ({', '.join(parts)}{', …' if len(sources) > 4 else ''})"
    if not known.get("revision"):
        return ""
    return f" at {known['revision'][:SHORT]}" + (UNCOMMITTED if known.get("dirty") else "")


def as_it_was(info: "CorpusInfo", why: str) -> str:
    """What to say of a corpus that was not brought up to date."""
    when = datetime.fromtimestamp(info.loaded_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"This is the state of {info.name} that was read on {when}: {why}"


def _of(facts: Mapping[str, JSON]) -> dict[str, JSON]:
    return {"revision": facts.get("revision"), "dirty": facts.get("dirty")}
