"""The one hardened `git` wrapper, and GitPython's only door.

A checkout is hostile: its own configuration may name programs (fsmonitor, hooks, filters, textconv, pager, gpg, …).
So: commands from a fixed list that never run filters, every key that could run something overridden, an environment
from scratch, the git directory and work tree given rather than discovered, no lazy fetches, a time limit.
"""

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from rlm_indexers.errors import GitError

SECONDS = 120.0
CLONE_SECONDS = 1800.0

_SAFE = frozenset(
    {"ls-files", "ls-tree", "rev-parse", "cat-file", "rev-list", "log", "diff-tree", "blame", "for-each-ref"}
)
_NETWORK = frozenset({"clone", "fetch"})
_OVERRIDES = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.editor": "false",
    "core.sshCommand": "ssh -oBatchMode=yes",
    "core.gitProxy": "",
    "core.askPass": "",
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.untrackedCache": "false",
    "core.quotePath": "false",
    "core.useReplaceRefs": "false",
    "credential.helper": "",
    "diff.external": "",
    "diff.orderFile": os.devnull,
    "gpg.program": "false",
    "gpg.ssh.program": "false",
    "gpg.x509.program": "false",
    "log.showSignature": "false",
    "log.mailmap": "false",
    "blame.ignoreRevsFile": "",
    "protocol.ext.allow": "never",
    "submodule.recurse": "false",
    "color.ui": "false",
}
_NETWORK_VARIABLES = ("SSH_AUTH_SOCK", "http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "ALL_PROXY")


@functools.cache
def executable() -> str:
    """The absolute path of git; GitError when there is none."""
    found = shutil.which("git")
    if found is None or not Path(found).is_absolute():
        raise GitError("git was not found on PATH: install git, or load the folder with kind `folder`")
    return found


def environment(*, network: bool = False) -> dict[str, str]:
    """What git sees: nothing inherited, but for the agent socket and proxies when it is to reach a server."""
    git = executable()
    base = {
        "PATH": os.pathsep.join(dict.fromkeys((str(Path(git).parent), "/usr/bin", "/bin"))),
        "HOME": os.devnull,
        "XDG_CONFIG_HOME": os.devnull,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(Path(__file__).with_name("gitconfig")),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file" if network else "none",
        "GIT_PAGER": "cat",
    }
    if network:
        own = os.environ  # noqa: TID251 - the caller's ssh agent and proxies are no settings of ours
        base |= {name: own[name] for name in _NETWORK_VARIABLES if name in own}
    return base


class Git:
    """git over one repository, whose directories are given and never discovered."""

    def __init__(self, git_dir: Path, work_tree: Path | None = None, *, seconds: float = SECONDS) -> None:
        self.git_dir = git_dir
        self.work_tree = work_tree
        self.seconds = seconds

    def run(self, command: str, *arguments: str | bytes, missing_ok: bool = False) -> bytes:
        """What a command of the fixed list writes; GitError with its last words when it fails.

        `missing_ok`: an exit code above 0 gives b"" instead.
        """
        done = _run(self._argv(command, arguments), self.seconds, self.work_tree or self.git_dir)
        if done.returncode and not missing_ok:
            raise GitError(f"git {command} failed in {self.git_dir}: {_last_words(done.stderr)}")
        return b"" if done.returncode else done.stdout

    @contextlib.contextmanager
    def blobs(self) -> Iterator["BlobReader"]:
        """A reader of objects by name, for the length of the `with` block."""
        argv = self._argv("cat-file", ("--batch",))
        with subprocess.Popen(
            argv,
            env=environment(),
            cwd=self.git_dir,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as child:
            assert child.stdin and child.stdout  # noqa: S101, PT018 - they are pipes, as asked for above
            try:
                yield BlobReader(child.stdin, child.stdout)
            finally:
                child.kill()

    def commit(self, revision: str) -> str:
        """The full name of the commit that a revision means; GitError when it means none."""
        name = f"{revision}^{{commit}}"
        found = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", name, missing_ok=True)
        if not found:
            raise GitError(f"{revision!r} names no commit in {self.git_dir}: pass a branch, tag or commit that exists")
        return found.decode().strip()

    def head(self) -> str | None:
        """The full name of the checked-out commit; None before the first."""
        with contextlib.suppress(GitError):
            return self.commit("HEAD")
        return None

    def _argv(self, command: str, arguments: Sequence[str | bytes]) -> list[str | bytes]:
        if command not in _SAFE:
            raise GitError(f"git {command} is not among the commands that are safe in a foreign checkout")
        place = [f"--git-dir={self.git_dir}"]
        place += [f"--work-tree={self.work_tree}"] if self.work_tree else ["--bare"]
        return [executable(), "--no-pager", "--no-replace-objects", *_overrides(), *place, command, *arguments]


class BlobReader:
    """Objects by name, one after the other, through one `git cat-file --batch`."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers

    def read(self, oid: str) -> bytes | None:
        """The bytes of a blob; None when the repository does not hold it (a partial or shallow clone)."""
        return self.read_up_to(oid, sys.maxsize)[0]

    def read_up_to(self, oid: str, limit: int) -> tuple[bytes | None, str]:
        """The bytes of a blob, or None and the reason: `object-not-here`, or `too-large: …` for more than `limit`."""
        self._requests.write(oid.encode() + b"\n")
        self._requests.flush()
        head = self._answers.readline().split()
        if len(head) != 3:
            return None, "object-not-here"
        size = int(head[2])
        data = self._answers.read(size) if size <= limit else None
        for start in range(0, size if data is None else 0, 1 << 20):
            self._answers.read(min(1 << 20, size - start))
        self._answers.read(1)
        return data, "" if data is not None else f"too-large: {size} bytes"


def clone(url: str, target: Path) -> None:
    """A bare mirror of a remote repository's branches and tags in `target`; GitError when it cannot be had."""
    arguments = ("--bare", "--no-local", "--quiet", "--template=", "--end-of-options", url, str(target))
    _network("clone", arguments, target.parent, url)


def fetch(git_dir: Path, url: str) -> None:
    """Bring a mirror made by `clone` up to date, forgotten branches included."""
    refspecs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    arguments = ("--prune", "--quiet", "--no-write-fetch-head", "--end-of-options", url, *refspecs)
    _network("fetch", arguments, git_dir, url, f"--git-dir={git_dir}")


def _network(command: str, arguments: Sequence[str], cwd: Path, url: str, *place: str) -> None:
    if command not in _NETWORK or url.startswith("-"):
        raise GitError(f"{url!r} cannot be cloned: pass an https, ssh or file URL")
    argv: list[str | bytes] = [executable(), "--no-pager", *_overrides(), *place, command, *arguments]
    done = _run(argv, CLONE_SECONDS, cwd, network=True)
    if done.returncode:
        raise GitError(f"git could not {command} {url}: {_last_words(done.stderr)}")


def _overrides() -> Iterator[str]:
    for key, value in _OVERRIDES.items():
        yield from ("-c", f"{key}={value}")


def _run(
    argv: Sequence[str | bytes], seconds: float, cwd: Path, *, network: bool = False
) -> subprocess.CompletedProcess[bytes]:
    env = environment(network=network)
    try:
        return subprocess.run(
            argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git took more than {seconds:.0f} s in {cwd}: is the disk or the server slow?") from error
    except OSError as error:
        raise GitError(f"git could not be run in {cwd}: {error}") from error


def _last_words(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().split("\n")
    return lines[-1][:300] if lines[-1] else "it said nothing"
