"""Both models of an evaluation as one OpenAI-compatible server in a process of its own.

In its own process because what it computes must not be counted as the engine's time. The harness steers it over the
same HTTP: POST /v1/steer sets who answers and how slowly, and returns what was asked since the last time. Requests
that name ROOT go to the policy, all others to the sub-model.

As a program (`python -m tests.evals.model`) it prints its URL and serves until its standard input ends.
"""

import dataclasses
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.evals import bombs, policies, rules, shapes
from tests.support.scripted_model import Answer, Asked, ScriptedModel

JSON = Any
ROOT, SUB = "gpt-4.1", "gpt-4.1-mini"
"""Real names, so that windows and prices are known; nothing of the kind is asked."""
FOLDER = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True, slots=True)
class Steering:
    """Who answers. Delays in seconds."""

    policy: str = "needle"
    seed: int = 1
    noise: rules.Noise = "none"
    rate: float = 0.0
    root_delay: float = 0.0
    sub_delay: float = 0.0


class Models:
    """The script: a function of the request."""

    def __init__(self) -> None:
        self.steering = Steering()
        self.server = ScriptedModel(self.step)
        self.busy = 0.0
        """Seconds of computing, since the last steering."""

    def step(self, asked: Asked) -> Answer:
        if asked.path.endswith("/steer"):
            return self._steer(asked)
        if asked.model == ROOT:
            return Answer(self._root(asked), delay=self.steering.root_delay)
        started = time.perf_counter()
        told = rules.Rules(self.steering.seed, self.steering.noise, self.steering.rate).answer(asked.text)
        self.busy += time.perf_counter() - started
        return Answer(told, delay=self.steering.sub_delay)

    def _root(self, asked: Asked) -> str:
        name = self.steering.policy
        policy = (policies.POLICIES | bombs.POLICIES).get(name) or shapes.named(name)
        return policies.reply(policy, policies.talk(asked.messages))

    def _steer(self, asked: Asked) -> Answer:
        seen = [one for one in self.server.requests if not one.path.endswith("/steer")]
        told = {"busy": self.busy, "requests": [_told(one) for one in seen]}
        self.steering, self.busy = Steering(**asked.body), 0.0
        self.server.requests.clear()
        return Answer(raw=json.dumps(told).encode())


def _told(asked: Asked) -> JSON:
    tokens = len(json.dumps(asked.messages)) // 4
    return {"root": asked.model == ROOT, "at": asked.at, "tokens": tokens, "in_flight": asked.in_flight}


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What the server was asked. Seconds of its own computing; a row per request."""

    busy: float
    requests: list[JSON]

    @property
    def root(self) -> list[JSON]:
        return [row for row in self.requests if row["root"]]

    @property
    def sub(self) -> list[JSON]:
        return [row for row in self.requests if not row["root"]]


class Remote:
    """The server as the harness holds it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def steer(self, steering: Steering) -> Seen:
        """Set who answers from now on; what was asked before."""
        body = json.dumps(dataclasses.asdict(steering)).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/steer", body), timeout=30) as answer:
            return Seen(**json.loads(answer.read()))

    def seen(self) -> Seen:
        """What was asked since the last time."""
        return self.steer(Steering())


@contextmanager
def serving() -> Iterator[Remote]:
    """The server in a process of its own."""
    command = [sys.executable, "-m", "tests.evals.model"]
    with subprocess.Popen(command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Remote(str(process.stdout.readline()).strip() if process.stdout else "")
        finally:
            process.communicate()


def main() -> None:
    models = Models()
    with models.server:
        sys.stdout.write(models.server.url + "\n")
        sys.stdout.flush()
        ended = threading.Thread(target=sys.stdin.read)
        ended.start()
        ended.join()


if __name__ == "__main__":
    main()
