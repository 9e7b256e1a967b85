"""A long run through the command line, killed at a moment of its life and resumed: what was paid, and what came out.

`python tests/support/kills.py [COUNT]` kills COUNT runs at random moments and prints a table.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
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

REQUESTS = 19
"""Of the root and of sub-models, in the whole run."""


def script(asked: Asked) -> str:
    """The root by the number of its turns so far; the sub-model echoes."""
    if asked.model == "sub":
        return "ok " + asked.text[-20:]
    turns = sum(message["role"] == "assistant" for message in asked.messages)
    return STEPS[min(turns, len(STEPS) - 1)]


@dataclass(frozen=True, slots=True)
class Killed:
    """One run that was killed and resumed."""

    after: int
    """Requests that the model had been asked."""
    survived: bool
    """It had ended before it was killed."""
    result: dict[str, Any]
    paid_twice: int
    """Recorded model calls that were asked again."""


def killed(cli: Cli, model: ScriptedModel, after: int, then: float = 0.0) -> Killed:
    """Ask, kill the process `then` seconds after the model was asked for the `after`th time, resume."""
    before = len(model.requests)
    question = f"Where is run_server defined? ({after}, {then:.4f})"
    process = subprocess.Popen(
        [str(SCRIPT), "ask", ".", question, "--json"],
        cwd=cli.cwd, env=cli.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    model.wait_for(before + after, 60)
    try:
        out, _ = process.communicate(timeout=then)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    else:
        return Killed(after, survived=True, result=json.loads(out), paid_twice=0)
    run = next(row["run"] for row in cli("runs", "list", "--json").json["runs"] if question in row["question"])
    recorded = [r for r in cli("runs", "show", run).rows if r["kind"] in ("model_reply", "sub_call")]
    answered = Counter(text(asked) for asked in model.requests[before:])
    ran = cli("runs", "resume", run, "--json")
    asked_again = Counter(text(asked) for asked in model.requests[before:]) - answered
    in_flight = sum(answered.values()) - len(recorded)
    repeated = sum((asked_again & answered).values())
    return Killed(after, survived=False, result=ran.json, paid_twice=max(0, repeated - max(0, in_flight)))


def text(asked: Asked) -> str:
    return asked.model + str(asked.messages)


def environment(model: ScriptedModel) -> tuple[tuple[str, str], ...]:
    keys = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "none", "RLM_MODEL": "openai/root"}
    return (*keys.items(), ("RLM_SUB_MODEL", "openai/sub"), ("RLM_ANSWER_CACHE", "0"), ("RLM_STRATEGY", "loop"))


def series(folder: Path, moments: Iterable[tuple[int, float]]) -> Iterator[Killed]:
    """One run for each moment, killed then: so many requests into it, and so many seconds."""
    (folder / "home").mkdir()
    repository = make_repository(folder / "tiny", SOURCES)
    with ScriptedModel(script, delay=0.2) as model:
        cli = Cli(folder / "home", repository, environment(model))
        for after, then in moments:
            yield killed(cli, model, after, then)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    chance = random.Random(1)
    moments = [(chance.randint(1, REQUESTS), chance.uniform(0, 0.4)) for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        runs = list(series(Path(folder), moments))
    struck = [run for run in runs if not run.survived]
    answers = Counter(run.result.get("answer", "?") for run in struck)
    print(f"{count} runs, {len(struck)} killed while under way (pid {os.getpid()})")
    print(f"resumed to the same answer: {answers.most_common(1)[0][1]} of {len(struck)}")
    print(f"model calls paid twice: {sum(run.paid_twice for run in struck)}")


if __name__ == "__main__":
    main()
