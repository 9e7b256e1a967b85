"""One scripted server for several engines: the same program for each, in the words its REPL understands.

As a program it prints its URL and serves until its standard input ends. POST /v1/steer with {"dialect", "shape",
"delay"} says what comes next, and returns when each request since the last time arrived.
"""

import json
import re
import sys
import threading
from typing import Any

from tests.support.scripted_model import Answer, Asked, ScriptedModel

JSON = Any
ROOT = "gpt-4.1"
PARENT = "# the parent's cell"
COUNT = "\nprint(sum('echo' in str(x) for x in a), 'answers')"
LOOKS = {"ours": "print(corpus.docs[0].read(1, 2))", "rlms": "print(context[:100])", "dspy": "print(context[:100])"}


class Peers:
    """The script."""

    def __init__(self) -> None:
        self.server = ScriptedModel(self.step)
        self.told = {"dialect": "ours", "shape": "turns-1", "delay": 0.0}
        self.roots = 0

    def step(self, asked: Asked) -> Answer:
        if asked.path.endswith("/steer"):
            return self._steer(asked)
        if asked.model != ROOT:
            return Answer(f"echo {asked.text[-40:]}", delay=float(self.told["delay"]))
        self.roots += 1
        return Answer(self._worded(self._cell(asked)))

    def _steer(self, asked: Asked) -> Answer:
        rows = [{"at": one.at, "root": one.model == ROOT} for one in self.server.requests[:-1]]
        self.server.requests.clear()
        self.told, self.roots = asked.body, 0
        return Answer(raw=json.dumps({"requests": rows, "most_in_flight": self.server.most_in_flight}).encode())

    def _cell(self, asked: Asked) -> str:
        """The code of this turn, or `final: …`."""
        text = json.dumps(asked.messages)
        kind, *numbers = self.told["shape"].split("-")
        if kind == "children":
            return self._of_family(asked, text, int(numbers[0]))
        turn = self.roots - 1
        last = int(numbers[0]) if kind == "turns" else 2
        if turn >= last:
            counted = re.findall(r"(\d+) answers", text)
            return f"final: {counted[-1] if counted else turn}"
        return self._look() if turn == 0 else _code(kind, numbers, turn)

    def _of_family(self, asked: Asked, text: str, width: int) -> str:
        """Parent and children ask the same model: the parent's replies bear a mark."""
        replies = sum(message["role"] == "assistant" for message in asked.messages)
        if self.roots == 1 or PARENT in text:
            if replies == 1:
                return f"{PARENT}\na = rlm_query_batched(['echo child %d' % n for n in range({width})]){COUNT}"
            counted = re.findall(r"(\d+) answers", text)
            return f"final: {counted[-1] if counted else 0}" if replies else f"{PARENT}\n{self._look()}"
        return self._look() if replies == 0 and self.told["dialect"] == "ours" else "final: echo"

    def _look(self) -> str:
        return LOOKS[self.told["dialect"]]

    def _worded(self, cell: str) -> str:
        """The reply as the engine expects it."""
        answer = cell.removeprefix("final: ") if cell.startswith("final: ") else None
        match self.told["dialect"]:
            case "rlms":
                return _fence(
                    "repl", cell if answer is None else f'answer["content"] = "{answer}"\nanswer["ready"] = True'
                )
            case "dspy":
                code = _fence("python", cell if answer is None else f'SUBMIT(answer="{answer}")')
                return f"[[ ## reasoning ## ]]\nNext.\n\n[[ ## code ## ]]\n{code}\n\n[[ ## completed ## ]]"
            case _:
                return _fence("repl", cell) if answer is None else f"FINAL(ANSWER: {answer} [first.txt:1-2])"


def _code(kind: str, numbers: list[str], turn: int) -> str:
    if kind == "turns":
        return f"x = {turn}\nprint(x)"
    if kind == "spread":
        return f"a = llm_query_batched(['item %d' % n for n in range({numbers[0]})]){COUNT}"
    one = f"llm_query_batched(['batch %d item %d' % (b, n) for n in range({numbers[1]})])"
    return f"a = []\nfor b in range({numbers[0]}):\n    a += {one}{COUNT}"


def _fence(tag: str, code: str) -> str:
    return f"```{tag}\n{code}\n```"


def main() -> None:
    peers = Peers()
    with peers.server:
        sys.stdout.write(peers.server.url + "\n")
        sys.stdout.flush()
        ended = threading.Thread(target=sys.stdin.read)
        ended.start()
        ended.join()


if __name__ == "__main__":
    main()
