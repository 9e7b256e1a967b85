"""The command line as a new user meets it: no key, an empty home, a small repository."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.cli import SCRIPT, Cli


def test_a_question_is_answered_offline_with_verified_citations_and_says_so(cli: Cli, repository: Path) -> None:
    ran = cli("ask", ".", "Where is run_server defined?", "--json")
    assert ran.code == 0, ran.err
    result = ran.json
    assert result["status"] == "complete"
    assert (result["model"], result["provider"]) == ("offline", "local")
    assert "no language model" in result["answer"].lower()
    assert {"src/server.py"} <= {c["document"] for c in result["citations"]}
    for citation in result["citations"]:
        assert citation["state"] == "verified"
        lines = (repository / citation["document"]).read_text().split("\n")
        assert citation["quote"] in "\n".join(lines[citation["start_line"] - 1 : citation["end_line"]])
    assert ran.err == ""


def test_a_second_load_reuses_everything_and_an_edit_is_noticed(cli: Cli, repository: Path) -> None:
    first, second = cli("load", ".", "--json").json, cli("load", ".", "--json").json
    assert (first["reused"], second["reused"]) == (False, True)
    assert (first["id"], first["kind"], first["documents"], first["dirty"]) == (second["id"], "repo", 3, False)
    (repository / "README.md").write_text("# Changed\n")
    third = cli("load", ".", "--json").json
    assert third["id"] != first["id"]
    assert third["dirty"] is True
    assert third["revision"] == git(repository, "rev-parse", "HEAD").strip()


def test_reading_finds_lines_symbols_patterns_and_words(cli: Cli) -> None:
    def found(query: str) -> list[tuple[str, int, int, str]]:
        matches = cli("read", ".", query, "--json").json["matches"]
        return [(m["document"], m["start_line"], m["end_line"], m["kind"]) for m in matches]

    assert found("src/app.py:4-5") == [("src/app.py", 4, 5, "lines")]
    assert found("README.md") == [("README.md", 1, 3, "lines")]
    assert found("run_server") == [("src/server.py", 4, 6, "symbol")]
    assert found("/port.8080/") == [("README.md", 3, 3, "pattern")]
    assert found("tiny server listens")[0][0] == "README.md"


def test_lines_of_a_document_that_is_not_there_are_said_to_be_missing(cli: Cli) -> None:
    assert "no document is 'src/apps.py'" in cli("read", ".", "src/apps.py:4-5").out
    assert "no document" not in cli("read", ".", "run_server").out


def test_what_is_read_shows_numbered_lines(cli: Cli) -> None:
    assert cli("read", ".", "src/app.py:4-5").out == (
        'src/app.py:4-5\n4| def main() -> int:\n5|     """Start everything."""\n'
    )


def test_a_document_longer_than_the_limit_says_what_to_ask_for_next(cli: Cli) -> None:
    assert "(lines 1-4 of 6; next: src/app.py:5-6)" in cli("read", ".", "src/app.py", "--limit", "4").out


def test_what_is_found_comes_in_pages_that_say_how_many_there_are(cli: Cli) -> None:
    for query, of_what in (
        ("/e/", "matching lines"),
        ("tiny server port", "passages that share a word with the query"),
    ):
        first = cli("read", ".", query, "--limit", "1", "--json").json
        second = cli("read", ".", query, "--limit", "1", "--offset", "1", "--json").json
        assert first["total"] == second["total"] > 2
        assert first["matches"] != second["matches"]
        assert f"(2-2 of {first['total']} {of_what}" in cli("read", ".", query, "--limit", "1", "--offset", "1").out
        assert second["note"].endswith("; next: offset=2")
        assert f"there are {first['total']}" in cli("read", ".", query, "--offset", "999").out


def test_symbols_come_as_json_lines(cli: Cli) -> None:
    rows = cli("symbols", ".").rows
    assert [(r["document"], r["qualname"], r["kind"], r["line"]) for r in rows] == [
        ("README.md", "Tiny", "heading", 1),
        ("src/app.py", "main", "function", 4),
        ("src/server.py", "run_server", "function", 4),
    ]


def test_a_cell_runs_over_the_corpus_in_a_session(cli: Cli) -> None:
    ran = cli("exec", ".", "--json", stdin="print(len(list(corpus.docs)))\nprint(corpus.grep('8080'))")
    assert ran.code == 0, ran.out
    assert ran.json["stdout"].startswith("3\n")
    assert "README.md:3| " in ran.json["stdout"]


def test_a_cell_that_raises_is_reported_with_its_line_and_exit_code_1(cli: Cli) -> None:
    ran = cli("exec", ".", "--json", stdin="x = 1\n1 / 0")
    assert ran.code == 1
    assert ran.json["error"]["kind"] == "ZeroDivisionError"
    assert "line 2" in ran.json["error"]["traceback"]


def test_a_cell_that_raises_is_told_with_what_it_raised(cli: Cli) -> None:
    assert cli("exec", ".", stdin="1 / 0").out.endswith("    1 / 0\nZeroDivisionError: division by zero\n")
    assert "SyntaxError: " in cli("exec", ".", stdin="print(1").out


def test_a_cache_that_cannot_be_used_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    ran = Cli(cli.home, cli.cwd, (("RLM_CACHE_DIR", str(tmp_path / "file")),))("load", ".")
    assert (ran.code, "Traceback" in ran.err) == (2, False)
    assert f"RLM_CACHE_DIR = '{tmp_path / 'file'}'" in ran.err


def test_citations_are_verified_repaired_or_rejected(cli: Cli) -> None:
    given = [
        {"document": "src/server.py", "start_line": 4, "end_line": 4, "quote": "def run_server(port: int) -> int:"},
        {"document": "src/server.py", "start_line": 1, "end_line": 1, "quote": "def run_server(port: int) -> int:"},
        {"document": "nosuch.py", "start_line": 999999, "end_line": 999999, "quote": ""},
    ]
    ran = cli("verify", ".", stdin="\n".join(json.dumps(row) for row in given))
    assert [row["state"] for row in ran.rows] == ["verified", "repaired", "rejected"]
    assert ran.rows[1]["start_line"] == 4
    assert "no such document" in ran.rows[2]["reason"]
    assert ran.code == 1


def test_runs_are_listed_and_their_journals_shown(cli: Cli) -> None:
    asked = cli("ask", ".", "Where is main?", "--json").json
    [listed] = cli("runs", "list", "--json").json["runs"]
    assert (listed["run"], listed["status"], listed["question"]) == (asked["run"], "complete", "Where is main?")
    kinds = [record["kind"] for record in cli("runs", "show", asked["run"]).rows]
    assert kinds[0] == "run"
    assert kinds[-1] == "outcome"


def test_the_doctor_says_that_this_machine_is_ready(cli: Cli) -> None:
    report = cli("doctor", "--json").json
    assert report["ready"] is True
    assert report["sandbox"]["provider"] == "local"
    assert report["models"]["root"] == "offline"


def test_the_doctor_names_agents_that_could_be_models_and_chooses_none(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "codex").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "codex").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{cli.environment['PATH']}"
    report = Cli(cli.home, cli.cwd, (("PATH", path),))("doctor", "--json").json
    assert report["models"]["root"] == "offline"
    assert any("set RLM_MODEL=agent:codex" in line for line in report["models"]["agents"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["load", "/nowhere/at/all"], 1, ["/nowhere/at/all"]),
        (["ask", "nosuchname", "q"], 1, ["nosuchname"]),
        (["ask", ".", "q", "--max-calls", "many"], 2, ["RLM_MAX_CALLS", "many"]),
        (["ask", ".", "q", "--model", "nosuchprovider/x"], 1, ["nosuchprovider/x"]),
        (["ask", ".", " "], 2, ["empty"]),
        (["symbols", ".", "--path", "src/ap.py"], 1, ["src/ap.py", "src/app.py"]),
        (["runs", "show", "r-0"], 1, ["r-0"]),
        (["read", ".", "/(/"], 1, ["("]),
        (["load"], 2, ["source"]),
    ],
)
def test_bad_input_is_named_with_what_to_do_next(cli: Cli, arguments: list[str], code: int, words: list[str]) -> None:
    ran = cli(*arguments)
    assert ran.code == code, ran.out + ran.err
    assert all(word in ran.err for word in words), ran.err
    assert "Traceback" not in ran.err


def test_an_unknown_setting_is_refused(cli: Cli) -> None:
    ran = Cli(cli.home, cli.cwd, (("RLM_MODLE", "x"),))("load", ".")
    assert ran.code == 2
    assert "Nearest: RLM_MODEL" in ran.err


def test_a_load_that_is_interrupted_stops_soon_and_leaves_a_cache_that_works(cli: Cli, tmp_path: Path) -> None:
    large = tmp_path / "large"
    for n in range(12_000):
        path = large / f"d{n % 60}" / f"f{n}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"def f{n}_{i}():\n    return {i}\n" for i in range(40)))
    before = "import signal, os, sys; signal.signal(2, signal.default_int_handler); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", before, str(SCRIPT), "load", str(large)]
    process = subprocess.Popen(command, env=cli.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until_below(cli.home / "cache")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in told
    assert "Traceback" not in told
    assert cli("ask", ".", "Where is main?", "--json").code == 0


def wait_until_below(folder: Path) -> None:
    """Returns when something is being written there."""
    deadline = time.monotonic() + 60
    while not any(path.name == "pack" for path in folder.rglob("*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_load_says_what_has_symbols_what_is_text_alone_and_what_was_left_out(cli: Cli, repository: Path) -> None:
    (repository / "old.f90").write_text("program x\nend\n")
    (repository / "min.js").write_text("x" * 50_000)
    (repository / "noise.bin").write_bytes(b"\0\1\2")
    (repository / "link.py").symlink_to("src/app.py")
    assert "coverage: symbols of python 2, markdown 1; " in (said := cli("load", ".").out)
    assert "text only, though code: grammar-not-installed 1, minified 1; skipped: binary 1, symlink 1" in said
    coverage = cli("load", ".", "--json").json["coverage"]
    assert coverage["parsed"] == {"python": 2, "markdown": 1}
    assert coverage["text_only_by_reason"] == {"grammar-not-installed": 1, "minified": 1}


def test_an_answer_names_the_words_that_are_nowhere_and_what_was_not_searched(cli: Cli, repository: Path) -> None:
    assert (
        "No line of the corpus holds: zzyzx. Everything was searched." in cli("ask", ".", "Does run_server zzyzx?").out
    )
    (repository / "noise.bin").write_bytes(b"\0\1\2")
    assert "holds: zzyzx. Not searched: binary 1." in cli("ask", ".", "Does run_server zzyzx?").out


@pytest.mark.parametrize("who", ["user:SEKRET", "ghp_SEKRET0123456789abcdef"])
def test_a_password_or_token_in_a_url_is_refused_and_kept_nowhere(cli: Cli, who: str) -> None:
    url = f"https://{who}@127.0.0.1:1/x.git@main"
    for ran in (cli("load", url), cli("ask", url, "Where is main?")):
        assert ran.code in (1, 2)
        assert "***@127.0.0.1:1/x.git" in ran.err
        assert "use ssh, or clone it yourself" in ran.err
        assert "SEKRET" not in ran.out + ran.err
    kept = [path for path in cli.home.rglob("*") if path.is_file() and b"SEKRET" in path.read_bytes()]
    assert kept == []
