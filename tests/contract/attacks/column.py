"""Runs the suite against one choice of layers, as whoever starts it: `python -m tests.contract.attacks.column LAYERS`.

LAYERS is a comma-separated list, or `none`; after it, names or kinds of attacks to choose only those. Prints one JSON
object: for each attack whether it reached what it is after, and what harm it did to the host or the session.
"""

import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from rlm_sandbox import Blob, Limits, Preload
from rlm_sandbox.local import LAYERS, LocalProvider
from rlm_sandbox.nursery import Nursery
from tests.contract.attacks import inside, outside, protocol
from tests.contract.attacks.attack import TOOLS, Attack
from tests.contract.attacks.ground import Ground

ATTACKS: tuple[Attack, ...] = (*outside.ATTACKS, *inside.ATTACKS, *protocol.ATTACKS)

LIMITS = Limits(cell_seconds=1.0, grace_seconds=0.2, memory_mb=128)
HOST_MAY_GROW_MB = 64
TABLE = Path(__file__).parents[2] / "unit" / "sandbox" / "linux_syscalls.txt"


def numbers() -> dict[str, int]:
    column = 2 if platform.machine() == "aarch64" else 1
    rows = (line.split() for line in TABLE.read_text("ascii").splitlines()[1:])
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def host_memory_mb() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096 // 1_000_000


class Column:
    """One provider, attacked again and again."""

    def __init__(self, provider: LocalProvider, ground: Ground) -> None:
        self._provider = provider
        self._ground = ground
        self._blob = Blob(ground.blob, "", ground.blob.stat().st_size, ())
        self._cell_runs = False
        names = "".join(f"{name} = {value!r}\n" for name, value in ground.names().items())
        self._names = names
        self._tools = Preload("tools", f"NR = {numbers()!r}\n{TOOLS}")

    async def _echo(self, arguments):
        return arguments

    async def _spy(self, arguments):
        self._ground.asked_outside += not self._cell_runs
        return arguments

    async def run(self, attack: Attack) -> dict[str, object]:
        """What one attack reached, and whether the host took harm."""
        ground = self._ground
        ground.forget()
        before = host_memory_mb()
        session = await self._provider.open(
            self._blob, preloads=[self._tools], host_calls={"echo": self._echo, "spy": self._spy}, limits=LIMITS
        )
        await session.exec(self._names)
        looking = asyncio.create_task(self._look(session))
        self._cell_runs = True
        result = await asyncio.wait_for(session.exec(attack.code, seconds=attack.seconds), 20)
        self._cell_runs = False
        if attack.judge is Ground.asked:
            await asyncio.sleep(0.5)
        ground.look(session.pid)
        looking.cancel()
        reached = attack.judge(ground, result.stdout)
        after = await asyncio.wait_for(session.exec("6 * 7", seconds=3), 20)
        if after.died and after.restored:
            after = await asyncio.wait_for(session.exec("6 * 7", seconds=3), 20)
        await session.close()
        harm = [] if after.stdout == "42\n" else [f"the session did not come back: {after}"]
        if host_memory_mb() - before > HOST_MAY_GROW_MB:
            harm.append(f"the host grew by {host_memory_mb() - before} MB")
        return {"reached": reached, "died": result.died, "harm": harm}

    async def _look(self, session) -> None:
        while True:
            self._ground.look(session.pid)
            await asyncio.sleep(0.02)


async def run(layers: list[str], names: list[str]) -> dict[str, object]:
    everything = set(layers) == {*LAYERS, "watchdog"}
    # What the host's design stops is the same without layers, and much of it takes its time.
    attacks = [attack for attack in ATTACKS if everything or attack.control != "held"]
    attacks = [attack for attack in attacks if not names or attack.name in names or attack.kind in names]
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - also for the victim of an ordinary user
        ground = Ground(Path(folder))
        provider = LocalProvider(layers=[layer for layer in layers if layer != "watchdog"])
        if "watchdog" not in layers:
            provider._watchdog.watch = lambda *_: None
        leak_into_every_session(ground.leak)
        found = {}
        try:
            for attack in attacks:
                started = time.monotonic()
                found[f"{attack.kind}: {attack.name}"] = await Column(provider, ground).run(attack)
                found[f"{attack.kind}: {attack.name}"]["seconds"] = round(time.monotonic() - started, 2)
        finally:
            await provider.close()
            ground.close()
    return {"uid": os.getuid(), "python": platform.python_version(), "layers": layers, "attacks": found}


def leak_into_every_session(fd: int) -> None:
    """As if the host had passed on a descriptor by mistake."""
    fork = Nursery.fork

    async def leaky(self, *fds):
        return await fork(self, *fds, fd)

    Nursery.fork = leaky


if __name__ == "__main__":
    chosen = [] if sys.argv[1] == "none" else sys.argv[1].split(",")
    print(json.dumps(asyncio.run(run(chosen, sys.argv[2:]))))
