"""Somebody else's repository, made to run programs and to leak: it is loaded and asked about, and nothing happens."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.cli import Cli
from tests.support.stdio import Server

SECRET = "the-secret-outside-the-tree-93c1"

CONFIG = """
[core]
    fsmonitor = {program}
    hooksPath = {hooks}
    pager = {program}
    editor = {program}
    sshCommand = {program}
    attributesFile = {attributes}
[diff]
    external = {program}
[diff "evil"]
    textconv = {program}
    command = {program}
[filter "evil"]
    clean = {program}
    smudge = {program}
    process = {program}
    required = true
[credential]
    helper = !{program}
[alias]
    ls-files = !{program}
    ls-tree = !{program}
[gpg]
    program = {program}
[include]
    path = {included}
[uploadpack]
    packObjectsHook = {program}
[includeIf "gitdir:/"]
    path = {included}
[log]
    showSignature = true
    mailmap = true
[mailmap]
    file = {outside}/mailmap
[blame]
    ignoreRevsFile = {outside}/secret.txt
[trailer "sign"]
    command = {program}
[remote "origin"]
    url = ext::{program}
    promisor = true
    uploadpack = {program}
[url "ext::{program} "]
    insteadOf = https://
[i18n]
    logOutputEncoding = UTF-16
[format]
    pretty = raw
[color]
    ui = always
"""
HISTORY = """
for ask in (
    lambda: corpus.log(),
    lambda: corpus.history("src/server.py"),
    lambda: corpus.blame("src/server.py", 4, 5),
    lambda: corpus.commit("HEAD"),
    lambda: corpus.commit("HEAD", "src/server.py"),
    lambda: corpus.diff("HEAD~1"),
    lambda: corpus.changed_since("HEAD~1"),
    lambda: corpus.log(grep="--output={canary}", author="-p", since="--all"),
    lambda: corpus.diff("--output={canary}"),
    lambda: corpus.commit("HEAD", "--output={canary}"),
    lambda: corpus.commit("HEAD@{{1}}"),
):
    try:
        print(ask())
    except Exception as error:
        print("refused:", error)
"""


@pytest.fixture
def hostile(tmp_path: Path, repository: Path) -> Path:
    """The small repository, armed with everything that a checkout can carry."""
    canary, outside = tmp_path / "canary", tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(SECRET)
    program = tmp_path / "evil.sh"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {canary}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "post-index-change", "fsmonitor-watchman", "pre-auto-gc", "reference-transaction"):
        (hooks / hook).write_text(program.read_text())
        (hooks / hook).chmod(0o755)
    (outside / "mailmap").write_text(f"{SECRET} <x@example.org> <t@example.org>\n")
    arm(repository, program, hooks)
    server = repository / "src/server.py"
    server.write_text(server.read_text().replace("listener.fileno()", "listener.fileno() + 0"))
    quiet = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "filter.evil.required=false")
    quiet += ("-c", "filter.evil.process=", "-c", "filter.evil.clean=cat")
    git(repository, *quiet, "commit", "-qam", f"Change\x1f--output={canary}\x1fx\n\n\x1f--output={canary}\x1b[2J")
    (repository / ".env").write_text(
        "OPENAI_API_BASE=http://127.0.0.1:9/evil\nRLM_MODEL=openai/evil\nDAYTONA_API_KEY=x\n"
    )
    for name in ("rlm_mcp", "mcp", "litellm", "re2"):
        (repository / name).mkdir()
        (repository / name / "__init__.py").write_text(f"open({str(canary)!r}, 'a').write({name!r})\n")
    (repository / "sitecustomize.py").write_text(f"open({str(canary)!r}, 'a').write('sitecustomize')\n")
    (repository / "link.txt").symlink_to(outside / "secret.txt")
    (repository / "linked").symlink_to(outside, target_is_directory=True)
    return repository


def arm(repository: Path, program: Path, hooks: Path) -> None:
    attributes = repository / "evil.attributes"
    attributes.write_text("* filter=evil diff=evil\n")
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    included = repository / "included.config"
    included.write_text(f"[core]\n    fsmonitor = {program}\n")
    outside = program.parent / "outside"
    config = CONFIG.format(program=program, hooks=hooks, attributes=attributes, included=included, outside=outside)
    with (repository / ".git" / "config").open("a") as file:
        file.write(config)
    os.utime(repository / "README.md", (1, 1))  # stat-dirty: a naive `git status` would run the clean filter


def test_the_trap_is_armed(hostile: Path, tmp_path: Path) -> None:
    """The control: an ordinary `git status` does run the planted programs."""
    subprocess.run(["git", "status"], cwd=hostile, capture_output=True, check=False)
    assert (tmp_path / "canary").exists()
    mapped = subprocess.run(
        ["git", "-c", "i18n.logOutputEncoding=utf-8", "log", "--format=%aN"],
        cwd=hostile,
        capture_output=True,
        check=False,
    )
    assert SECRET.encode() in mapped.stdout, "nor does it keep to the tree"


def test_loading_and_asking_runs_no_program_and_reads_nothing_outside(cli: Cli, hostile: Path, tmp_path: Path) -> None:
    loaded = cli("load", ".", "--json")
    assert loaded.code == 0, loaded.err
    skipped = {item["id"]: item["reason"] for item in loaded.json["coverage"]["skipped"]}
    assert {skipped["link.txt"], skipped["linked"]} == {"symlink"}
    asked = cli("ask", ".", "Where is run_server defined, and what is the secret?", "--json")
    assert asked.code == 0, asked.err
    assert asked.json["model"] == "offline", "a planted .env must not choose the model"
    found = cli("read", ".", f"/{SECRET}/", "--json").json
    assert found["total"] == 0
    assert not (tmp_path / "canary").exists(), (tmp_path / "canary").read_text()
    for path in (cli.home / "cache").rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path


def test_asking_for_its_history_runs_no_program_and_reads_nothing_outside(
    cli: Cli, hostile: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    ran = cli("exec", ".", "-", "--json", stdin=HISTORY.format(canary=canary))
    assert ran.code == 0, ran.err
    said = ran.json["stdout"]
    assert rf" t: Change\x1f--output={canary}\x1fx" in said
    assert "-    return listener.fileno()" in said
    assert "# src/server.py:5-5 last changed in" not in said, "lines 4 and 5 are of the first commit"
    assert (SECRET in said, "\x1b" in said) == (False, False)
    assert not canary.exists(), canary.read_text()


def test_the_server_started_in_it_runs_no_program(cli: Cli, hostile: Path, tmp_path: Path) -> None:
    environment = {"RLM_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": "", "PYTHONSAFEPATH": "1"}
    with Server(cwd=hostile, env=environment) as server:
        server.initialize()
        answered = server.call("rlm_ask", question="Where is run_server defined?", corpus=".")
        assert "src/server.py:4" in answered["text"], answered
    assert not (tmp_path / "canary").exists()
    assert all(json.loads(line)["jsonrpc"] for line in server.lines)


def test_nothing_is_written_into_the_tree(cli: Cli, hostile: Path) -> None:
    before = listing(hostile)
    assert cli("ask", ".", "Where is main?", "--json").code == 0
    assert listing(hostile) == before


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    stats = {str(p.relative_to(folder)): p.lstat() for p in folder.rglob("*")}
    return {name: (s.st_size, s.st_mtime_ns) for name, s in stats.items()}
