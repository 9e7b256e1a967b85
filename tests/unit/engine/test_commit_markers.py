"""How answers cite commits: by their first line when no lines are named."""

import pytest

from rlm_mcp.engine.markers import parse

SHA = "0123456789ab"


@pytest.mark.parametrize(
    ("written", "places"),
    [
        (f"[commit:{SHA}]", [f"commit:{SHA}:1"]),
        (f"[commit:{SHA}:src/a.py]", [f"commit:{SHA}:src/a.py:1"]),
        (f"[commit:{SHA}:src/a.py:3-9]", [f"commit:{SHA}:src/a.py:3-9"]),
        (f"[commit:{SHA}:7]", [f"commit:{SHA}:7"]),
        ("[commit:1234567]", ["commit:1234567:1"]),
        (f"[commit:{SHA}:src/a.py, src/b.py:3]", [f"commit:{SHA}:src/a.py:1", "src/b.py:3"]),
        (f"[src/b.py:3; commit:{SHA}:src/a.py:2]", ["src/b.py:3", f"commit:{SHA}:src/a.py:2"]),
        (f"[diff:{SHA}..{SHA}:2-4]", [f"diff:{SHA}..{SHA}:2-4"]),
    ],
)
def test_a_commit_is_cited_by_its_name(written, places):
    found = parse(f"So it is {written}.", lambda path: path.startswith(("commit:", "diff:", "src/")))
    assert [str(reference) for marker in found for reference in marker.references] == places


def test_a_word_before_a_colon_is_no_commit():
    assert parse("[commit:main] and [commit: 12 files]", lambda path: False) == []
