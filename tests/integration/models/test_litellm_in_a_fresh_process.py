"""Every default of litellm that would harm a server is off: seen in a process of its own, as users have it."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import fresh_litellm
from tests.support.scripted_model import Asked, ScriptedModel, bad_key, html, rate_limited

PROGRAM = Path(fresh_litellm.__file__)


def refuse(asked: Asked):
    return [bad_key(fresh_litellm.KEY), html(502), rate_limited()][asked.number % 3]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """The program's report and its stdout, run in a folder with a planted `.env`, litellm below that folder."""
    project = tmp_path_factory.mktemp("project")
    (project / ".env").write_text(
        "OPENAI_API_BASE=http://planted.example/v1\nOPENAI_BASE_URL=http://planted.example/v1\n"
    )
    site = project / "venv" / "site"
    site.mkdir(parents=True)
    (site / "litellm").symlink_to(Path(importlib.util.find_spec("litellm").origin).parent)
    inherited = {name: value for name, value in os.environ.items() if not name.endswith(("_KEY", "_BASE", "_URL"))}
    root = Path(__file__).parents[3]
    path = os.pathsep.join([str(site), str(root / "server"), str(root)])
    with ScriptedModel(refuse) as server:
        done = subprocess.run(
            [sys.executable, PROGRAM, project / "report.json", server.url],
            cwd=project,
            env=inherited | {"PYTHONPATH": path, "LITELLM_LOG": "DEBUG", "LITELLM_MODE": "DEV", "NO_PROXY": "*"},
            capture_output=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        requests = server.requests
    return json.loads((project / "report.json").read_text()), done, requests


def test_nothing_is_written_to_stdout_while_calls_fail_even_when_asked_to_debug(fresh):
    assert fresh[1].stdout == b""
    assert len(fresh[0]["said"]) == 15


def test_importing_our_models_imports_neither_litellm_nor_openai(fresh):
    assert fresh[0]["imported early"] is False


def test_the_import_happens_in_a_worker_thread_and_opens_no_socket(fresh):
    assert "MainThread" not in fresh[0]["import threads"]
    assert fresh[0]["import threads"]
    assert fresh[0]["hosts at import"] == []


def test_calls_reach_only_the_address_they_were_given(fresh):
    assert set(fresh[0]["hosts"]) == {"127.0.0.1"}


def test_no_env_file_is_read_from_the_working_folder_or_above_the_packages(fresh):
    assert fresh[0]["env files"] == []
    assert fresh[0]["OPENAI_API_BASE"] is None


def test_neither_prompts_nor_keys_are_logged_or_said(fresh):
    report, done, _ = fresh
    everything = json.dumps(report["said"] + report["log"]) + done.stderr.decode()
    assert fresh_litellm.PROMPT not in everything
    assert fresh_litellm.KEY not in everything
    assert fresh_litellm.KEY[:12] not in everything


def test_each_call_is_made_once_with_its_own_limit_and_without_a_temperature(fresh):
    requests = fresh[2]
    assert len(requests) == 9
    for request in requests:
        assert request.body.get("max_tokens", request.body.get("max_completion_tokens")) == 7
        assert "temperature" not in request.body
