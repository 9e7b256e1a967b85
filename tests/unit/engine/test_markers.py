"""The forms of citation markers that are read, and what only looks like one."""

import pytest

from rlm_mcp.engine.markers import parse

KNOWN = {"src/app.py", "Makefile", "app/[id]/page.tsx", "my file, v2.pdf", "claude-code/8f2e"}


def places(answer):
    return [str(r) for marker in parse(answer, KNOWN.__contains__) for r in marker.references]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("It is here [src/app.py:10-12].", ["src/app.py:10-12"]),
        ("[src/app.py:7]", ["src/app.py:7"]),
        ("[`src/app.py:7-9`] and `[Makefile:3]`", ["src/app.py:7-9", "Makefile:3"]),
        ("[src/app.py:1-2, Makefile:3; src/app.py:9]", ["src/app.py:1-2", "Makefile:3", "src/app.py:9"]),
        ("[src/app.py:1-2, 5-7, 9]", ["src/app.py:1-2", "src/app.py:5-7", "src/app.py:9"]),
        ("[app/[id]/page.tsx:3-4]", ["app/[id]/page.tsx:3-4"]),
        ("[my file, v2.pdf:3]", ["my file, v2.pdf:3"]),
        ("[src/app.py#L3-L9] [src/app.py:L4]", ["src/app.py:3-9", "src/app.py:4"]),
        ("[src/app.py:3\u20139]", ["src/app.py:3-9"]),
        ("see `src/app.py:10` and (src/app.py:12-14)", ["src/app.py:10", "src/app.py:12-14"]),
        ("at Makefile:3.", ["Makefile:3"]),
        ("line 999999 of nosuch.py", ["nosuch.py:999999"]),
        ("lines 3 to 5 in `src/app.py`", ["src/app.py:3-5"]),
        ("[claude-code/8f2e:44-45]", ["claude-code/8f2e:44-45"]),
        ("[nosuch:3]", ["nosuch:3"]),
    ],
)
def test_a_marker_is_read_in_every_usual_form(answer, found):
    assert places(answer) == found


@pytest.mark.parametrize(
    "answer",
    [
        "at [12:30] it rained",
        "text[a:5] is a slice",
        "http://localhost:8080/ and example.com:443 and 127.0.0.1:80",
        "a ratio of 3:2",
        "[see the notes] [1] [a, b]",
        "f(x)[i:10]",
        "fixed in #12",
    ],
)
def test_what_only_looks_like_a_marker_is_left_alone(answer):
    assert places(answer) == []


@pytest.mark.parametrize("part", ["[", "x:", "~", "+", "[a", "[[a]", "1:", "a/", "line ", "line 1 ", ".", "[a:1,", "`"])
def test_a_long_hostile_answer_is_read_in_linear_time(part):
    assert len(places(part * (100_000 // len(part)))) < 100_000
