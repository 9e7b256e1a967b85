"""A refresh is a clean build: this repository's own history, commit by commit."""

from pathlib import Path

import pytest

from tests.support.replaying import replay

ROOT = Path(__file__).resolve().parents[3]
COMMITS = 20


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="there is no history here: this is no git checkout")
def test_after_each_of_twenty_commits_a_refresh_equals_a_clean_build():
    steps = 0
    for step in replay(ROOT, COMMITS, "indexers"):
        assert step.differences() == [], step.commit
        steps += 1
    assert steps > 0
