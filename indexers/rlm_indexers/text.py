"""Bytes of unknown encoding to UTF-8, decided one way for every kind of corpus.

The only door to charset-normalizer, and imported only when a file is neither marked, declared nor UTF-8.
"""

import codecs
import os
import re

SNIFFED_BYTES = 8192
GUESSED_BYTES = 64 * 1024

_BOMS = (  # the UTF-32 marks begin like the UTF-16 ones, so they are asked first
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What files are really written in. Left to itself the guesser likes EBCDIC and code pages of the eighties.
_GUESSABLE = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "cp437", "mac_roman"),
    *("cp932", "euc_jp", "iso2022_jp", "gb18030", "big5hkscs", "cp949", "tis_620"),
]
# Codecs that Python calls text but that rewrite it, run for ever, or exist to fail.
_REFUSED = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "unicode-escape",
                      "raw-unicode-escape", "mbcs", "oem", "utf-7"})  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def document_id(path: str) -> str:
    """A relative path as the id of a document: valid UTF-8 without control characters."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace").replace(os.sep, "/")
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def is_binary(data: bytes) -> bool:
    """Whether a NUL lies in the first 8 KiB of bytes that no byte order mark declares to be UTF-16 or UTF-32."""
    return b"\0" in data[:SNIFFED_BYTES] and not data.startswith(tuple(bom for bom, _ in _BOMS[1:]))


def decode(data: bytes, declared: str | None = None) -> tuple[bytes, tuple[str, ...]]:
    """The text as UTF-8 bytes, and flags: `bom`, `encoding:<name>`, `encoding_uncertain`, `crlf`, `cr`.

    Asked in turn: byte order mark, strict UTF-8, `declared` (a codec name the file itself gives), a statistical guess,
    and at last latin-1, which cannot fail and is flagged as uncertain. Line ends are kept as they are.
    """
    text, flags = _decode(data, declared)
    return text, flags + line_end_flags(text)


def line_end_flags(text: bytes) -> tuple[str, ...]:
    """`crlf` when lines end so, `cr` when a lone CR would be a line end to some readers and is none to us."""
    returns = text.count(b"\r")
    if not returns:
        return ()
    pairs = text.count(b"\r\n")
    return (("crlf",) if pairs else ()) + (("cr",) if returns > pairs else ())


def _decode(data: bytes, declared: str | None) -> tuple[bytes, tuple[str, ...]]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _marked(data[len(bom) :], encoding)
    if _is_utf8(data):
        return data, ()
    for encoding, doubt in filter(None, (_usable(declared), _guessed(data))):
        try:
            return data.decode(encoding).encode(), (f"encoding:{encoding}", *doubt)
        except (UnicodeError, LookupError):
            continue
    return data.decode("latin-1").encode(), ("encoding:latin-1", "encoding_uncertain")


def _marked(body: bytes, encoding: str) -> tuple[bytes, tuple[str, ...]]:
    flags = ("bom",) if encoding == "utf-8" else ("bom", f"encoding:{encoding[:-3]}")
    if encoding == "utf-8" and _is_utf8(body):
        return body, flags
    try:
        return body.decode(encoding).encode(), flags
    except UnicodeError:  # cut in the middle of a character, or a mark that lies
        return body.decode(encoding, "replace").encode(), (*flags, "encoding_uncertain")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _usable(declared: str | None) -> tuple[str, tuple[str, ...]] | None:
    if not declared:
        return None
    try:
        name = codecs.lookup(declared.strip()).name
    except (LookupError, ValueError):
        return None
    return None if name in _REFUSED or name == "utf-8" else (name, ())


def _guessed(data: bytes) -> tuple[str, tuple[str, ...]] | None:
    import charset_normalizer

    sample = data[:GUESSED_BYTES]
    if len(data) > len(sample):  # a cut inside a character would spoil the guess
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    best = charset_normalizer.from_bytes(sample, cp_isolation=_GUESSABLE).best()
    if best is None:
        return None
    return best.encoding, () if best.coherence else ("encoding_uncertain",)
