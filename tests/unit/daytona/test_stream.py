"""A stream survives any split, any stranger's text and any number of broken connections."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_sandbox.daytona.inside.stream import DATA, Stream

PREFIX = b"0123456789ab"
messages = st.lists(st.binary(max_size=60), max_size=8)
noise = st.binary(max_size=20).filter(lambda text: PREFIX not in text)


def heard(stream: Stream, data: bytes) -> list[bytes]:
    return [body for _, _, body in stream.feed(data)]


@given(messages, st.lists(st.integers(0, 400)), noise)
def test_lines_are_found_in_any_split_amid_any_noise(sent: list[bytes], cuts: list[int], stray: bytes) -> None:
    near, far = Stream(PREFIX), Stream(PREFIX)
    text = stray + b"\n" + b"".join(near.say(DATA, body) + stray + b"\n" for body in sent)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    got = [body for low, high in pairwise(edges) for body in heard(far, text[low:high])]
    assert got == sent
    assert not far.answers


@settings(max_examples=300)
@given(st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 150), st.booleans()), max_size=10))
def test_after_every_break_each_message_arrives_once_and_in_order(story: list[tuple[bytes, int, bool]]) -> None:
    """Each step says something, of which only some bytes pass; then the line is mended, or not yet."""
    near, far = Stream(PREFIX), Stream(PREFIX)
    got: list[bytes] = []
    for body, passed, mended in story:
        got += heard(far, near.say(DATA, body)[:passed])
        if mended:
            got += mend(near, far)
    got += mend(near, far)
    assert got == [body for body, _, _ in story]


def mend(near: Stream, far: Stream) -> list[bytes]:
    got: list[bytes] = []
    for_far = near.resume()
    while for_far:
        got += heard(far, for_far)
        for_near, far.answers = b"".join(far.answers), []
        assert heard(near, for_near) == []
        for_far, near.answers = b"".join(near.answers), []
    return got


@given(messages, st.data())
def test_a_changed_byte_is_never_taken_for_a_message(sent: list[bytes], data: st.DataObject) -> None:
    near, far = Stream(PREFIX), Stream(PREFIX)
    text = bytearray(b"".join(near.say(DATA, body) for body in sent) or b"\n")
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    got = heard(far, bytes(text))
    assert got == sent[: len(got)]


def test_what_was_taken_is_forgotten_and_the_rest_is_kept() -> None:
    near, far = Stream(PREFIX), Stream(PREFIX)
    lines = [near.say(DATA, b"x" * 100) for _ in range(4)]
    before = near.on_the_way
    list(far.feed(b"".join(lines)))
    assert heard(near, far.taken(2)) == []
    assert near.on_the_way == before / 4
    assert heard(near, b"\n" + PREFIX + b"99.a" + b"00000000\n") == []
    assert near.on_the_way == before / 4
