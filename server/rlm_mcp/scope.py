"""What of the user's past an agent may load: the sessions of this repository, redacted; others by the user's leave."""

from collections.abc import Iterator
from pathlib import Path

from rlm_indexers.history.agents import Places
from rlm_indexers.sources import HISTORY, SEPARATOR
from rlm_mcp.errors import ConfigError

LEAVE = "The user can allow it with RLM_HISTORY_SCOPE=all, or load it under a name: `rlm-mcp load … --name N`."


def check(source: str, kind: str, places: Places, cwd: Path) -> None:
    """Nothing, or ConfigError for a source that opens past sessions of other projects, by whatever way."""
    asked = source.removeprefix(HISTORY) if source.startswith(HISTORY) or kind == "history" else ""
    if asked.strip():
        raise ConfigError(
            f"{source!r}: an agent may load only the past sessions of this repository, as {HISTORY!r}. {LEAVE}"
        )
    paths = list(_paths(source, cwd))
    for root in _transcripts(places):
        if any(path.is_relative_to(root) or root.is_relative_to(path) for path in paths):
            raise ConfigError(
                f"{source!r} holds past sessions of agents, as files ({root}), and those are read as {HISTORY!r} only: "
                f"of this repository, and redacted. Name a folder beside them. {LEAVE}"
            )


def _transcripts(places: Places) -> list[Path]:
    return [root.resolve() for roots in places.roots().values() for root in roots if root.exists()]


def _paths(source: str, cwd: Path) -> Iterator[Path]:
    """Where the parts of a source may lie, with and without what looks like a revision."""
    for part in source.split(SEPARATOR):
        text = part.strip().removeprefix("file://")
        for name in {text, text.rpartition("@")[0]} - {""}:
            try:
                path = (cwd / Path(name).expanduser()).resolve()
                if path.exists():
                    yield path
            except (OSError, RuntimeError, ValueError):
                continue  # names no file: a name, an id, a URL
