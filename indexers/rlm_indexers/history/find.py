"""From `history:…` to the transcripts that are meant: where to look, which of them are in scope, what is left out."""

import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from rlm_indexers.corpus import Skipped
from rlm_indexers.errors import SourceError
from rlm_indexers.history import discover, scope
from rlm_indexers.history.adapters import lost
from rlm_indexers.history.agents import AGENTS, FAMILIES, Places
from rlm_indexers.history.discover import Found
from rlm_indexers.history.plan import home
from rlm_indexers.sources import Source

AIDER = ".aider.chat.history.md"


def find(source: Source, places: Places) -> Found:
    """All transcripts at the place that is meant, those out of scope left out and counted."""
    if source.location in {"", "all", *AGENTS}:
        return _known(source, places)
    path = source.cwd / Path(source.location).expanduser()
    if not path.exists():
        raise SourceError(
            f"there is no {str(path)!r} to read a history from: pass history:PATH with a folder of transcripts, "
            f"history: for the sessions of this repository, or history:{' / history:'.join(('all', *AGENTS))}"
        )
    path = Path(os.path.abspath(path))  # noqa: PTH100 - not resolve(): a link that was named is meant
    return discover.below(path / "projects" if (path / "projects").is_dir() else path)


def _known(source: Source, places: Places) -> Found:
    """What the agents of this machine keep: of this repository, of one agent, or all of it."""
    whole = Found(source.cwd)
    for agent, roots in places.roots().items():
        for root in roots if source.location in {"", "all", agent} else ():
            whole.add(discover.below(root, root.parent if len(roots) > 1 else root))
    sessions = frozenset(each.session for each in whole.transcripts)
    if source.location:
        wanted = lost.Wanted(lambda _: True, sessions)
    else:
        here = scope.of(source.cwd)
        wanted = lost.Wanted(here.holds, sessions)
        for folder in here.roots:
            if (Path(folder) / AIDER).is_file():
                whole.add(discover.below(Path(folder) / AIDER))
        _keep(whole, here)
    if source.location in {"", "all", "claude-code"}:
        discover.add_lost_prompts(whole, places.claude / "projects", places.claude / "history.jsonl", wanted)
    return whole


def _keep(found: Found, wanted: scope.Scope) -> None:
    """Only the sessions of a scope; a subagent goes with its session."""
    mains = {home(each) for each in found.transcripts if not each.agent}
    # A session that was swept away may have left its subagents' threads: they speak for it.
    leading = [each for each in found.transcripts if not each.agent or home(each) not in mains]
    sessions = {home(each) for each in leading if wanted.holds(each.head.cwd)}
    elsewhere: Counter[str] = Counter()
    for each in leading:
        if not each.head.cwd:
            found.skipped.append(Skipped(each.file, "no-working-folder: it does not say where it ran"))
        elif home(each) not in sessions:
            elsewhere[FAMILIES[each.form]] += 1
    found.skipped += [Skipped(agent, f"other-projects: {count} sessions") for agent, count in elsewhere.items()]
    unique = {each.key: each for each in found.transcripts if home(each) in sessions}
    found.transcripts = list(unique.values())
    found.looked.append(f"for sessions that ran in {' or '.join(wanted.roots)}")


def leave_out(found: Found, exclude: Collection[str]) -> None:
    """Drop sessions by id, and say so."""
    for each in found.transcripts:
        if each.session in exclude and not each.agent:
            found.skipped.append(Skipped(each.file, "live-session: the one that asks"))
    found.transcripts = [each for each in found.transcripts if each.session not in exclude]


def note_swept(found: Found) -> None:
    """Clients remove old transcripts and leave what lies beside them: absence then means less."""
    mains = {home(each) for each in found.transcripts if not each.agent}
    swept = {home(each): each for each in found.transcripts if each.agent and home(each) not in mains}
    for each in swept.values():
        name = each.file.split("/subagents/", 1)[0]
        found.skipped.append(Skipped(f"{name}.jsonl", "swept: only threads of its subagents are left"))


def nothing(source: Source, found: Found) -> str:
    """What to say when there is nothing to read."""
    reasons = Counter(skipped.reason for skipped in found.skipped)
    left = "; left out: " + ", ".join(f"{count} x {reason}" for reason, count in reasons.items()) if reasons else ""
    return (
        f"no transcripts for history:{source.location}. Looked in {', '.join(found.looked)}{left}. "
        f"Pass history:PATH with a folder of transcripts, history:claude-code for those of every project, "
        f"or set CLAUDE_CONFIG_DIR if Claude Code keeps its files elsewhere"
    )
