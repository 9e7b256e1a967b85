"""The one hardened `git` wrapper.

A checkout is hostile: its own configuration may name programs (fsmonitor, hooks, filters, textconv, pager, gpg, …) and
bend what commands write. So: commands from a fixed list, an environment from scratch, no lazy fetches, a time limit.
Whatever can be asked of objects alone is asked from a git directory of ours, where no configuration but ours is read
(`neutral`). Only the index and references are read through the checkout's own, with every key that could run something
overridden, the directories given rather than discovered, and commands that never run filters.
"""

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rlm_indexers.errors import GitError
from rlm_indexers.git.neutral import Objects

SECONDS = 120.0
CLONE_SECONDS = 1800.0

_OF_THE_CHECKOUT = frozenset({"ls-files", "rev-parse"})
_OF_OBJECTS = frozenset({"blame", "cat-file", "diff-tree", "log", "ls-tree"})
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
        self.objects = Objects(git_dir.parent.parent if (git_dir / "commondir").is_file() else git_dir)

    def run(self, command: str, *arguments: str | bytes, missing_ok: bool = False) -> bytes:
        """What a command of the fixed list writes; GitError with its last words when it fails.

        Commands that ask objects know no branch and no `HEAD`: pass names of commits.
        `missing_ok`: an exit code above 0 gives b"" instead.
        """
        done = self._done(self._call(command), command, arguments)
        if done.returncode and not missing_ok:
            raise self._failed(command, done.stderr)
        return b"" if done.returncode else done.stdout

    def run_up_to(self, limit: int, command: str, *arguments: str | bytes) -> tuple[bytes, int]:
        """The first `limit` bytes of what a command writes, and how many there are; only those are kept in memory."""
        call = self._call(command)
        with _started([*call.argv, command, *arguments], call) as child, _timed(child, self.seconds) as late:
            assert child.stdout and child.stderr  # noqa: S101, PT018 - they are pipes, as asked for
            kept, total = child.stdout.read(limit), 0
            while more := len(child.stdout.read(1 << 16)):
                total += more
            said = child.stderr.read()
        if late.is_set():
            raise _too_slow(self.seconds, self.git_dir)
        if child.returncode:
            raise self._failed(command, said)
        return kept, len(kept) + total

    @contextlib.contextmanager
    def blobs(self) -> Iterator["BlobReader"]:
        """A reader of objects by name, for the length of the `with` block."""
        call = self._call("cat-file")
        with _started([*call.argv, "cat-file", "--batch"], call, errors=subprocess.DEVNULL) as child:
            assert child.stdin and child.stdout  # noqa: S101, PT018 - they are pipes, as asked for above
            try:
                yield BlobReader(child.stdin, child.stdout)
            finally:
                child.kill()

    def commit(self, revision: str) -> str:
        """The full name of the commit that a revision means; GitError when it means none, or several.

        What can be the name of an object is one, whatever branch is called the same.
        """
        if revision.startswith("-") or ".." in revision or not revision.strip() or "\0" in revision:
            raise GitError(f"{revision!r} names no commit: {_advice(revision)}")
        done = self._resolved(self._over_objects(), revision) if _HEX.fullmatch(revision) else None
        if done is None or (done.returncode and b"ambiguous" not in done.stderr):
            done = self._resolved(self._over_checkout(), revision)
        if done.returncode:
            many = b"ambiguous" in done.stderr
            what = "is short for several objects" if many else f"names no commit in {self.git_dir}"
            raise GitError(f"{revision!r} {what}: {_advice(revision, many=many)}{self._shortcomings()}")
        return done.stdout.decode().strip()

    def head(self) -> str | None:
        """The full name of the checked-out commit; None before the first."""
        with contextlib.suppress(GitError):
            return self.commit("HEAD")
        return None

    def _resolved(self, call: "_Call", revision: str) -> subprocess.CompletedProcess[bytes]:
        return self._done(call, "rev-parse", ("--verify", "--end-of-options", f"{revision}^{{commit}}"))

    def _done(
        self, call: "_Call", command: str, arguments: Sequence[str | bytes]
    ) -> subprocess.CompletedProcess[bytes]:
        return _run([*call.argv, command, *arguments], self.seconds, call)

    def _call(self, command: str) -> "_Call":
        """How a command of the fixed list is called."""
        if command in _OF_OBJECTS:
            return self._over_objects()
        if command in _OF_THE_CHECKOUT:
            return self._over_checkout()
        raise GitError(f"git {command} is not among the commands that are safe in a foreign checkout")

    def _over_objects(self) -> "_Call":
        front = self.objects.front
        argv = [executable(), "--no-pager", "--no-replace-objects", f"--git-dir={front}", "--bare"]
        return _Call(argv, front, environment() | self.objects.environment)

    def _over_checkout(self) -> "_Call":
        place = [f"--git-dir={self.git_dir}"]
        place += [f"--work-tree={self.work_tree}"] if self.work_tree else ["--bare"]
        argv = [executable(), "--no-pager", "--no-replace-objects", *_overrides(), *place]
        return _Call(argv, self.work_tree or self.git_dir, environment())

    def _failed(self, command: str, stderr: bytes) -> GitError:
        return GitError(f"git {command} failed in {self.git_dir}: {_last_words(stderr)}.{self._shortcomings()}")

    def _shortcomings(self) -> str:
        """Why something may not be here, and what would bring it; "" of a repository that has everything."""
        known = (
            (self.objects.partial, "it is a partial clone, and what it left out is never fetched from here", _WHOLE),
            (self.objects.shallow, "it is a shallow clone, its history cut", "git fetch --unshallow"),
            (self.objects.borrowed, "it borrows objects from another repository, which are not read", _OWN),
        )
        return "".join(f" Note that {what}: `{how}` there brings the rest." for holds, what, how in known if holds)


_HEX = re.compile(r"[0-9a-f]{7,64}")
_WHOLE = "git fetch --refetch --no-filter"
_OWN = "git repack -a -d && rm .git/objects/info/alternates"


def _advice(revision: str, *, many: bool = False) -> str:
    if many:
        return "write more of its name"
    if ".." in revision:
        return "it is a range; pass its two ends one by one"
    return "pass a branch, tag or commit that exists; `corpus.log()` lists commits"


@dataclass(frozen=True, slots=True)
class _Call:
    """All of a call to git but the command."""

    argv: Sequence[str | bytes]
    cwd: Path
    env: Mapping[str, str]


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
    done = _run(argv, CLONE_SECONDS, _Call((), cwd, environment(network=True)))
    if done.returncode:
        raise GitError(f"git could not {command} {url}: {_last_words(done.stderr)}")


def _overrides() -> Iterator[str]:
    for key, value in _OVERRIDES.items():
        yield from ("-c", f"{key}={value}")


def _run(argv: Sequence[str | bytes], seconds: float, call: _Call) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            argv,
            env=call.env,
            cwd=call.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _too_slow(seconds, call.cwd) from error
    except (OSError, ValueError) as error:
        raise GitError(f"git could not be run in {call.cwd}: {error}") from error


def _started(argv: Sequence[str | bytes], call: _Call, *, errors: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, env=call.env, cwd=call.cwd, stdin=pipe, stdout=pipe, stderr=errors)


@contextlib.contextmanager
def _timed(child: subprocess.Popen[bytes], seconds: float) -> Iterator[threading.Event]:
    """Ends the child after so many seconds; the event says that it did."""
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _too_slow(seconds: float, where: Path) -> GitError:
    return GitError(f"git took more than {seconds:.0f} s in {where}: ask for less (a path, fewer lines, a date)")


def _last_words(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().split("\n")
    return lines[-1][:300] if lines[-1] else "it said nothing"
