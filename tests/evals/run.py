"""`make evals`: what the engine does when its root makes no mistakes, and what it takes.

    python -m tests.evals.run [oracle noise walls limits] [--out results.jsonl]

Everything is real but the minds: the local sandbox, the corpora, the model client, HTTP. Each result is a JSON line
with its seed and the hash of its corpus; tables go to standard output. No key and no network are needed.
"""

import argparse
import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.evals import corpora, latency, limits, noise, tables
from tests.evals.house import Row, house
from tests.evals.model import Remote, serving

JSON = Any
Say = Callable[[str, JSON], None]
SIZES = (1_000, 10_000, 50_000)
HOSTILE_SIZE = 1_000
TITLES = {
    "oracle": "Oracle runs: the root makes no mistakes, the sub-model knows every label",
    "noise": "Degradation under a noisy sub-model (3,000 rows, four seeds of each kind)",
    "walls": "Wall time over the ideal",
    "limits": "Budgets",
}


async def oracle(remote: Remote, say: Say) -> str:
    """Every kind at every size, and the hostile variants."""
    rows: list[Row] = []
    async with house(remote) as home:
        await home.ask(corpora.make("needle", 100))  # imports the model library
        for task in tasks():
            rows.append(await home.ask(task))
            say("oracle", rows[-1].as_json())
    return tables.oracle(rows)


def tasks() -> Iterator[corpora.Task]:
    for kind in corpora.KINDS:
        for size in SIZES:
            yield corpora.make(kind, size)
        yield corpora.make(kind, HOSTILE_SIZE, hostile=True)


async def degradation(remote: Remote, say: Say) -> str:
    found = await noise.curve(remote)
    for one in found:
        for row in one.rows:
            say("noise", row.as_json())
    return tables.noise(found)


async def walls(remote: Remote, say: Say) -> str:
    async with house(remote) as home:
        found = await latency.walls(home)
    for wall in found:
        say("walls", wall.as_json())
    return tables.walls(found)


async def budgets(remote: Remote, say: Say) -> str:
    found = await limits.table(remote)
    for held in found:
        say("limits", held.as_json())
    return tables.limits(found)


PARTS: dict[str, Callable[[Remote, Say], Awaitable[str]]] = {
    "oracle": oracle,
    "noise": degradation,
    "walls": walls,
    "limits": budgets,
}


async def run(parts: Sequence[str], say: Say) -> None:
    with serving() as remote:
        for part in parts:
            print(f"\n## {TITLES[part]}\n\n{await PARTS[part](remote, say)}", flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description="oracle evaluations; no key, no network")
    arguments.add_argument("parts", nargs="*", choices=[[], *PARTS], help="default: all")
    arguments.add_argument("--out", type=Path, help="append each result to this file, a JSON line each")
    options = arguments.parse_args()
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(options.out.open("a", encoding="utf-8")) if options.out else None

        def say(part: str, row: JSON) -> None:
            if out:
                out.write(json.dumps({"part": part, **row}) + "\n")

        asyncio.run(run(options.parts or list(PARTS), say))


if __name__ == "__main__":
    main()
