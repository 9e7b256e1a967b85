"""Past sessions: found where the agent keeps them, in this repository's scope, and others only when the user allows."""

import json
import shutil
from pathlib import Path

from tests.support.cli import Cli
from tests.support.stdio import Server

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "history" / "claude-code" / "real-2.1.328"


def placed(home: Path, repository: Path) -> Path:
    """A Claude Code folder whose sessions ran in `repository`."""
    folder = home / "elsewhere"
    shutil.copytree(SAMPLES, folder)
    for path in folder.rglob("*.jsonl"):
        path.write_text(path.read_text().replace("/home/dev/limiter", str(repository)))
    return folder


def test_sessions_of_this_repository_are_found_where_the_agent_s_own_variable_says(cli: Cli, repository: Path) -> None:
    folder = placed(cli.home, repository)
    here = Cli(cli.home, repository, (("CLAUDE_CONFIG_DIR", str(folder)),))
    loaded = here("load", "history:", "--json")
    assert loaded.code == 0, loaded.err
    assert (loaded.json["kind"], loaded.json["documents"] >= 3) == ("history", True)
    asked = here("ask", "history:", "What was never to be touched?", "--json").json
    assert any(c["origin"]["file"].startswith(str(folder)) for c in asked["citations"]), asked


def test_without_any_session_the_error_says_where_it_looked(cli: Cli) -> None:
    ran = cli("load", "history:")
    assert ran.code == 1
    assert str(cli.home / ".claude") in ran.err
    assert "history:PATH" in ran.err


def test_an_agent_may_not_load_other_projects_sessions_unless_the_user_allows_it(
    tmp_path: Path, repository: Path
) -> None:
    environment = {"RLM_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": ""}
    calls = (
        ("load_corpus", {"source": f"history:{SAMPLES}"}),
        ("load_corpus", {"source": str(SAMPLES), "kind": "history"}),
        ("rlm_ask", {"corpus": "history:all", "question": "q"}),
        ("corpus_read", {"corpus": "history:claude-code", "query": "x"}),
    )
    with Server(cwd=repository, env=environment) as server:
        server.initialize()
        for tool, arguments in calls:
            told = server.call(tool, **arguments)
            assert told["isError"], told
            assert "RLM_HISTORY_SCOPE=all" in told["text"]
    with Server(cwd=repository, env=environment | {"RLM_HISTORY_SCOPE": "all"}) as server:
        server.initialize()
        allowed = server.call("load_corpus", source=f"history:{SAMPLES}")
        assert not allowed["isError"], json.dumps(allowed)


def test_an_agent_may_not_read_past_sessions_as_plain_files(tmp_path: Path, repository: Path) -> None:
    folder = placed(tmp_path, repository)
    (repository / "link").symlink_to(folder / "projects")
    environment = {"RLM_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": "", "CLAUDE_CONFIG_DIR": str(folder)}
    with Server(cwd=repository, env=environment) as server:
        server.initialize()
        for path in (folder, folder / "projects", "link", "../elsewhere/projects", f".,{folder}/projects"):
            told = server.call("load_corpus", source=str(path))
            assert told["isError"], told
            assert "holds past sessions of agents" in told["text"]
        assert not server.call("load_corpus", source="history:")["isError"]
        assert not server.call("load_corpus", source=".")["isError"]
