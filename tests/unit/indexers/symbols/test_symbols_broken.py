"""Sources that no compiler takes, and sources made to hurt: each still gives facts, and raises nothing."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from rlm_indexers.symbols import extract

SAMPLES = sorted(Path(__file__).with_name("samples").glob("*.txt"))
MARKS = b"(){}[]<>\"'`\\\n\r\0#;:,=*&"


def mutilated(data: bytes, chance: random.Random) -> Iterator[bytes]:
    """The source cut off, with a part missing, and with one byte replaced; twenty of each."""
    for _ in range(20):
        a, b = sorted((chance.randrange(len(data)), chance.randrange(len(data))))
        yield data[:a]
        yield data[:a] + data[b:]
        yield data[:a] + bytes([chance.choice(MARKS)]) + data[a + 1 :]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_a_source_broken_anywhere_still_gives_facts(sample: Path):
    language = sample.name.split(".")[0]
    for data in mutilated(sample.read_bytes(), random.Random(7)):
        extract(language, data)


@pytest.mark.parametrize(
    "source", [b"def a(:\n", b"class A:\n", b"def a():", b"@", b"", b"\xff\xfe", b"if x:\n  def b(\n"]
)
def test_python_that_ends_too_early_gives_facts(source: bytes):
    extract("python", source)


@pytest.mark.parametrize("language", ["c", "cpp"])
@pytest.mark.parametrize(
    "source",
    [
        b'int a(void) { puts("unclosed); }\n' * 2_000,
        b"#if A\nint f(void) {\n" * 2_000,
        b"#endif\n" * 5_000,
        b"MACRO(" * 20_000,
        b"(" * 20_000,
        b"EXPORT(int) " * 4_000,
        b"'" * 50_001,
        b"/*" * 50_000,
        b"\\\n" * 50_000,
    ],
    ids=lambda source: source[:12].decode(),
)
def test_c_made_to_hurt_the_second_look_gives_facts(language: str, source: bytes):
    facts = extract(language, source + b"\nint last(void) { return 1; }\n")
    assert len(facts.symbols) < 10_000
