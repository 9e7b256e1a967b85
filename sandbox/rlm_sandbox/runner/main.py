"""One session, inside: read the start message, load, lock, then run cells until the host is gone."""

import _thread
import ctypes
import gc
import hashlib
import mmap
import os
import random
import sys
import threading
from queue import SimpleQueue
from types import CodeType, ModuleType
from typing import Any, NoReturn

from rlm_sandbox.runner import frames, lockdown
from rlm_sandbox.runner.calls import Calls, HostCallError
from rlm_sandbox.runner.cells import Cells, describe, stopped_line
from rlm_sandbox.runner.interrupts import Interrupts
from rlm_sandbox.runner.names import Names
from rlm_sandbox.runner.output import Capture, Outputs, shorten

THREAD_STACK = 2 * 1024 * 1024
"""Stacks count as private memory; the default of 8 MiB would let 48 threads use up a session's."""

OWN_THREADS = 1
"""The listener; the main thread is not counted."""

_exit = os._exit
_count_threads = _thread._count  # noqa: SLF001 - the threading module's own count may be written to by a cell
_compiled: dict[str, CodeType] = {}


class SessionView:
    """What a preloaded `setup(session)` is given."""

    HostCallError = HostCallError

    def __init__(self, calls: Calls, blob: memoryview | None, arguments: dict[str, Any]) -> None:
        self.call = calls.call
        self.blob = blob
        self.arguments = arguments


def compile_preload(name: str, source: str) -> CodeType:
    """The module's code; a zygote compiles before it forks, and its children find it here."""
    key = hashlib.sha256(f"{name}\0{source}".encode()).hexdigest()
    if key not in _compiled:
        _compiled[key] = compile(source, f"<{name}>", "exec", dont_inherit=True)
    return _compiled[key]


def load_preload(name: str, source: str) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile_preload(name, source), vars(module))
    return module


def map_blob(place: dict[str, Any] | None) -> memoryview | None:
    """The blob's bytes, read-only; `place` names a descriptor or a path."""
    if place is None or not place["size"]:
        return None if place is None else memoryview(b"")
    fd = place["fd"] if "fd" in place else os.open(place["path"], os.O_RDONLY | os.O_CLOEXEC)
    untracked = {"trackfd": False} if sys.version_info >= (3, 13) else {}
    view = memoryview(mmap.mmap(fd, place["size"], mmap.MAP_SHARED, mmap.PROT_READ, **untracked))
    os.close(fd)
    return view


def forget_where_we_are() -> None:
    """Nothing of the host is to be found in what the interpreter says of itself, and nothing more is to be imported."""
    os.chdir("/")
    os.environ.clear()  # noqa: TID251 - no setting is read here
    sys.argv, sys.orig_argv, sys.executable = [""], [""], ""
    sys.path.clear()
    sys.path_importer_cache.clear()


class Runner:
    """Owns the channel, the namespace and the threads of one session."""

    def __init__(self, receive_fd: int, send_fd: int, start: dict[str, Any]) -> None:
        self._receive_fd, self._send_fd = receive_fd, send_fd
        self._start = start
        limits = start["limits"]
        self._shown = limits["output_bytes"]
        self._send_lock = _thread.allocate_lock()
        self._cells_to_run: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._interrupts = Interrupts()
        self._calls = Calls(self._send_frame, limits["frame_bytes"])
        self._capture = Capture(limits["output_kept_bytes"])
        self._out = Outputs(4 * limits["output_kept_bytes"])
        self._preloads: list[ModuleType] = []
        self._namespace = self._new_namespace()
        self._names = Names(self._namespace, self._capture, self._interrupts)
        self._cells = Cells(self._namespace, self._capture.write, self._interrupts)

    @staticmethod
    def _new_namespace() -> dict[str, Any]:
        # A real `__main__`: dataclasses, typing and pickle look classes up by their module's name.
        module = ModuleType("__main__")
        sys.modules["__main__"] = module
        return vars(module)

    def _send_frame(self, frame: bytes) -> None:
        with self._interrupts, self._send_lock:
            frames.write_all(self._send_fd, frame)

    def prepare(self, parent: int | None) -> None:
        """Everything that needs files or is ours; the lock closes at the end of it."""
        threading.stack_size(THREAD_STACK)
        random.seed(0)
        self._preloads = [load_preload(name, source) for name, source in self._start["preloads"]]
        blob = map_blob(self._start["blob"])
        self._view = SessionView(self._calls, blob, self._start["arguments"])
        keep = {self._receive_fd, self._send_fd}
        forget_where_we_are()
        blob_bytes = len(blob) if blob else 0
        self._held = lockdown.apply(self._start["lock"], self._start["limits"], blob_bytes, keep, parent)

    def open(self) -> None:
        """Reserved names enter the namespace; from here on the blob is read, so the lock must be on."""
        _thread.start_new_thread(self._listen, ())
        self._interrupts.install()
        self._names.streams()
        self._names.reserve({"out": self._out})
        for module in self._preloads:
            if hasattr(module, "setup"):
                self._names.reserve(dict(module.setup(self._view) or {}))
        gc.collect()
        self._send_frame(frames.encode({"t": "ready", "protocol": frames.PROTOCOL, "lock": self._held}))

    def _listen(self) -> None:
        """The only reader. It must outlive whatever a cell does to modules and builtins."""
        while True:
            try:
                message = frames.read_frame(self._receive_fd)
            except BaseException:  # noqa: BLE001 - out of memory, or a cell broke a module we stand on
                message = None
            if message is None:
                _exit(0)
            elif message["t"] == "exec":
                self._cells_to_run.put(message)
            elif message["t"] == "answer":
                self._calls.resolve(message)

    def serve(self) -> NoReturn:
        """Runs cells for ever; the process ends with the channel."""
        while True:
            message = self._cells_to_run.get()
            try:
                done = self._run(message)
            except KeyboardInterrupt as error:  # a second signal, while the first was being dealt with
                self._interrupts.armed = False
                done = {"error": describe(error), "size": 0, "stdout": "", "state": None, "line": None}
            self._send_frame(self._encode(done | {"t": "done", "key": message["key"]}))

    def _run(self, message: dict[str, Any]) -> dict[str, Any]:
        number = message["cell"]
        self._capture.begin()
        error = self._cells.run(number, message["code"], message.get("stop_line"))
        self._names.restore()
        if isinstance(error, KeyboardInterrupt):
            self._stop_threads()
        text, size = self._capture.kept(), self._capture.size
        if number != frames.CHECK:
            self._out.keep(number, text)
        return {
            "error": describe(error) if error else None,
            "line": stopped_line(error) if error else None,
            "stdout": shorten(text, size, self._shown, f"; see out[{number}]"),
            "size": size,
            "state": self._after_cell(),
            "threads": _count_threads() - OWN_THREADS,
        }

    def _after_cell(self) -> Any:
        state = None
        for module in self._preloads:
            if hasattr(module, "after_cell"):
                state = module.after_cell(self._namespace)
        return state

    @staticmethod
    def _encode(done: dict[str, Any]) -> bytes:
        try:
            return frames.encode(done)
        except (TypeError, ValueError, RecursionError):
            return frames.encode(done | {"state": None})

    @staticmethod
    def _stop_threads() -> None:
        """What the interrupted cell left running is told to stop too."""
        for thread in threading.enumerate():
            if thread is not threading.main_thread() and thread.ident and thread.ident != _thread.get_ident():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)
                )


def run(receive_fd: int, send_fd: int, parent: int | None = None) -> NoReturn:
    """A session over this channel, which dies with its parent if that is named."""
    try:
        start = frames.read_frame(receive_fd)
        if start is None:
            _exit(0)
        runner = Runner(receive_fd, send_fd, start)
        runner.prepare(parent)
        runner.open()
    except BaseException as error:  # noqa: BLE001 - the host must hear why, whatever it was
        reason = describe(error)
        frames.write_all(send_fd, frames.encode({"t": "failed", "kind": reason["kind"], "message": reason["message"]}))
        sys.exit(1)
    runner.serve()
