"""A whole question in the cloud: the command line, Daytona's emulator, a scripted model; also when something breaks."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.support.asking import cell
from tests.support.cli import Cli, Ran
from tests.support.daytona_emulator import DaytonaEmulator
from tests.support.scripted_model import Asked, ScriptedModel

LOOK = cell("""
hits = corpus.grep(r"^def ")
answers = llm_query_batched([f"Name the function:\\n{span.text}" for span in hits])
print(hits, [str(a) for a in answers])
""")
ANSWER = cell("""
FINAL("\\n".join(f"- {a} [{s.document}:{s.start}-{s.end}]" for a, s in zip(answers, hits)))
""")


@pytest.fixture
def emulator() -> Iterator[DaytonaEmulator]:
    with DaytonaEmulator(latency=0.04) as running:
        yield running


class Story:
    """Two turns of a root and the sub-calls between; something may happen when a sub-call or the last turn is asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.at_first_sub_call: Callable[[], object] = lambda: None
        self.at_last_turn: Callable[[], object] = lambda: None

    def root(self, asked: Asked) -> str:
        if len(asked.messages) <= 2:
            return LOOK
        self.at_last_turn()
        return ANSWER

    def sub(self, asked: Asked) -> str:
        if not self.asked:
            self.at_first_sub_call()
        self.asked[asked.text] += 1
        return asked.text.split("def ")[1].split("(")[0]

    def told(self, cli: Cli, emulator: DaytonaEmulator) -> Ran:
        with ScriptedModel({"root": self.root, "sub": self.sub}) as server:
            models = {"RLM_MODEL": "openai/root", "RLM_SUB_MODEL": "openai/sub", "OPENAI_BASE_URL": server.url}
            keys = {"OPENAI_API_KEY": "none", "DAYTONA_API_KEY": emulator.key, "RLM_DAYTONA_API_URL": emulator.url}
            there = Cli(cli.home, cli.cwd, tuple((models | keys).items()))
            return there("ask", ".", "Which functions are there?", "--provider", "daytona", "--json")

    def assert_answered_once_each(self, ran: Ran) -> None:
        assert ran.code == 0, ran.out + ran.err
        answer = ran.json
        assert answer["answer"].startswith("- main [src/app.py:")
        assert [one["state"] for one in answer["citations"]] == ["verified", "verified"]
        assert sorted(self.asked.values()) == [1, 1]
        assert answer["provider"] == "daytona"


def test_a_question_is_answered_in_the_cloud_and_nothing_is_left_there(cli: Cli, emulator: DaytonaEmulator) -> None:
    story = Story()
    labels: list[dict[str, str]] = []
    story.at_last_turn = lambda: labels.extend(one.labels for one in emulator.sandboxes())
    ran = story.told(cli, emulator)
    story.assert_answered_once_each(ran)
    assert [one["rlm-run"] for one in labels] == [ran.json["run"]]
    assert not emulator.sandboxes()
    assert len(emulator.record.matching("POST", "/api/sandbox")) == 1


def test_a_connection_dropped_during_a_sub_call_costs_no_call_and_no_answer(
    cli: Cli, emulator: DaytonaEmulator
) -> None:
    story = Story()
    cut: list[int] = []
    story.at_first_sub_call = lambda: cut.append(emulator.cut_terminals())
    story.assert_answered_once_each(story.told(cli, emulator))
    assert cut[0] >= 1


def test_a_sandbox_lost_between_two_turns_is_replaced_and_no_call_is_paid_twice(
    cli: Cli, emulator: DaytonaEmulator
) -> None:
    story = Story()
    lost: list[str] = []

    def lose_once() -> None:
        if not lost:
            lost.append(emulator.sandboxes()[0].id)
            emulator.lose(emulator.sandboxes()[0])

    story.at_last_turn = lose_once
    ran = story.told(cli, emulator)
    story.assert_answered_once_each(ran)
    assert "Task was destroyed" not in ran.err
    assert len(emulator.record.matching("POST", "/api/sandbox")) == 2
    assert not emulator.sandboxes()
