"""Both doors to chat models, over real HTTP: what is asked, what comes back, and what each failure becomes.

The two must not be told apart by what they do: every test here is for both, unless its name says which.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

import pytest

from rlm_mcp.models.base import Message, Reply, Request, Usage
from rlm_mcp.models.calls import Calls, Patience
from rlm_mcp.models.connections import Connections
from rlm_mcp.models.errors import (
    AuthFailed,
    BadReply,
    ContextOverflow,
    ModelError,
    ModelNotFound,
    ModelTimeout,
    ModelUnavailable,
    QuotaExhausted,
    RateLimited,
    RequestRefused,
)
from rlm_mcp.models.litellm_door import LitellmModel
from rlm_mcp.models.openai_door import OpenAIModel
from tests.support.scripted_model import (
    Answer,
    ScriptedModel,
    bad_key,
    context_overflow,
    dropped,
    error,
    garbage,
    hang,
    html,
    quota_exhausted,
    rate_limited,
    server_error,
    truncated,
    unknown_model,
)

NAME = "openai/gpt-6-luna"


def ask(text: str = "hello", timeout: float = 20, **more) -> Request:
    return Request((Message("system", "Be brief."), Message("user", text)), max_tokens=50, timeout=timeout, **more)


Door = type[LitellmModel] | type[OpenAIModel]


@pytest.fixture(params=[LitellmModel, OpenAIModel], ids=["litellm", "openai"])
def door(request) -> Door:
    return request.param


@contextlib.asynccontextmanager
async def opened(door: Door, name: str = NAME, **more) -> AsyncIterator[LitellmModel | OpenAIModel]:
    model = door(name, **more)
    try:
        yield model
    finally:
        await model.close()


def complete(door: Door, script, request: Request | None = None, name: str = NAME, **more) -> tuple[Reply, dict]:
    """The reply, and the body of the request that was sent."""

    async def main(url: str) -> Reply:
        async with opened(door, name, api_base=url, api_key="secret-of-the-user", **more) as model:
            return await model.complete(request or ask())

    with ScriptedModel(script) as server:
        reply = asyncio.run(main(server.url))
        return reply, server.requests[0].body


def test_an_answer_comes_back_with_its_usage_and_its_price(door):
    reply, body = complete(door, [Answer("hi", usage=(1000, 10, 800))])
    # Our row of gpt-6-luna: 0.1, 0.5 and 0.01 USD per million tokens of input, output and cached input.
    assert reply.usage == Usage(1000, 10, 800, pytest.approx((200 * 0.1 + 10 * 0.5 + 800 * 0.01) / 1e6))
    assert (reply.text, reply.model, reply.finish_reason) == ("hi", NAME, "stop")
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]


def test_an_unknown_model_costs_unknown_even_when_it_answers_under_a_known_name(door):
    reply, _ = complete(door, [Answer("hi", usage=(1000, 10, 0), model="gpt-4o-mini")], name="openai/my-local-model")
    assert reply.usage == Usage(1000, 10, 0, None)
    assert reply.model == "openai/my-local-model"


def test_an_answer_without_usage_is_estimated_and_its_cost_unknown(door):
    reply, _ = complete(door, [Answer("some words", no_usage=True)])
    assert reply.usage.usd is None
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0


def test_stop_words_and_schema_are_passed_on_where_the_model_takes_them(door):
    schema = {"type": "object", "properties": {"label": {"type": "string"}}}
    _, body = complete(door, ["{}"], ask(stop=("```\n",), json_schema=schema), name="openai/my-local-model")
    assert body["stop"] == ["```\n"]
    assert body["response_format"]["json_schema"]["schema"] == schema


def test_effort_is_sent_to_models_that_reason_and_to_no_others(door):
    assert complete(door, ["ok"], effort="low")[1]["reasoning_effort"] == "low"
    assert "reasoning_effort" not in complete(door, ["ok"], name="openai/my-local-model", effort="low")[1]


def test_half_a_surrogate_pair_breaks_neither_the_request_nor_the_reply(door):
    raw = b'{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"a\\ud800b"}}]}'
    reply, body = complete(door, [Answer(raw=raw)], ask("x\ud800y"))
    assert reply.text == "a?b"
    assert body["messages"][1]["content"] == "x?y"


FAILURES = [
    (rate_limited(), RateLimited),
    (quota_exhausted(), QuotaExhausted),
    (error(402, "Insufficient Balance"), QuotaExhausted),
    (error(400, "Your credit balance is too low to access the API."), QuotaExhausted),
    (context_overflow(), ContextOverflow),
    (error(400, "prompt is too long: 210000 tokens > 200000 maximum"), ContextOverflow),
    (error(400, "Unknown parameter: 'foo'."), RequestRefused),
    (Answer("cut", finish="content_filter"), RequestRefused),
    (bad_key(), AuthFailed),
    (error(403, "Country not supported."), AuthFailed),
    (unknown_model(), ModelNotFound),
    (server_error(), ModelUnavailable),
    (server_error(503), ModelUnavailable),
    (html(), ModelUnavailable),
    (html(502), ModelUnavailable),
    (garbage(), ModelUnavailable),
    (truncated(), ModelUnavailable),
    (dropped(), ModelUnavailable),
    (Answer("", finish="length"), BadReply),
    (Answer("  \n"), BadReply),
    (hang(), ModelTimeout),
]


def test_each_failure_becomes_its_own_kind_and_says_which_model_and_what_next(door):
    async def main(url: str) -> list[ModelError]:
        async with opened(door, api_base=url, api_key="secret-of-the-user") as model:
            return [await failure(model) for _ in FAILURES]

    async def failure(model: LitellmModel) -> ModelError:
        with pytest.raises(ModelError) as caught:
            await model.complete(ask(timeout=1))
        return caught.value

    with ScriptedModel([step for step, _ in FAILURES]) as server:
        failures = asyncio.run(main(server.url))
    assert [type(failure) for failure in failures] == [kind for _, kind in FAILURES]
    for failure in failures:
        assert f"Model: {NAME}. " in str(failure)
        assert str(failure).endswith(failure.advice)
        assert "secret" not in str(failure)
        assert failure.__cause__ is None


def test_a_port_where_nobody_listens_is_unavailable_and_not_a_server_error(door):
    with ScriptedModel([]) as server:
        url = server.url

    async def main() -> None:
        async with opened(door, api_base=url, api_key="k") as model:
            await model.complete(ask())

    with pytest.raises(ModelUnavailable) as caught:
        asyncio.run(main())
    assert "HTTP 500" not in str(caught.value)


def test_a_missing_key_is_a_failure_of_the_key(door, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)

    async def main() -> None:
        async with opened(door) as model:
            await model.complete(ask())

    with pytest.raises(AuthFailed):
        asyncio.run(main())


def test_the_time_a_provider_asks_for_arrives(door):
    with pytest.raises(RateLimited) as caught:
        complete(door, [rate_limited(2.5)])
    assert caught.value.retry_after == 2.5


def test_a_cancelled_call_hangs_up_at_once(door):
    async def main(server: ScriptedModel) -> None:
        async with opened(door, api_base=server.url, api_key="k") as model:
            task = asyncio.create_task(model.complete(ask()))
            await asyncio.to_thread(server.wait_for, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(server.wait_for_hang_up, 1)

    with ScriptedModel(lambda _: hang()) as server:
        asyncio.run(main(server))


@pytest.mark.filterwarnings("ignore")  # connections of a loop that is gone can only be dropped
def test_a_model_serves_one_event_loop_after_another(door):
    with ScriptedModel(lambda asked: asked.text) as server:
        model = door(NAME, api_base=server.url, api_key="k")

        async def main() -> str:
            return (await model.complete(ask())).text

        assert [asyncio.run(main()) for _ in range(3)] == ["hello"] * 3
        asyncio.run(model.close())
    gc.collect()


def test_a_hundred_batches_in_a_row_lose_no_answer(door):
    """The published engine loses every second batch: one client, a new event loop for each."""

    async def main(url: str) -> list[str]:
        calls, shared = Calls(), Connections()
        model = door(NAME, api_base=url, api_key="k", connections=shared)
        answers = []
        for batch in range(100):
            requests = [ask(f"{batch}.{i}") for i in range(8)]
            called = await asyncio.gather(*(calls.complete(model, request) for request in requests))
            answers += [one.reply.text for one in called]
        await shared.close()
        return answers

    with ScriptedModel(lambda asked: asked.text, delay=0.05) as server:
        assert asyncio.run(main(server.url)) == [f"{batch}.{i}" for batch in range(100) for i in range(8)]
        assert len(server.requests) == 800
        assert server.connections <= 16


def test_a_provider_that_refuses_at_first_is_asked_again_until_all_are_answered(door):
    def every_third_refuses(asked):
        return rate_limited(0.01) if asked.number % 3 == 0 else asked.text

    async def main(url: str) -> list[str]:
        calls = Calls(patience=Patience(first_wait=0.01, longest_wait=0.05))
        async with opened(door, api_base=url, api_key="k") as model:
            called = await asyncio.gather(*(calls.complete(model, ask(str(i))) for i in range(64)))
        return [one.reply.text for one in called]

    with ScriptedModel(every_third_refuses) as server:
        assert asyncio.run(main(server.url)) == [str(i) for i in range(64)]


ANTHROPIC = (
    b'{"id":"m","type":"message","role":"assistant","model":"x","stop_reason":"end_turn","content":'
    b'[{"type":"text","text":"hi"}],"usage":{"input_tokens":100,"output_tokens":10,'
    b'"cache_read_input_tokens":1000,"cache_creation_input_tokens":200}}'
)


def test_through_litellm_anthropic_gets_cache_marks_and_is_billed_for_reading_and_writing_them():
    request = Request(
        (Message("system", "Long."), Message("user", "a"), Message("user", "b")), 50, 20, cache_prefix=True
    )
    reply, body = complete(LitellmModel, [Answer(raw=ANTHROPIC)], request, "anthropic/claude-haiku-5-5")
    assert body["system"][-1]["cache_control"] == {"type": "ephemeral"}
    assert body["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    assert body["max_tokens"] == 50
    usd = (100 * 0.1 + 1000 * 0.01 + 200 * 0.125 + 10 * 0.5) / 1e6
    assert reply.usage == Usage(1300, 10, 1000, pytest.approx(usd))


def test_an_answer_that_is_none_still_says_what_it_cost(door):
    with pytest.raises(BadReply) as caught:
        complete(door, [Answer("", usage=(1000, 50, 0), finish="length")])
    assert caught.value.usage == Usage(1000, 50, 0, pytest.approx((1000 * 0.1 + 50 * 0.5) / 1e6))


def test_openai_is_not_followed_to_another_address():
    with ScriptedModel(["planted"]) as elsewhere:
        away = Answer(status=307, raw=b"", headers={"location": elsewhere.url + "/chat/completions"})
        with pytest.raises(ModelUnavailable):
            complete(OpenAIModel, [away])
        assert elsewhere.requests == []


def test_a_server_of_ones_own_is_asked_without_a_key():
    async def main(url: str) -> None:
        async with opened(OpenAIModel, api_base=url) as model:
            await model.complete(ask())

    with ScriptedModel(["ok"]) as server:
        asyncio.run(main(server.url))
        assert "authorization" not in server.requests[0].headers
