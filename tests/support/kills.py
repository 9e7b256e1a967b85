"""A long run through the command line, killed at a moment of its life and resumed: what was paid, and what came out.

`python tests/support/kills.py [COUNT]` kills COUNT runs at random moments and prints a table.
"""

import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conftest import SOURCES, make_repository
from tests.support.asking import cell
from tests.support.cli import SCRIPT, Cli
from tests.support.scripted_model import Asked, ScriptedModel

STEPS = [
    cell("hits = corpus.grep('run_server')\nprint(hits)\nfirst = llm_query('name the colour of lamp one')"),
    cell("answers = llm_query_batched([f'question {n}' for n in range(12)])\nprint(answers[0], first)"),
    cell("total = sum(len(str(a)) for a in answers)\nprint(total, llm_query('one more'))"),
    cell("print(corpus.read('src/server.py', 1, 6), total)"),
    "FINAL(It is defined once [src/server.py:4-4].)",
]


def script(asked: Asked) -> str:
    """The root by the number of its turns so far; the sub-model echoes."""
    if asked.model == "sub":
        return "ok " + asked.text[-20:]
    turns = sum(message["role"] == "assistant" for message in asked.messages)
    return STEPS[min(turns, len(STEPS) - 1)]


@dataclass(frozen=True, slots=True)
class Killed:
    """One run that was killed and resumed."""

    at: float
    """Seconds after its start."""
    survived: bool
    """It had ended before it was killed."""
    result: dict[str, Any]
    paid_twice: int
    """Recorded model calls that were asked again."""


def killed(cli: Cli, model: ScriptedModel, at: float) -> Killed:
    """Ask, kill the whole process group after `at` seconds, resume."""
    before = len(model.requests)
    process = subprocess.Popen(
        [str(SCRIPT), "ask", ".", f"Where is run_server defined? ({at:.4f})", "--json"],
        cwd=cli.cwd, env=cli.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        out, _ = process.communicate(timeout=at)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    else:
        return Killed(at, survived=True, result=json.loads(out), paid_twice=0)
    run = cli("runs", "list", "--json").json["runs"]
    found = [row for row in run if f"({at:.4f})" in row["question"]]
    if not found:
        return Killed(at, survived=True, result={}, paid_twice=0)
    recorded = [r for r in cli("runs", "show", found[0]["run"]).rows if r["kind"] in ("model_reply", "sub_call")]
    answered = Counter(text(asked) for asked in model.requests[before:])
    ran = cli("runs", "resume", found[0]["run"], "--json")
    asked_again = Counter(text(asked) for asked in model.requests[before:]) - answered
    in_flight = sum(answered.values()) - len(recorded)
    repeated = sum((asked_again & answered).values())
    return Killed(at, survived=False, result=ran.json, paid_twice=max(0, repeated - max(0, in_flight)))


def text(asked: Asked) -> str:
    return asked.model + str(asked.messages)


def environment(model: ScriptedModel) -> tuple[tuple[str, str], ...]:
    keys = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "none", "RLM_MODEL": "openai/root"}
    return (*keys.items(), ("RLM_SUB_MODEL", "openai/sub"), ("RLM_ANSWER_CACHE", "0"), ("RLM_STRATEGY", "loop"))


def series(folder: Path, count: int, seed: int = 1) -> Iterator[Killed]:
    """`count` runs, each killed at a random moment of its life."""
    (folder / "home").mkdir()
    repository = make_repository(folder / "tiny", SOURCES)
    with ScriptedModel(script, delay=0.2) as model:
        cli = Cli(folder / "home", repository, environment(model))
        began = time.monotonic()
        assert cli("ask", ".", "warm up", "--json").code == 0
        whole = time.monotonic() - began
        moments = random.Random(seed)
        for _ in itertools.repeat(None, count):
            yield killed(cli, model, moments.uniform(0.35, whole))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder:
        runs = list(series(Path(folder), count))
    struck = [run for run in runs if not run.survived]
    answers = Counter(run.result.get("answer", "?") for run in struck)
    print(f"{count} runs, {len(struck)} killed while under way (pid {os.getpid()})")
    print(f"resumed to the same answer: {answers.most_common(1)[0][1]} of {len(struck)}")
    print(f"model calls paid twice: {sum(run.paid_twice for run in struck)}")


if __name__ == "__main__":
    main()
