"""From what a provider said to a typed failure: the kind is right, the message helps, no secret is in it."""

import pytest

from rlm_mcp.models.errors import (
    AuthFailed,
    ContextOverflow,
    ModelError,
    ModelUnavailable,
    NoModel,
    QuotaExhausted,
    RateLimited,
    RequestRefused,
)
from rlm_mcp.models.failures import ADVICE, Failure, redact, retry_after_seconds, translate

SAID = [
    (429, "You exceeded your current quota, please check your plan.", "insufficient_quota", QuotaExhausted),
    (429, "You exceeded your current quota. Please retry in 34.07s.", "RESOURCE_EXHAUSTED", RateLimited),
    (429, "Rate limit reached for requests", "rate_limit_exceeded", RateLimited),
    (402, "Insufficient Balance", "", QuotaExhausted),
    (400, "Your credit balance is too low to access the Anthropic API.", "", QuotaExhausted),
    (400, "This model's maximum context length is 8192 tokens.", "", ContextOverflow),
    (400, "prompt is too long: 210000 tokens > 200000 maximum", "", ContextOverflow),
    (400, "The input token count (1200000) exceeds the maximum number of tokens allowed", "", ContextOverflow),
    (400, "Please reduce the length of the messages", "context_length_exceeded", ContextOverflow),
    (413, "Request too large", "", ContextOverflow),
    (400, "Unsupported parameter: max_tokens", "", RequestRefused),
    (401, "Incorrect API key", "", AuthFailed),
    (529, "Overloaded", "overloaded_error", ModelUnavailable),
    (None, "Connection refused", "", ModelUnavailable),
]


@pytest.mark.parametrize(("status", "text", "code", "kind"), SAID)
def test_status_and_words_together_decide_the_kind(status, text, code, kind):
    assert type(translate(Failure("m", status=status, text=text, code=code))) is kind


def test_the_message_says_what_happened_to_which_model_and_what_to_do():
    failure = translate(Failure("openai/x", status=503, text="Try  later.\n"))
    assert str(failure) == (
        "No model answered (HTTP 503): Try later. Model: openai/x. "
        "Check the address and the network, or ask again later."
    )


SECRETS = [
    "Incorrect API key provided: sk-proj-abcDEF123456.",
    "sk-ant-api03-abcdef-ghi",
    "header Authorization: Bearer abc.def.ghi",
    'body {"api_key": "abcdef123456"}',
    "key AIzaSyA1234567890abcdef is not valid",
    "https://user:password@proxy.example/v1",
    "the value topsecretvalue is wrong",
]


@pytest.mark.parametrize("text", SECRETS)
def test_nothing_that_looks_like_a_secret_is_passed_on(text):
    clean = redact(text, ["topsecretvalue"])
    for secret in ("abcDEF", "abcdef", "abc.def", "SyA1234", "password", "topsecret"):
        assert secret not in clean


def test_long_words_of_a_provider_are_cut():
    assert len(redact("word " * 1000)) < 260


@pytest.mark.parametrize(
    ("value", "seconds"), [("2", 2), ("0.5", 0.5), (None, None), ("soon", None), ("-1", None), ("1e9", None)]
)
def test_the_retry_header_is_read_as_seconds_or_not_at_all(value, seconds):
    assert retry_after_seconds(value) == seconds


def all_kinds(kind: type[ModelError]) -> list[type[ModelError]]:
    return [kind, *(deeper for below in kind.__subclasses__() for deeper in all_kinds(below))]


def test_every_kind_has_a_slug_of_its_own_and_advice():
    kinds = all_kinds(ModelError)
    assert len({kind.kind for kind in kinds}) == len(kinds)
    assert {kind for kind in kinds if kind not in ADVICE} == {ModelError, NoModel}
