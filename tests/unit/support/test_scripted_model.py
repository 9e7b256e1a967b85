"""The scripted model is what other tests stand on, so it is tested first."""

import http.client
import json
import threading
import urllib.error
import urllib.request

import pytest

from tests.support.scripted_model import (
    Answer,
    Asked,
    ScriptedModel,
    context_overflow,
    dropped,
    garbage,
    hang,
    html,
    quota_exhausted,
    rate_limited,
    truncated,
)


def ask(server: ScriptedModel, text: str = "hello", model: str = "root", **more):
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    request = urllib.request.Request(
        server.url + "/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        return response.read()


def answer_of(raw: bytes) -> str:
    return json.loads(raw)["choices"][0]["message"]["content"]


def refusal(server: ScriptedModel) -> tuple[int, dict, str | None]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(server)
    with caught.value as response:
        return response.code, json.loads(response.read())["error"], response.headers.get("retry-after")


def test_steps_are_answered_in_order_and_running_out_is_an_error():
    with ScriptedModel(["one", Answer("two", usage=(7, 3, 5))]) as server:
        assert answer_of(ask(server)) == "one"
        assert json.loads(ask(server))["usage"]["prompt_tokens_details"] == {"cached_tokens": 5}
        assert refusal(server)[0] == 418


def test_root_and_sub_models_have_scripts_of_their_own():
    with ScriptedModel({"root": ["from root"], "sub": lambda asked: asked.text.upper()}) as server:
        assert answer_of(ask(server, model="sub")) == "HELLO"
        assert answer_of(ask(server, model="root")) == "from root"
        assert [request.model for request in server.requests] == ["sub", "root"]
        assert len(server.asked("sub")) == 1


def test_failures_have_the_status_body_and_headers_of_the_real_ones():
    with ScriptedModel([rate_limited(1.5), quota_exhausted(), context_overflow()]) as server:
        status, body, retry_after = refusal(server)
        assert (status, body["code"], retry_after) == (429, "rate_limit_exceeded", "1.5")
        assert refusal(server)[:2][1]["code"] == "insufficient_quota"
        assert refusal(server)[1]["code"] == "context_length_exceeded"


def test_bad_bodies_arrive_as_scripted():
    with ScriptedModel([html(), garbage()]) as server:
        assert ask(server).startswith(b"<html>")
        assert ask(server).startswith(b"\x00\xff")


@pytest.mark.parametrize("step", [truncated(), dropped()])
def test_a_connection_can_end_before_the_answer_does(step):
    with ScriptedModel([step]) as server, pytest.raises((OSError, http.client.HTTPException)):
        ask(server)


def test_a_stream_carries_the_words_the_usage_and_the_end():
    with ScriptedModel(["three small words"]) as server:
        events = ask(server, stream=True).decode().split("\n\n")
    assert [json.loads(event[6:])["choices"][0]["delta"]["content"] for event in events[:3]] == [
        "three ",
        "small ",
        "words ",
    ]
    assert "usage" in events[4]
    assert events[5] == "data: [DONE]"


def test_requests_in_flight_are_counted_and_leaving_ends_a_hanging_one():
    def handler(asked: Asked) -> Answer:
        return hang()

    with ScriptedModel(handler) as server:
        failures: list[Exception] = []

        def client() -> None:
            try:
                ask(server)
            except Exception as failure:  # noqa: BLE001 - whatever the client library raises
                failures.append(failure)

        threads = [threading.Thread(target=client) for _ in range(3)]
        for thread in threads:
            thread.start()
        server.wait_for(3)
        assert server.most_in_flight == 3
    for thread in threads:
        thread.join(5)
    assert len(failures) == 3
