"""Sub-calls: none lost, each failure a value, all paid from the budget."""

import asyncio

import pytest

from rlm_mcp.engine.ask import ask
from rlm_mcp.engine.budget import BudgetLimits
from rlm_mcp.models.calls import Calls
from rlm_mcp.models.litellm_door import LitellmModel
from rlm_sandbox.base import Limits
from rlm_sandbox.local import LocalProvider
from tests.support import scripted_model
from tests.support.asking import Records, answered, cell

LOOK = cell('print(corpus.read("src/server.py", 6, 8))')
GOOD = "FINAL(The server is started by run_server [src/server.py:6-8].)"


def told(corpus, code, sub, **options):
    return answered(corpus, [cell(code), LOOK, GOOD], sub, **options).told[1]


def test_a_hundred_batches_in_a_row_lose_nothing(corpus):
    code = """
lost = 0
for n in range(100):
    answers = llm_query_batched([f"{n} {i}" for i in range(8)])
    lost += sum(str(a) != f"{n} {i}" for i, a in enumerate(answers))
print("lost", lost)
"""
    run = answered(corpus, [cell(code), LOOK, GOOD], lambda asked: asked.text, limits=BudgetLimits(calls=800))
    assert "lost 0" in run.told[1]
    assert run.outcome.usage.calls == 800


def test_sixty_four_calls_go_out_side_by_side(corpus):
    code = "print(len(set(map(str, llm_query_batched([f'q{i}' for i in range(64)])))))"
    run = answered(corpus, [cell(code), LOOK, GOOD], lambda asked: asked.text, delay=0.05)
    assert "64" in run.told[1]
    assert run.server.most_in_flight >= 48


def test_each_item_of_a_batch_fails_for_itself(corpus):
    def sub(asked):
        return scripted_model.bad_key() if "bad" in asked.text else f"ok {asked.text}"

    out = told(corpus, 'r = llm_query_batched(["a", "bad", "c"])\nprint([x.ok for x in r], r[1])', sub)
    assert "[True, False, True]" in out
    assert "SUB-CALL FAILED: auth_failed" in out


def test_a_failure_that_passes_is_tried_again_and_never_seen(corpus):
    answers = iter([scripted_model.server_error(), scripted_model.rate_limited(0.01), "fine"])
    assert "fine" in told(corpus, 'print(llm_query("x"))', lambda _: next(answers))


def test_an_error_of_the_sub_model_cannot_be_taken_for_an_answer_in_code(corpus):
    code = 'r = llm_query("x")\nprint("yes" if r else "no", "Error" in r if isinstance(r, str) else "no str")'
    assert "no no str" in told(corpus, code, lambda _: scripted_model.context_overflow())


def test_a_host_call_that_is_refused_whole_gives_a_failure_for_each_of_its_items(corpus):
    code = 'r = llm_query_batched(["a", "b"], schema={"enum": ["x" * 30_000]})\nprint([x.kind for x in r], r[0].ok)'
    assert "['bad-argument', 'bad-argument'] False" in told(corpus, code, lambda _: "x")


def test_an_oversized_prompt_fails_for_itself_and_nothing_is_sent(corpus):
    run = answered(corpus, [cell('print(llm_query("x" * 10_000_000).kind)'), LOOK, GOOD])
    assert "too_large" in run.told[1]
    assert run.server.asked("sub") == []


def test_sub_calls_beyond_their_limit_are_refused_one_by_one(corpus):
    code = "r = llm_query_batched([str(i) for i in range(10)])\nprint(sum(x.ok for x in r), r[-1].kind)"
    run = answered(corpus, [cell(code), LOOK, GOOD], limits=BudgetLimits(calls=4))
    assert "4 budget" in run.told[1]
    assert len(run.server.asked("sub")) == 4


def test_money_is_not_overspent_by_a_fan_out_and_what_fits_is_done(corpus):
    script = [cell("r = llm_query_batched([str(i) for i in range(200)])\nprint(sum(x.ok for x in r))"), LOOK, GOOD]
    answer = scripted_model.Answer("ok", usage=(1_000, 1_000, 0))
    run = answered(corpus, script, lambda _: answer, delay=0.02,
                   models=("openai/root", "openai/gpt-4o-mini"), limits=BudgetLimits(usd=0.05))  # fmt: skip
    done = len(run.server.asked("gpt-4o-mini"))
    assert 40 < done < 67, "each costs $0.00075"
    assert f"\n{done}" in run.told[1]


def test_usage_is_exact_per_call_and_an_unknown_price_stays_unknown(corpus):
    answer = scripted_model.Answer("ok", usage=(100, 7, 0))
    run = answered(corpus, [cell('llm_query_batched(["a", "b", "c"])'), LOOK, GOOD], lambda _: answer)
    assert [row["usage"][:2] for row in run.records.of("sub_call")] == [[100, 7]] * 3
    assert run.outcome.usage.usd is None


def test_spans_in_a_prompt_arrive_fenced_and_numbered_and_count_as_seen(corpus):
    code = 'print(llm_query(["What is the backlog?", corpus.read("src/server.py", 3, 3)]))'
    final = "FINAL(The backlog is 128 [src/server.py:3].)"
    run = answered(corpus, [cell(code), final], lambda _: "128")
    prompt = run.server.asked("sub")[0].text
    assert "<<<DATA " in prompt
    assert "src/server.py:3-3\n3| BACKLOG = 128" in prompt
    assert run.outcome.citations[0].seen


def test_identical_sub_calls_under_way_are_asked_once(corpus):
    run = answered(corpus, [cell('print(set(map(str, llm_query_batched(["same"] * 8))))'), LOOK, GOOD], delay=0.05)
    assert len(run.server.asked("sub")) == 1
    assert run.outcome.usage.cached_calls == 7


def test_waiting_for_sub_calls_is_not_computing(corpus):
    answer = scripted_model.Answer("late", delay=1.5)
    limits = Limits(cell_seconds=1.0)
    assert "late" in told(corpus, 'print(llm_query("slow"))', lambda _: answer, session_limits=limits)


def test_cancelling_a_run_ends_its_sub_calls_and_its_session_at_once(corpus):
    script = {"root": [cell("llm_query_batched([str(i) for i in range(8)])")], "sub": lambda _: scripted_model.hang()}

    async def once(server):
        provider, calls = LocalProvider(), Calls()
        root, sub = (LitellmModel(f"openai/{n}", api_base=server.url, api_key="none") for n in ("root", "sub"))
        asking = ask(question="?", corpus=corpus, provider=provider, root=root, sub=sub, calls=calls,
                     limits=BudgetLimits(), journal=Records())  # fmt: skip
        task = asyncio.create_task(asking)
        try:
            await asyncio.to_thread(server.wait_for, 9)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 5)
            asked = [t for t in asyncio.all_tasks() if "Calls" in t.get_coro().__qualname__]
            assert not asked or not (await asyncio.wait(asked, timeout=5))[1]
        finally:
            await provider.close()
            await root.close()
            await sub.close()

    with scripted_model.ScriptedModel(script) as server:
        asyncio.run(once(server))
        assert server.abandoned == 8
