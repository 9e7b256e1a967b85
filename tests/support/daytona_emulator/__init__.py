"""A Daytona cloud on loopback: what the 0.226 SDK calls, backed by folders and processes of this machine.

Written from the SDK's own client code, so the unmodified SDK runs through it. It isolates nothing: a "sandbox" is a
temporary folder, and its processes are ordinary ones of the user who started the emulator. It serves tests and trials.

    server.py    DaytonaEmulator: start, stop, what tests ask of it
    world.py     sandboxes and their lives: create, stop, expire
    control.py   the API: create, get, list, delete
    files.py     the toolbox: upload and download
    execute.py   the toolbox: one command, and sessions with a log to follow
    terminals.py the toolbox: terminals (PTY) over a websocket
    faults.py    what goes wrong on demand
    record.py    what was asked of it, counted
    distance.py  a wire of a given length: artificial round-trip time
"""

from tests.support.daytona_emulator.faults import Faults
from tests.support.daytona_emulator.record import Exchange
from tests.support.daytona_emulator.server import DaytonaEmulator

__all__ = ["DaytonaEmulator", "Exchange", "Faults"]
