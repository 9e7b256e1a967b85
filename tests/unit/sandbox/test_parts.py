"""Small parts of the session: output, the meter, recorded calls."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_sandbox import Answer, HostCallError
from rlm_sandbox.hostcalls import LiveCalls, NoCalls, RecordedCalls, brief
from rlm_sandbox.meter import Meter
from rlm_sandbox.runner.output import Capture, Outputs, shorten, utf8_size


@given(st.lists(st.text(max_size=40), max_size=20), st.integers(2, 60))
def test_capture_counts_everything_and_keeps_both_ends(parts, kept):
    capture = Capture(kept)
    for part in parts:
        capture.write(part)
    whole = "".join(parts)
    assert capture.size == utf8_size(whole)
    half = kept // 2
    assert capture.kept().startswith(whole[:half])
    assert capture.kept().endswith(whole[max(len(whole) - half, 0) :])
    if len(whole) <= 2 * half:
        assert capture.kept() == whole


@given(st.text(max_size=300), st.integers(4, 100))
def test_shortened_text_fits_and_says_the_true_size(text, limit):
    size = utf8_size(text)
    short = shorten(text, size, limit, "")
    assert short == text if size <= limit else f"of {size:,} bytes" in short
    assert len(short.encode()) <= limit + 80


def test_old_outputs_give_way_when_all_together_are_too_many():
    out = Outputs(bound=1_000)
    for number in range(1, 6):
        out.keep(number, "x" * 400)
    assert [len(out[n]) == 400 for n in (4, 5)] == [True, True]
    assert "400 characters" in out[1]


def test_what_a_cell_writes_into_its_outputs_harms_nobody_and_is_gone_after_it():
    out = Outputs(bound=1_000)
    out.keep(1, "one")
    out["x"], out[1], out[10**9] = 5, None, b""
    out.keep(2, "two")
    assert out == {1: "one", 2: "two"}


def test_the_meter_counts_the_wall_without_calls_and_the_processor_with_them(monkeypatch):
    wall, cpu = [100.0], [7.0]
    monkeypatch.setattr("time.monotonic", lambda: wall[0])
    meter = Meter(lambda: cpu[0])
    wall[0] += 2
    meter.call_started()
    wall[0] += 50
    cpu[0] += 1
    meter.call_started()
    meter.call_ended()
    wall[0] += 50
    meter.call_ended()
    wall[0] += 4
    assert meter.seconds() == pytest.approx(7)


def test_waits_cost_nothing_where_the_processor_cannot_be_read(monkeypatch):
    wall = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: wall[0])
    meter = Meter(lambda: None)
    meter.call_started()
    wall[0] += 50
    assert meter.seconds() == 0
    meter.call_ended()
    wall[0] += 3
    assert meter.seconds() == 3


def test_recorded_answers_go_to_equal_questions_in_their_order():
    first, second = Answer("ask", {"q": 1}, "a"), Answer("ask", {"q": 1}, "b")
    failed = Answer("ask", {"q": 2}, error=("refused", "no"))
    calls = RecordedCalls([first, failed, second])

    async def ask(q):
        return await calls.answer("ask", {"q": q})

    assert asyncio.run(ask(1)) == "a"
    assert asyncio.run(ask(1)) == "b"
    with pytest.raises(HostCallError, match="no"):
        asyncio.run(ask(2))
    assert calls.strayed is None
    with pytest.raises(HostCallError):
        asyncio.run(ask(1))
    assert calls.strayed == "ask"


def test_long_arguments_are_recorded_by_their_hash_and_known_again():
    recorded = Answer("ask", brief({"prompt": "x" * 100_000}), "a")
    assert set(recorded.arguments) == {"sha256", "bytes"}
    assert brief({"prompt": "short"}) == {"prompt": "short"}
    calls = RecordedCalls([recorded])
    assert asyncio.run(calls.answer("ask", {"prompt": "x" * 100_000})) == "a"
    with pytest.raises(HostCallError):
        asyncio.run(calls.answer("ask", {"prompt": "y" * 100_000}))


def test_a_handler_that_breaks_tells_the_cell_nothing_of_how(caplog):
    async def broken(arguments):
        raise RuntimeError("the key is hunter2")

    with pytest.raises(HostCallError) as caught:
        asyncio.run(LiveCalls({"ask": broken}).answer("ask", {}))
    assert (caught.value.kind, "hunter2" in caught.value.message) == ("internal", False)
    assert "ask failed: RuntimeError" in caplog.text
    assert "hunter2" not in "".join(r.getMessage() for r in caplog.records)


def test_unknown_calls_and_calls_between_cells_are_refused():
    for calls, kind in ((LiveCalls({}), "unknown-call"), (NoCalls(), "no-cell")):
        with pytest.raises(HostCallError) as caught:
            asyncio.run(calls.answer("anything", {}))
        assert caught.value.kind == kind
