"""Runs a function with another working directory, without moving anyone else.

The Daytona SDK reads `.env` and `.env.local` of the working directory when its client is made. We are started inside
other people's repositories, so that folder may be hostile: such a file could choose a region, switch tracing on, or be
a pipe that never ends. The SDK has no switch for it (0.226); this can go when it has one.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
CLONE_FS = 0x200
NEUTRAL = "/"
_moving = threading.Lock()


def run_elsewhere(function: Callable[[], T]) -> T:
    """What `function` returns, called in a new thread whose working directory is the root folder.

    On Linux the thread gets a directory of its own. Where that is refused (other systems, some containers) the whole
    process moves there and back, for as long as the call takes: milliseconds, once per client.
    """
    outcome: Future[T] = Future()
    thread = threading.Thread(target=_settle, args=(function, outcome), name="daytona-client")
    thread.start()
    thread.join()
    return outcome.result()


def _settle(function: Callable[[], T], outcome: Future[T]) -> None:
    try:
        outcome.set_result(_moved(function))
    except BaseException as error:  # noqa: BLE001 - it is raised in the thread that asked
        outcome.set_exception(error)


def _moved(function: Callable[[], T]) -> T:
    if detached():
        os.chdir(NEUTRAL)
        return function()
    with _moving:
        home = Path.cwd()
        os.chdir(NEUTRAL)
        try:
            return function()
        finally:
            os.chdir(home)


def detached() -> bool:
    """Whether the calling thread now has a working directory of its own; it keeps it for life."""
    if not sys.platform.startswith("linux"):
        return False
    result: int = ctypes.CDLL(None, use_errno=True).unshare(CLONE_FS)
    return result == 0
