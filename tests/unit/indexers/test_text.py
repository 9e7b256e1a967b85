import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_indexers.text import decode, is_binary


@pytest.mark.parametrize(
    ("data", "text", "flags"),
    [
        (b"plain\n", "plain\n", ()),
        ("grün\n".encode(), "grün\n", ()),
        (b"\xef\xbb\xbfgr\xc3\xbcn", "grün", ("bom",)),
        ("grün\n".encode("utf-16"), "grün\n", ("bom", "encoding:utf-16")),
        (b"\xfe\xff" + "grün\n".encode("utf-16-be"), "grün\n", ("bom", "encoding:utf-16")),
        ("grün\n".encode("utf-32"), "grün\n", ("bom", "encoding:utf-32")),
        (b"a\r\nb\r\n", "a\r\nb\r\n", ("crlf",)),
        (b"a\rb\r", "a\rb\r", ("cr",)),
        (b"a\r\nb\rc\n", "a\r\nb\rc\n", ("crlf", "cr")),
        (b"", "", ()),
    ],
)
def test_text_is_decoded_by_its_mark_or_as_utf8(data, text, flags):
    assert decode(data) == (text.encode(), flags)


def test_declared_encoding_is_used_when_it_is_not_utf8():
    assert decode("цена\n".encode("koi8-r"), "koi8-r") == ("цена\n".encode(), ("encoding:koi8-r",))


@pytest.mark.parametrize("declared", ["no-such-codec", "zlib", "hex", "punycode", "unicode_escape", "utf-8", "", "\0"])
def test_declared_encoding_that_lies_or_is_no_text_encoding_is_not_used(declared):
    text, flags = decode(b"caf\xe9 \\x41 au lait, s'il vous pla\xeet\n" * 3, declared)
    assert text.decode().startswith("café \\x41 au lait, s'il vous plaît\n")
    assert flags[0].startswith("encoding:")


def test_undecodable_bytes_become_latin_1_and_say_so():
    text, flags = decode(b"\x81\x8d\x8f\x90\x9d" * 3 + b"\xff")
    assert "encoding_uncertain" in flags
    assert text.decode()


def test_lying_mark_is_flagged_and_never_raises():
    _, flags = decode(b"\xff\xfea")
    assert "encoding_uncertain" in flags


def test_nul_means_binary_except_under_a_wide_mark():
    assert is_binary(b"\x7fELF\0\0")
    assert not is_binary("wide".encode("utf-16"))
    assert not is_binary(b"plain")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_become_valid_utf8(data):
    decode(data)[0].decode("utf-8")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_utf8_comes_back_unchanged(text):
    data = text.encode("utf-8", "replace")
    if not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        assert decode(data)[0] == data
