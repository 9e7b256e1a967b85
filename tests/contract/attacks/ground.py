"""What attacks are after, planted on the host, and whether they got it. Standard library only: any user runs it."""

import contextlib
import hashlib
import os
import secrets
import select
import socket
import subprocess
import sys
from pathlib import Path

VICTIM = """
import ctypes, sys
kept = ctypes.create_string_buffer(sys.argv[1].encode())
print(ctypes.addressof(kept), flush=True)
for line in sys.stdin: print("well", flush=True)
"""
HALTED = ("T", "t", "Z")
"""Stopped, traced, dead: states in /proc."""


class Ground:
    """A folder with a secret, listeners, a victim process, a blob, and a trace that nobody may leave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = "secret-" + secrets.token_hex(8)
        self.file = self._write("secret.txt", self.secret)
        self.code = self._write("stolen.py", f"value = {self.secret!r}\n")
        self.target = self._write("target.txt", "untouched")
        self.program = self._write("program.sh", f"#!/bin/sh\necho ran > {folder}/trace.txt\n")
        self.program.chmod(0o755)
        self.trace = folder / "trace.txt"
        self.blob = folder / "corpus.blob"
        self.blob.write_bytes(b"corpus " * 4096)
        self._blob_sha = self._sha(self.blob)
        self._open_listeners()
        self._new_victim()
        self.leak = os.open(self.file, os.O_RDONLY)
        self.asked_outside = 0
        """Host calls that were answered although no cell was running."""
        self.peak_threads = self.peak_memory_mb = 0

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, "ascii")
        path.chmod(0o644)  # whatever the umask is
        os.utime(path, (1, 1))
        return path

    def _open_listeners(self) -> None:
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.tcp6 = self._tcp6()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(self.folder / "socket"))
        (self.folder / "socket").chmod(0o777)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0rlm-" + secrets.token_hex(8))
        for listener in (self.unix, self.abstract):
            listener.listen(64)
        self.listeners = [s for s in (self.tcp, self.tcp6, self.udp, self.unix, self.abstract) if s]
        for listener in self.listeners:
            listener.setblocking(False)

    @staticmethod
    def _tcp6() -> socket.socket | None:
        try:
            return socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            return None

    def names(self) -> dict[str, object]:
        """What every snippet may use."""
        return {
            "FOLDER": str(self.folder),
            "FILE": str(self.file),
            "TARGET": str(self.target),
            "PROGRAM": str(self.program),
            "TRACE": str(self.trace),
            "BLOB": str(self.blob),
            "TCP": self.tcp.getsockname()[1],
            "TCP6": self.tcp6.getsockname()[1] if self.tcp6 else self.tcp.getsockname()[1],
            "UDP": self.udp.getsockname()[1],
            "UNIX": self.unix.getsockname(),
            "ABSTRACT": self.abstract.getsockname().decode("latin-1"),
            "VICTIM": self.victim.pid,
            "ADDRESS": self.address,
            "SIZE": len(self.secret),
            "HOST": os.getpid(),
        }

    # What may have been reached

    def told(self, stdout: str) -> bool:
        return self.secret in stdout

    @staticmethod
    def claims(stdout: str) -> bool:
        """Our own snippets print this only when they got through; nothing else can be seen of some things."""
        return "REACHED" in stdout

    def traced(self, _: str) -> bool:
        left = self.trace.exists() or any(self.folder.glob("new*"))
        self.trace.unlink(missing_ok=True)
        for path in self.folder.glob("new*"):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        return left

    def changed(self, _: str) -> bool:
        """Contents, time, mode, owner or attributes of the target, or its very existence."""
        if not self.target.exists():
            self.target = self._write("target.txt", "untouched")
            return True
        state = self.target.stat()
        same = (state.st_mtime, state.st_mode & 0o777, state.st_uid) == (1, 0o644, os.geteuid())
        same = same and self.target.read_text("ascii") == "untouched" and not os.listxattr(self.target)
        if not same:
            self.target.unlink()
            self.target = self._write("target.txt", "untouched")
        return not same

    def tampered(self, _: str) -> bool:
        if self._sha(self.blob) == self._blob_sha:
            return False
        self.blob.write_bytes(b"corpus " * 4096)
        return True

    def knocked(self, _: str) -> bool:
        """Whether any listener heard anything."""
        heard = False
        for listener in self.listeners:
            with contextlib.suppress(BlockingIOError):
                if listener is self.udp:
                    heard = bool(listener.recv(100)) or heard
                else:
                    listener.accept()[0].close()
                    heard = True
        return heard

    def hurt(self, _: str) -> bool:
        """The victim was ended, stopped, or had its limits changed."""
        hurt = not self._victim_answers() or self._limits_of_victim() != self._limits
        if hurt:
            self._end_victim()
            self._new_victim()
        return hurt

    def _victim_answers(self) -> bool:
        """Whether it still does. A signal that was sent to it before we ask takes effect before it could answer."""
        with contextlib.suppress(BrokenPipeError):
            self.victim.stdin.write(b"?\n")
        while not select.select([self.victim.stdout], [], [], 0.01)[0]:
            if self._status(self.victim.pid)["State"].startswith(HALTED):
                return False
        return self.victim.stdout.readline() == b"well\n"

    def _end_victim(self) -> None:
        self.victim.kill()
        self.victim.wait()
        self.victim.stdin.close()
        self.victim.stdout.close()

    def crowded(self, _: str) -> bool:
        return self.peak_threads > 150

    def bloated(self, _: str) -> bool:
        return self.peak_memory_mb > 220

    def asked(self, _: str) -> bool:
        return self.asked_outside > 0

    @staticmethod
    def nothing(_: str) -> bool:
        """For attacks on the host itself: the runner of the column looks at its health after each."""
        return False

    def look(self, pid: int) -> None:
        """Remember the most that a session was seen to use."""
        with contextlib.suppress(OSError, KeyError):
            status = self._status(pid)
            self.peak_threads = max(self.peak_threads, int(status["Threads"]))
            used = sum(int(status[key].split()[0]) for key in ("RssAnon", "RssShmem"))
            self.peak_memory_mb = max(self.peak_memory_mb, used // 1000)

    def forget(self) -> None:
        self.peak_threads = self.peak_memory_mb = self.asked_outside = 0
        self.knocked("")
        self.traced("")

    def _new_victim(self) -> None:
        self.victim = subprocess.Popen(
            [sys.executable, "-S", "-c", VICTIM, self.secret],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={"VICTIM_SECRET": self.secret, "PATH": "/usr/bin:/bin"},
        )
        self.address = int(self.victim.stdout.readline())
        self._limits = self._limits_of_victim()

    def _limits_of_victim(self) -> str:
        return Path(f"/proc/{self.victim.pid}/limits").read_text("ascii")

    @staticmethod
    def _status(pid: int) -> dict[str, str]:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}

    @staticmethod
    def _sha(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def close(self) -> None:
        for listener in self.listeners:
            listener.close()
        os.close(self.leak)
        self._end_victim()
