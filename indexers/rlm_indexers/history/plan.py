"""From found transcripts to tasks in the order of their documents: who forked whom, whose subagent is whose."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rlm_indexers.history.adapters.claude_session import subagent_call
from rlm_indexers.history.agents import FAMILIES
from rlm_indexers.history.discover import Head, Transcript
from rlm_indexers.history.records import open_regular, opened, records

_UUID = re.compile(rb'"uuid":\s?"([^"\\]{1,80})"')


Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Planned:
    """One transcript with its place among the others."""

    id: str
    transcript: Transcript
    session_folder: Path
    about: str
    originals: tuple[Transcript, ...]
    """Those that may hold records of this one already, the first of them by name in `original`."""
    original: str
    subagents: dict[str, str]
    where: str


def plan(transcripts: Sequence[Transcript]) -> list[Planned]:
    """One entry per transcript, sorted by the bytes of the document's id."""
    ids = _ids(transcripts)
    threads: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    calls: dict[Key, tuple[str, str]] = {}
    for each in transcripts:
        if each.agent:
            calls[each.key] = call, _ = (
                subagent_call(each.path.with_suffix(".meta.json")) if each.form == "claude" else ("", "")
            )
            threads[home(each)][call] = ids[each.key]
    families = _families(transcripts)
    planned = [
        Planned(
            id=ids[each.key],
            transcript=each,
            session_folder=each.path.parent.parent
            if each.agent and each.form == "claude"
            else each.path.with_suffix(""),
            about=_about(each, ids, calls, families.get(each.key, ())),
            originals=(earlier := _earlier(each, families.get(each.key, ()))),
            original=ids[earlier[0].key] if earlier else "",
            subagents={} if each.agent else threads.get(home(each), {}),
            where=_where(each.head),
        )
        for each in transcripts
    ]
    return sorted(planned, key=lambda each: each.id.encode())


def copied_ids(originals: Sequence[Transcript]) -> frozenset[str]:
    """The ids of all records in these transcripts. A transcript that cannot be read has none."""
    found: set[str] = set()
    for original in originals:
        try:
            with open_regular(original.path) as file:
                for record in records(opened(file)):
                    found.update(each.decode("utf-8", "replace") for each in _UUID.findall(record.data))
        except OSError:
            continue
    return frozenset(found)


def home(each: Transcript) -> tuple[str, str]:
    """What a session and its subagents have in common."""
    if each.form == "opencode":
        return str(each.path), each.session
    folder = each.path.parent.parent.parent if each.agent else each.path.parent
    return str(folder), each.session


def _ids(transcripts: Sequence[Transcript]) -> dict[Key, str]:
    """Document ids. Two sessions of one name (a copied folder) get a number each from the second on."""
    ids: dict[Key, str] = {}
    bases: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    for each in sorted(transcripts, key=lambda each: (bool(each.agent), each.file)):
        base = bases.get(home(each)) or _free(f"{FAMILIES[each.form]}/{each.session}", taken)
        bases[home(each)] = base
        ids[each.key] = _free(f"{base}/{each.agent}", taken) if each.agent else base
        taken.update((base, ids[each.key]))
    return ids


def _free(name: str, taken: set[str]) -> str:
    numbered = (name if number == 1 else f"{name}~{number}" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in numbered if candidate not in taken)


def _families(transcripts: Sequence[Transcript]) -> dict[Key, tuple[Transcript, ...]]:
    """Sessions that begin with the same record, the original first."""
    by_turn: dict[str, list[Transcript]] = defaultdict(list)
    for each in transcripts:
        if each.head.first_turn and not each.agent:
            by_turn[each.head.first_turn].append(each)
    groups = [tuple(sorted(group, key=_age)) for group in by_turn.values() if len(group) > 1]
    return {each.key: group for group in groups for each in group}


def _age(each: Transcript) -> tuple[bool, str, str]:
    return each.head.copied, each.head.started, each.file


def _earlier(each: Transcript, family: tuple[Transcript, ...]) -> tuple[Transcript, ...]:
    return family[: family.index(each)] if each in family else ()


def _about(
    each: Transcript,
    ids: dict[Key, str],
    calls: dict[Key, tuple[str, str]],
    family: tuple[Transcript, ...],
) -> str:
    if each.agent:
        call, told = calls[each.key]
        return f"subagent of {ids[each.key].rpartition('/')[0]}" + (f", called by {call} ({told})" if call else "")
    if not family:
        return ""
    if family[0] is each:
        return "its beginning was copied into " + ", ".join(ids[fork.key] for fork in family[1:])
    return f"forked from {ids[family[0].key]}"


def _where(head: Head) -> str:
    told = {"in": head.cwd, "branch": head.branch, "client": head.version}
    return ", ".join(f"{word} {value}" for word, value in told.items() if value)
