"""A checkout whose configuration, hooks, attributes and pointers try to run programs or to reach out of it."""

import os
import stat
import subprocess
from pathlib import Path
from shlex import quote

import pytest

from rlm_indexers.errors import GitError, SourceError
from rlm_indexers.git import command as git
from rlm_indexers.git.command import Git
from rlm_indexers.past.evidence import Evidence
from rlm_indexers.store import Store
from tests.integration.indexers.conftest import load, texts
from tests.support.repositories import ENVIRONMENT, Repository, made


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


@pytest.fixture
def program(tmp_path: Path, canary: Path) -> Path:
    """A program that leaves a mark whenever it is run, whatever it is run as."""
    path = tmp_path / "program.sh"
    path.write_text(f'#!/bin/sh\necho "$0 $*" >> {quote(str(canary))}\nexit 1\n')
    path.chmod(0o755)
    return path


KEYS = (
    "core.fsmonitor",
    "core.pager",
    "core.editor",
    "core.sshCommand",
    "core.gitProxy",
    "core.askPass",
    "core.alternateRefsCommand",
    "credential.helper",
    "diff.external",
    "diff.evil.textconv",
    "diff.evil.command",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "merge.evil.driver",
    "gpg.program",
    "gpg.ssh.program",
    "gpg.x509.program",
    "alias.ls-files",
    "alias.log",
    "pager.log",
    "pager.blame",
    "pager.ls-files",
    "uploadpack.packObjectsHook",
    "remote.origin.uploadpack",
    "sequence.editor",
    "interactive.diffFilter",
    "browser.evil.cmd",
    "trailer.sign.command",
    "log.showSignature",
)


def poison(repo: Repository, program: Path) -> None:
    for key in KEYS:
        repo.git("config", key, ("!" if key.startswith("alias.") else "") + quote(str(program)))
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "filter.evil.required", "true")
    repo.git("config", "core.hooksPath", str(program.parent))
    repo.git("config", "protocol.ext.allow", "always")
    repo.git("config", "remote.origin.url", f"ext::{program}")
    repo.git("config", "remote.origin.promisor", "true")
    repo.git("config", "extensions.partialClone", "origin")
    for name in ("post-index-change", "pre-commit", "post-checkout", "fsmonitor-watchman", "reference-transaction"):
        hook = repo.root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_bytes(program.read_bytes())
        hook.chmod(0o755)
        (program.parent / name).write_bytes(program.read_bytes())
        (program.parent / name).chmod(0o755)


@pytest.fixture
def hostile(repo: Repository, program: Path) -> Repository:
    repo.write(".gitattributes", "* filter=evil diff=evil merge=evil\n")
    repo.commit(a__py="def a(): pass\n", b__txt="b\n")
    poison(repo, program)
    repo.write("a.py", "def changed(): pass\n")
    repo.write("new.py", "new = 1\n")
    return repo


def test_the_attack_works_against_plain_git(hostile: Repository, canary: Path):
    """Otherwise the tests below would prove nothing."""
    subprocess.run(["git", "status"], cwd=hostile.root, env=ENVIRONMENT, capture_output=True, check=False)
    assert canary.exists()


def test_no_program_runs_when_a_hostile_checkout_is_loaded(hostile: Repository, store: Store, canary: Path):
    corpus = load(store, hostile.root)
    hostile.write("a.py", "def again(): pass\n")
    again = load(store, hostile.root)
    assert texts(corpus)["a.py"] == b"def changed(): pass\n"
    assert texts(again)["a.py"] == b"def again(): pass\n"
    assert corpus.facts["dirty"] is True
    assert not canary.exists()


def test_no_program_runs_when_a_hostile_revision_is_loaded(hostile: Repository, store: Store, canary: Path):
    assert texts(load(store, f"{hostile.root}@HEAD"))["a.py"] == b"def a(): pass\n"
    assert not canary.exists()


def test_no_program_runs_for_any_command_of_the_wrapper(hostile: Repository, canary: Path):
    reader = Git(hostile.root / ".git", hostile.root)
    reader.run("log", "-p", "--no-textconv", "--no-ext-diff", reader.commit("HEAD"))
    reader.run("ls-tree", "-r", reader.commit("HEAD"))
    reader.run("ls-files", "-s")
    reader.run("blame", "--no-textconv", reader.commit("HEAD"), "--", "a.py")
    with reader.blobs() as blobs:
        assert blobs.read("1" * 40) is None
    evidence = Evidence(hostile.root)
    assert len(evidence.log("a.py", grep="change")) == 1
    assert len(evidence.blame("a.py", 1, 1)) == 1
    evidence.diff("HEAD", "HEAD")
    assert not canary.exists()


def test_commands_that_could_run_filters_are_refused(hostile: Repository):
    for command in ("status", "diff", "checkout", "add", "archive", "stash"):
        with pytest.raises(GitError, match="not among the commands"):
            Git(hostile.root / ".git", hostile.root).run(command)


def test_a_missing_object_is_not_fetched(repo: Repository, store: Store, program: Path, canary: Path, tmp_path: Path):
    """A promisor remote on this machine is reached by running what `uploadpack` names."""
    repo.commit(a__py="a = 1\n", b__txt="b\n")
    repo.git("clone", "-q", "--bare", str(repo.root), str(tmp_path / "origin.git"))
    for key, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": str(tmp_path / "origin.git"),
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": quote(str(program)),
    }.items():
        repo.git("config", key, value)
    blob = repo.git("rev-parse", "HEAD:b.txt")
    (repo.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    corpus = load(store, f"{repo.root}@HEAD")
    assert [s.reason for s in corpus.coverage.skipped if s.id == "b.txt"] == ["object-not-here"]
    assert not canary.exists()
    repo.git("cat-file", "-p", blob, check=False)
    assert canary.exists(), "plain git does run it, so there was something to withstand"


def test_nothing_of_the_callers_git_environment_is_used(repo, store, tmp_path, monkeypatch):
    other = made(tmp_path / "other")
    other.commit(secret__py="s = 1\n")
    repo.commit(a__py="a = 1\n")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    assert set(texts(load(store, repo.root))) == {"a.py"}
    assert not {name for name in git.environment() if name.startswith("GIT_") and name in os.environ}


def test_a_work_tree_configured_elsewhere_is_not_read(repo, store, tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private/secret.txt").write_text("secret\n")
    repo.commit(a__py="a = 1\n")
    repo.git("config", "core.worktree", str(tmp_path / "private"))
    corpus = load(store, repo.root)
    assert (set(texts(corpus)), corpus.coverage.skipped) == ({"a.py"}, ())


def test_a_commit_message_that_passes_for_options_writes_no_file(repo, store, tmp_path, canary):
    """Fields were once told apart by a character that a message can hold: what followed it became an option."""
    repo.commit(a__py="a = 1\n")
    for mark in ("\x1f", "\x1e", "\x01", "\n"):
        repo.commit(f"Subject{mark}--output={canary}{mark}x\n\nbody{mark}--output={canary}", a__py=f"a = {ord(mark)}\n")
    commits = load(store, repo.root).commits
    for row in commits.log("a.py"):
        text = commits.text(row.document)
        assert text is not None
        assert text.decode().split("\n")[0] == row.text
        assert b"diff --git a/a.py b/a.py" in text
    assert not canary.exists()


def test_a_branch_that_looks_like_a_commit_is_not_taken_for_one(repo, store):
    first = repo.commit("The true one", a__py="a = 1\n")
    other = repo.commit("Another", a__py="a = 2\n")
    repo.git("update-ref", f"refs/heads/{first[:12]}", other)
    assert repo.git("rev-parse", first[:12]) == other, "the control: git itself believes the branch"
    commits = load(store, repo.root).commits
    assert b"The true one" in (commits.text(f"commit:{first[:12]}") or b"")
    assert commits.commit(first[:12]) == f"commit:{first[:12]}"


BENDING = {
    "core.quotePath": "true",
    "core.abbrev": "4",
    "core.bigFileThreshold": "1",
    "diff.noprefix": "true",
    "diff.context": "0",
    "diff.renames": "false",
    "diff.orderFile": "/nonexistent/order",
    "diff.relative": "true",
    "diff.submodule": "log",
    "diff.evil.binary": "true",
    "diff.evil.xfuncname": "(",
    "diff.suppressBlankEmpty": "true",
    "diff.wsErrorHighlight": "all",
    "color.ui": "always",
    "color.diff": "always",
    "format.pretty": "raw",
    "format.notes": "*",
    "log.date": "relative",
    "log.decorate": "full",
    "log.follow": "true",
    "log.showRoot": "false",
    "log.mailmap": "true",
    "mailmap.file": "/nonexistent/mailmap",
    "mailmap.blob": "HEAD:.mailmap",
    "blame.ignoreRevsFile": "/nonexistent/revisions",
    "blame.showEmail": "true",
    "blame.coloring": "highlightRecent",
    "blame.date": "relative",
    "grep.patternType": "fixed",
    "i18n.logOutputEncoding": "UTF-16",
    "status.showUntrackedFiles": "no",
}


def test_what_a_checkout_configures_attributes_and_replaces_bends_no_evidence(repo, store, tmp_path):
    repo.write(".mailmap", "Somebody Else <else@example.org> <a@example.org>\n")
    first = repo.commit("Begin \u00fc", a__py="a = 1\n\nb = 2\n", b__txt="b\n" * 20)
    repo.git("mv", "b.txt", "c.txt")
    second = repo.commit("Change", a__py="a = 2\n\nb = 2\n")

    def asked(name: str) -> list[object]:
        commits = load(Store(tmp_path / name), repo.root).commits
        rows = [
            *commits.log("a.py"),
            *commits.log("c.txt"),
            *commits.log(grep="beg|chan"),
            *commits.blame("a.py", 1, 3),
        ]
        return [
            rows,
            *(commits.text(each) for each in (rows[0].document, f"diff:{first}..{second}", f"commit:{first}")),
        ]

    plain = asked("before")
    for key, value in BENDING.items():
        repo.git("config", key, value)
    (repo.root / ".git/info").mkdir(exist_ok=True)
    (repo.root / ".git/info/attributes").write_text("* -diff diff=evil\n")
    (repo.root / ".git/info/grafts").write_text(f"{second}\n")
    (repo.root / ".gitattributes").write_text("* -diff\n")
    repo.git("replace", "--graft", second)
    bent = subprocess.run(["git", "log", "-p", "-1"], cwd=repo.root, env=ENVIRONMENT, capture_output=True, check=False)
    assert b"-a = 1" not in bent.stdout, "the control: git itself hides what changed"
    assert asked("after") == plain


def test_another_ones_repository_is_asked_as_if_it_were_ours(repo, store):
    """Its owner matters to plain git because it runs what the configuration names; we run nothing of it."""
    if os.geteuid():
        pytest.skip("only root can give a file away")
    repo.commit("Theirs", a__py="a = 1\n")
    for path in [repo.root, *repo.root.rglob("*")]:
        os.lchown(path, 65534, 65534)
    refused = subprocess.run(["git", "log"], cwd=repo.root, env=ENVIRONMENT, capture_output=True, check=False)
    assert b"dubious ownership" in refused.stderr, "the control"
    corpus = load(store, repo.root)
    assert corpus.facts["dirty"] is False
    assert [row.text[24:] for row in corpus.commits.log("a.py")] == ["A: Theirs"]


def test_an_include_of_a_foreign_file_shows_nothing_of_it(tmp_path, repo, store):
    (tmp_path / "secret").write_text("password hunter2\n")
    repo.commit(a__py="a = 1\n")
    repo.git("config", "include.path", str(tmp_path / "secret"))
    with pytest.raises(SourceError) as raised:
        load(store, repo.root)
    assert "hunter2" not in str(raised.value)


def test_a_submodule_with_a_hostile_configuration_is_listed_and_not_entered(repo, store, tmp_path, program, canary):
    inner = made(tmp_path / "inner")
    inner.commit(inner__py="i = 1\n")
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.root), "sub")
    repo.commit(a__py="a = 1\n")
    config = repo.root / ".git/modules/sub/config"
    config.write_text(config.read_text() + f"[core]\n\tfsmonitor = {program}\n")
    (repo.root / "sub/inner.py").write_text("changed = 1\n")
    corpus = load(store, repo.root)
    assert set(texts(corpus)) == {".gitmodules", "a.py"}
    assert {s.id: s.reason for s in corpus.coverage.skipped} == {"sub": "submodule"}
    assert not canary.exists()


def test_a_submodule_can_be_loaded_by_itself(repo, store, tmp_path):
    inner = made(tmp_path / "inner")
    inner.commit(inner__py="i = 1\n")
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.root), "sub")
    corpus = load(store, repo.root / "sub")
    assert (set(texts(corpus)), corpus.facts["git"], corpus.facts["dirty"]) == ({"inner.py"}, True, False)


def test_revisions_that_look_like_options_are_refused(repo, store):
    repo.commit(a__py="a = 1\n")
    for revision in ("--upload-pack=touch x", "-x", "--output=/tmp/x"):
        with pytest.raises(SourceError):
            load(store, f"{repo.root}@{revision}")
    with pytest.raises(SourceError, match="names no commit"):
        load(store, f"{repo.root}@nosuch")


@pytest.mark.parametrize("url", ["ext::sh -c true", "ext::x@main", "git://h/x", "http://h/x", "-oProxyCommand=x@h:y"])
def test_transports_that_run_programs_or_trust_the_wire_are_refused(url, store):
    with pytest.raises(SourceError):
        load(store, url)


def test_nothing_is_written_into_a_loaded_tree(repo, store):
    repo.commit(a__py="a = 1\n")
    repo.write("a.py", "a = 2\n")

    def state() -> dict[str, tuple[int, int]]:
        found = {}
        for path in [repo.root, *repo.root.rglob("*")]:
            status = path.lstat()
            found[str(path)] = (status.st_mtime_ns, stat.S_IMODE(status.st_mode))
        return found

    before = state()
    load(store, repo.root)
    load(store, f"{repo.root}@HEAD")
    assert state() == before
