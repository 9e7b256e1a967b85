"""Every model call takes one path: shared, in turn, and tried again when that can help."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from rlm_mcp.models.answers import Answers
from rlm_mcp.models.base import NO_USAGE, Message, Price, Reply, Request, Usage
from rlm_mcp.models.calls import Calls, Patience
from rlm_mcp.models.errors import AuthFailed, ContextOverflow, ModelError, ModelUnavailable, QuotaExhausted, RateLimited
from rlm_mcp.models.gate import Gate

AT_ONCE = Patience(first_wait=0.001, longest_wait=0.001)


class Told:
    """A model that does what the test says, for each request in order of arrival."""

    window = None

    def __init__(self, do: Callable[["Told", str], Awaitable[str]], name: str = "told", address: str = "") -> None:
        self.name, self.address = name, address
        self.do = do
        self.asked: list[str] = []
        self.under_way = 0
        self.most = 0

    async def complete(self, request: Request) -> Reply:
        text = request.messages[-1].content
        self.asked.append(text)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return Reply(await self.do(self, text), Usage(10, 2, 0, 0.5), self.name, "stop", 0.0)
        finally:
            self.under_way -= 1

    def price(self) -> Price | None:
        return None

    def estimate(self, request: Request) -> Usage:
        return NO_USAGE

    async def close(self) -> None:
        pass


def ask(text: str, **more) -> Request:
    return Request((Message("user", text),), max_tokens=10, timeout=5, **more)


def failing(kind: type[ModelError], times: int, retry_after: float | None = None) -> Callable[[Told, str], Awaitable]:
    async def do(model: Told, text: str) -> str:
        if len(model.asked) <= times:
            raise kind("No.", model=model.name, advice="Wait.", retry_after=retry_after)
        return "at last"

    return do


async def echo(model: Told, text: str) -> str:
    await asyncio.sleep(0)
    return text


@pytest.mark.parametrize("kind", [RateLimited, ModelUnavailable])
def test_what_may_pass_is_tried_again(kind):
    model = Told(failing(kind, 2))
    called = asyncio.run(Calls(patience=AT_ONCE).complete(model, ask("?")))
    assert (called.reply.text, called.attempts) == ("at last", 3)


@pytest.mark.parametrize("kind", [AuthFailed, QuotaExhausted, ContextOverflow])
def test_what_will_not_change_is_not_tried_again(kind):
    model = Told(failing(kind, 1))
    with pytest.raises(kind):
        asyncio.run(Calls(patience=AT_ONCE).complete(model, ask("?")))
    assert len(model.asked) == 1


def test_a_provider_that_never_recovers_is_given_up_with_its_own_failure():
    model = Told(failing(ModelUnavailable, 99))
    with pytest.raises(ModelUnavailable):
        asyncio.run(Calls(patience=AT_ONCE).complete(model, ask("?")))
    assert len(model.asked) == 4


def test_a_provider_that_asks_for_an_hour_is_not_waited_for():
    model = Told(failing(RateLimited, 1, retry_after=3600))
    with pytest.raises(RateLimited) as caught:
        asyncio.run(Calls(patience=AT_ONCE).complete(model, ask("?")))
    assert caught.value.retry_after == 3600


def test_waits_double_up_to_a_ceiling_and_add_what_the_provider_asked_for():
    patience = Patience(first_wait=1, longest_wait=4)
    plain, asked = (RateLimited("No.", model="m", advice="", retry_after=after) for after in (None, 10))
    assert all(2 <= patience.wait(plain, 3) <= 4 for _ in range(20))
    assert all(2 <= patience.wait(plain, 9) <= 4 for _ in range(20))
    assert all(12 <= patience.wait(asked, 3) <= 14 for _ in range(20))


def test_identical_calls_under_way_are_one_call_and_one_bill():
    async def main():
        calls, model = Calls(), Told(echo)
        called = await asyncio.gather(*(calls.complete(model, ask("same")) for _ in range(8)))
        assert model.asked == ["same"]
        assert [one.reply.text for one in called] == ["same"] * 8
        assert sum((one.usage for one in called), NO_USAGE) == Usage(10, 2, 0, 0.5)

    asyncio.run(main())


@pytest.mark.parametrize("difference", [{"sample": 1}, {"reuse": False}])
def test_independent_samples_are_calls_of_their_own(difference):
    async def main():
        calls, model = Calls(), Told(echo)
        await asyncio.gather(calls.complete(model, ask("same")), calls.complete(model, ask("same"), **difference))
        assert model.asked == ["same", "same"]

    asyncio.run(main())


def test_a_different_parameter_is_a_different_call():
    async def main():
        calls, model = Calls(), Told(echo)
        await asyncio.gather(calls.complete(model, ask("same")), calls.complete(model, ask("same", stop=("x",))))
        assert len(model.asked) == 2

    asyncio.run(main())


def test_one_of_two_who_wait_may_leave_and_the_other_gets_answer_and_bill():
    async def main():
        go, started = asyncio.Event(), asyncio.Event()

        async def wait(model: Told, text: str) -> str:
            started.set()
            await go.wait()
            return text

        calls, model = Calls(), Told(wait)
        first, second = (asyncio.create_task(calls.complete(model, ask("same"))) for _ in range(2))
        await started.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        go.set()
        called = await second
        assert (called.reply.text, called.usage.usd, model.asked) == ("same", 0.5, ["same"])

    asyncio.run(main())


def test_when_all_who_wait_leave_the_call_is_given_up_and_the_next_starts_anew():
    async def main():
        started, ended = asyncio.Event(), asyncio.Event()

        async def first_hangs(model: Told, text: str) -> str:
            if len(model.asked) > 1:
                return "fresh"
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                for _ in range(5):  # hanging up takes a while: the next call must not wait for this one
                    await asyncio.sleep(0)
                ended.set()
            return "never"

        calls, model = Calls(), Told(first_hangs)
        task = asyncio.create_task(calls.complete(model, ask("same")))
        await started.wait()
        task.cancel()
        await asyncio.wait([task])
        called = await calls.complete(model, ask("same"))
        assert (called.reply.text, called.cached) == ("fresh", False)
        await ended.wait()
        assert calls.gate("told").active == 0

    asyncio.run(main())


def test_no_more_calls_are_under_way_than_the_widest():
    async def main():
        calls, model = Calls(widest=4), Told(echo)
        await asyncio.gather(*(calls.complete(model, ask(str(i))) for i in range(40)))
        assert model.most == 4
        assert len(model.asked) == 40

    asyncio.run(main())


def test_the_provider_saying_429_halves_the_width_once_per_wave_and_success_widens_it_again():
    async def main():
        refused = set()

        async def refuse_the_first_eight(model: Told, text: str) -> str:
            await asyncio.sleep(0)
            if len(refused) < 8 and text not in refused:
                refused.add(text)
                raise RateLimited("No.", model=model.name, advice="")
            return text

        calls, model = Calls(widest=8, patience=AT_ONCE), Told(refuse_the_first_eight)
        gate = calls.gate("told")
        await asyncio.gather(*(calls.complete(model, ask(str(i))) for i in range(8)))
        assert 4 <= gate.limit < 8
        await asyncio.gather(*(calls.complete(model, ask(f"more {i}")) for i in range(200)))
        assert gate.limit == 8

    asyncio.run(main())


def test_a_wave_of_refusals_halves_the_width_once_and_the_next_wave_again():
    async def main():
        gate = Gate(64)
        for limit in (32, 16):
            async with gate.slot("a") as one, gate.slot("b") as other:
                for slot in (one, other, one):
                    gate.refused(slot, None)
            assert gate.limit == limit

    asyncio.run(main())


def test_nobody_calls_before_the_time_the_provider_named():
    async def main():
        clock = asyncio.get_running_loop().time
        arrivals: list[float] = []

        async def refuse_once(model: Told, text: str) -> str:
            arrivals.append(clock())
            if len(arrivals) == 1:
                raise RateLimited("No.", model=model.name, advice="", retry_after=0.2)
            return text

        calls, model = Calls(widest=1, patience=AT_ONCE), Told(refuse_once)
        await asyncio.gather(*(calls.complete(model, ask(str(i))) for i in range(3)))
        assert len(arrivals) == 4
        assert arrivals[1] - arrivals[0] >= 0.19

    asyncio.run(main())


def test_a_small_run_does_not_wait_behind_all_of_a_large_one():
    async def main():
        calls, model = Calls(widest=2), Told(echo)
        large = [calls.complete(model, ask(f"large {i}"), run="large") for i in range(50)]
        small = [calls.complete(model, ask(f"small {i}"), run="small") for i in range(3)]
        await asyncio.gather(*large, *small)
        assert max(model.asked.index(f"small {i}") for i in range(3)) < 12

    asyncio.run(main())


def test_leaving_while_waiting_for_a_turn_gives_the_turn_to_the_next():
    async def main():
        go, started = asyncio.Event(), asyncio.Event()

        async def wait(model: Told, text: str) -> str:
            started.set()
            await go.wait()
            return text

        calls, model = Calls(widest=1), Told(wait)
        tasks = [asyncio.create_task(calls.complete(model, ask(str(i)))) for i in range(3)]
        await started.wait()
        tasks[1].cancel()
        go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert model.asked == ["0", "2"]
        assert calls.gate("told").active == 0

    asyncio.run(main())


def test_a_turn_granted_to_one_who_leaves_in_that_moment_is_not_lost():
    async def main():
        gate = Gate(1)

        async def pass_through() -> None:
            async with gate.slot("a"):
                pass

        async with gate.slot("a"):
            waiting = asyncio.create_task(pass_through())
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert gate.active == 0
        await asyncio.wait_for(pass_through(), 5)

    asyncio.run(main())


def test_closing_gives_up_what_is_under_way():
    async def main():
        started = asyncio.Event()

        async def hang(model: Told, text: str) -> str:
            started.set()
            await asyncio.Event().wait()
            return text

        calls = Calls()
        task = asyncio.create_task(calls.complete(Told(hang), ask("?")))
        await started.wait()
        await calls.close()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_answers_outlive_the_server_and_cost_nothing_the_second_time(tmp_path):
    async def once() -> tuple[bool, float | None, int]:
        model, calls = Told(echo), Calls(answers=Answers(tmp_path / "answers.sqlite"))
        called = await calls.complete(model, ask("what?"))
        await calls.close()
        assert called.reply.usage == Usage(10, 2, 0, 0.5)
        return called.cached, called.usage.usd, len(model.asked)

    assert asyncio.run(once()) == (False, 0.5, 1)
    assert asyncio.run(once()) == (True, 0.0, 0)
    assert (tmp_path / "answers.sqlite").stat().st_mode & 0o077 == 0


def test_the_same_name_at_another_address_is_another_model(tmp_path):
    async def once(address: str) -> bool:
        calls = Calls(answers=Answers(tmp_path / "answers.sqlite"))
        called = await calls.complete(Told(echo, address=address), ask("what?"))
        await calls.close()
        return called.cached

    addresses = ("http://one", "http://two", "http://one")
    assert [asyncio.run(once(address)) for address in addresses] == [False, False, True]


def reply(text: str) -> Reply:
    return Reply(text, NO_USAGE, "m", "stop", 0.0)


def test_kept_answers_stay_within_their_bytes_and_the_least_used_go_first(tmp_path):
    answers = Answers(tmp_path / "answers.sqlite", max_bytes=10_000)
    for i in range(40):
        answers.put(f"k{i}", reply("x" * 500))
        answers.get("k0")
    assert answers.get("k0") is not None
    assert answers.get("k1") is None
    assert answers.get("k39") is not None
    kept = sum(answers.get(f"k{i}") is not None for i in range(40))
    assert 5 < kept < 20
    answers.close()


def test_a_broken_file_of_answers_is_a_miss_and_not_a_failure(tmp_path):
    path = tmp_path / "answers.sqlite"
    path.write_bytes(b"this is no database" * 100)
    answers = Answers(path)
    answers.put("k", reply("text"))
    assert answers.get("other") is None
    answers.close()
    answers.put("k", reply("after closing"))
    assert answers.get("k") is None
