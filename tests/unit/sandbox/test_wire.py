"""Frames from an adversary: any split is fine, anything else than a message of ours is a violation."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_sandbox.errors import ProtocolViolation
from rlm_sandbox.runner.frames import encode
from rlm_sandbox.wire import DEPTH, PIECES, Inbound, parse

CALL = {"t": "call", "id": 1, "name": "ask", "args": {"prompt": "naïve 😀"}}
DONE = {"t": "done", "key": "k", "stdout": "", "size": 0, "error": None, "line": None, "state": [1, None]}


def framed(payload):
    return len(payload).to_bytes(4, "big") + payload


def inbound(frame_bytes=1 << 20, cell_bytes=1 << 22):
    return Inbound(frame_bytes, cell_bytes)


@given(st.lists(st.sampled_from([CALL, DONE]), max_size=5), st.data())
def test_messages_survive_any_split(messages, data):
    wire = b"".join(map(encode, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    frames = inbound()
    pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    assert [message for piece in pieces for message in frames.feed(piece)] == messages


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"1" * 10_000,
        b"[" * 100_000,
        b'{"t": "call", "id": 1, "name": "ask", "args": {"x": NaN}}',
        b'{"t": "call", "id": 1, "name": "ask", "args": [1]}',
        b'{"t": "call", "id": true, "name": "ask", "args": {}}',
        b'{"t": "call", "id": "1", "name": "ask", "args": {}}',
        b'{"t": "call", "id": 1, "args": {}}',
        b'{"t": "exec", "cell": 1, "code": "1"}',
        b'{"t": ["call"]}',
        b'{"t": "done", "key": "k", "stdout": 5, "size": 0, "error": null, "line": null}',
        b'{"t": "done", "key": "k", "stdout": "", "size": 0, "error": "no", "line": null}',
    ],
)
def test_what_is_no_message_of_ours_is_a_violation(payload):
    with pytest.raises(ProtocolViolation):
        parse(payload)


def test_a_frame_beyond_its_limit_is_a_violation_before_it_arrives():
    with pytest.raises(ProtocolViolation, match="4,000"):
        list(inbound(frame_bytes=4_000).feed((4_001).to_bytes(4, "big")))


def test_a_cell_that_sends_too_much_in_all_is_a_violation():
    frames = inbound(cell_bytes=1_000)
    with pytest.raises(ProtocolViolation):
        list(frames.feed(encode(CALL) * 100))


@pytest.mark.parametrize("filling", [b"[],", b'"",', b"{},", b"0,"])
def test_a_frame_that_would_become_a_mountain_of_objects_is_a_violation(filling):
    many = filling * (PIECES + 1)
    payload = b'{"t": "call", "id": 1, "name": "ask", "args": {"x": [' + many[:-1] + b"]}}"
    with pytest.raises(ProtocolViolation, match="values"):
        list(inbound(1 << 23, 1 << 24).feed(framed(payload)))


def test_hills_of_objects_are_a_mountain_together():
    payload = b'{"t": "call", "id": 1, "name": "ask", "args": {"x": [' + b"[]," * 5_000 + b"0]}}"
    receiving = inbound(1 << 20, 1 << 26)
    with pytest.raises(ProtocolViolation, match="values"):
        list(receiving.feed(framed(payload) * 200))


def test_every_cell_begins_with_all_its_values_to_send():
    payload = b'{"t": "call", "id": 1, "name": "ask", "args": {"x": [' + b"0," * (PIECES // 2) + b"0]}}"
    receiving = inbound(1 << 20, 1 << 26)
    for _ in range(4):
        receiving.begin_cell()
        assert len(list(receiving.feed(framed(payload)))) == 1


def test_the_weight_of_a_cell_counts_its_values_beside_its_bytes():
    text, values = inbound(), inbound()
    for receiving, filling in ((text, b'"' + b"x" * 6_000 + b'"'), (values, b"[" + b"0," * 2_999 + b"0]")):
        list(receiving.feed(framed(b'{"t": "call", "id": 1, "name": "ask", "args": {"x": ' + filling + b"}}")))
    assert values.weight > 10 * text.weight


@pytest.mark.parametrize("bracket", ["[]", '{"x":}'])
def test_what_nests_too_deeply_is_a_violation_long_before_python_could_not_walk_it(bracket):
    def nested(depth):
        inside = bracket[:-1] * depth + ("0" if bracket != "[]" else "") + bracket[-1] * depth
        return b'{"t": "call", "id": 1, "name": "ask", "args": {"x": ' + inside.encode() + b"}}"

    assert parse(nested(DEPTH - 3))["t"] == "call"
    with pytest.raises(ProtocolViolation, match="nests deeper"):
        parse(nested(DEPTH))


def test_a_large_text_is_no_mountain_even_when_it_is_full_of_brackets_and_quotes():
    text = '[],{}\\"' * 400_000
    message = CALL | {"args": {"prompt": text}}
    assert parse(json.dumps(message).encode()) == message


def test_unfinished_strings_full_of_quotes_are_judged_in_linear_time():
    with pytest.raises(ProtocolViolation):
        parse(b'{"t": "' + b'\\"' * 2_000_000)


def test_half_surrogates_become_replacement_characters():
    payload = b'{"t": "call", "id": 1, "name": "ask", "args": {"\\ud800k": ["a\\udfffb", {"x": "\\ud83d\\ude00"}]}}'
    arguments = parse(payload)["args"]
    assert arguments == {"\ufffdk": ["a\ufffdb", {"x": "😀"}]}
    json.dumps(arguments, ensure_ascii=False).encode()
