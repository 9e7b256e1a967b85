"""The real agent clients, headless, against `rlm-mcp serve`, with a scripted model API on loopback (`make clients`).

Needs the client driver that lies beside the project (`../shared/tools/clients`) and the clients it installs; KIT_LAB
names the folder they are in. Without them these tests are skipped, and say so.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).resolve().parents[3] / "shared" / "tools" / "clients" / "run_client.py"
LAB = Path(os.environ.get("KIT_LAB") or Path.home() / ".cache" / "rlm-kit") / "clients"
QUESTION = "Where is run_server defined?"

pytestmark = [pytest.mark.client, pytest.mark.timeout(300)]


def drive(client: str, repository: Path, cache: Path, *calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """What the driver reports of one client that makes these calls in turn."""
    if not DRIVER.exists() or not (LAB / client).exists():
        pytest.skip(f"{client} is not installed in {LAB}, or there is no driver at {DRIVER}")
    (tool, arguments), *then = calls
    command = [sys.executable, str(DRIVER), client, "--cwd", str(repository), "--max-chars", "9000"]
    command += ["--server-cmd", f"{Path(sys.executable).with_name('rlm-mcp')} serve"]
    command += ["--env", f"RLM_CACHE_DIR={cache}", "--env", "PYTHONPATH="]
    command += ["--env", "RLM_MODEL=offline", "--env", "PYTHONSAFEPATH=1"]
    command += ["--tool", tool, "--args", json.dumps(arguments)]
    for name, given in then:
        command += ["--then", name, json.dumps(given)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    report: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return report


@pytest.mark.parametrize("client", ["claude", "codex", "opencode", "gemini"])
def test_the_client_loads_a_repository_asks_and_its_model_receives_the_cited_answer(
    client: str, repository: Path, tmp_path: Path
) -> None:
    report = drive(
        client,
        repository,
        tmp_path / "cache",
        ("load_corpus", {"source": "."}),
        ("rlm_ask", {"corpus": "${prev:corpus (\\S+)}", "question": QUESTION}),
    )
    assert report["ok"], report
    assert report["wire"]["bad_lines"] == 0
    loaded, answered = (received["text"] for received in report["received"])
    assert "3 documents" in loaded
    assert "src/server.py:4" in answered
    assert "no language model" in answered.lower()


@pytest.mark.parametrize("client", ["claude", "codex"])
def test_a_failure_reaches_the_clients_model_in_words(client: str, repository: Path, tmp_path: Path) -> None:
    report = drive(client, repository, tmp_path / "cache", ("load_corpus", {"source": "/nowhere/at/all"}))
    assert report["wire"]["calls"][0]["is_error"]
    assert "/nowhere/at/all" in report["received"][0]["text"]
