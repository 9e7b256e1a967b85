"""The agents we know: where each keeps its sessions, and which adapter reads which form of file."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters import aider, claude_session, codex, copilot, gemini, generic, opencode, whole
from rlm_indexers.history.adapters.reading import Task
from rlm_indexers.history.redact import Redactor

Form = Literal[
    "claude", "codex", "copilot", "gemini", "gemini-json", "cline", "continue", "aider", "opencode", "prompts", "jsonl"
]

READERS: dict[Form, Callable[[Task, Redactor], list[SourceDocument]]] = {
    "claude": claude_session.read,
    "codex": codex.read,
    "copilot": copilot.read,
    "gemini": gemini.read,
    "gemini-json": partial(whole.read, form="gemini-json"),
    "cline": partial(whole.read, form="cline"),
    "continue": partial(whole.read, form="continue"),
    "aider": aider.read,
    "opencode": opencode.read,
    "jsonl": generic.read,
}
FAMILIES: dict[Form, str] = {
    "claude": "claude-code",
    "codex": "codex",
    "copilot": "copilot-cli",
    "gemini": "gemini-cli",
    "gemini-json": "gemini-cli",
    "cline": "cline",
    "continue": "continue",
    "aider": "aider",
    "opencode": "opencode",
    "prompts": "claude-code",
    "jsonl": "unknown-agent",
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where agents keep their things on this machine. The caller reads the environment; this package does not."""

    home: Path
    claude_config: Path | None = None
    """`CLAUDE_CONFIG_DIR`, where it is set."""
    codex_home: Path | None = None
    """`CODEX_HOME`, where it is set."""
    data_home: Path | None = None
    """`XDG_DATA_HOME`, where it is set."""
    tools: frozenset[str] = frozenset()
    """The names under which agents call us: a session that waits for one of them is the one that asks."""

    @property
    def claude(self) -> Path:
        """Claude Code's configuration folder."""
        return self.claude_config or self.home / ".claude"

    def roots(self) -> dict[str, tuple[Path, ...]]:
        """By agent, the folders that hold its sessions. Aider keeps them in each project, so it has none here."""
        codex_home = self.codex_home or self.home / ".codex"
        return {
            "claude-code": (self.claude / "projects",),
            "codex": (codex_home / "sessions", codex_home / "archived_sessions"),
            "copilot-cli": (self.home / ".copilot" / "session-state",),
            "gemini-cli": (self.home / ".gemini" / "tmp",),
            "opencode": ((self.data_home or self.home / ".local" / "share") / "opencode",),
            "cline": (self.home / ".cline" / "data" / "sessions",),
            "continue": (self.home / ".continue" / "sessions",),
            "aider": (),
        }


AGENTS = tuple(Places(Path()).roots())
