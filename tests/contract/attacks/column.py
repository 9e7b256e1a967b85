"""Runs the suite against one choice of layers, as whoever starts it: `python -m tests.contract.attacks.column LAYERS`.

LAYERS is a comma-separated list, or `none`; after it, names or kinds of attacks to choose only those. Prints one JSON
object: for each attack whether it reached what it is after, and what harm it did to the host or the session.
"""

import asyncio
import ctypes
import gc
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
from tests.contract.attacks import inside, outside, protocol, surface, tricks
from tests.contract.attacks.attack import TOOLS, Attack
from tests.contract.attacks.ground import Ground

ATTACKS: tuple[Attack, ...] = (
    *(*outside.ATTACKS, *inside.ATTACKS, *protocol.ATTACKS),
    *(*surface.ATTACKS, *tricks.ATTACKS),
)

LIMITS = Limits(cell_seconds=1.0, grace_seconds=0.2, memory_mb=128)
HOST_MAY_GROW_MB = 20
"""And keep, once the session is closed."""
HOST_MAY_SWELL_MB = 300
"""While a cell runs: 64 MiB of frames with one wide letter each are four times as much text."""
LOOP_MAY_COMPUTE_SECONDS = 1.0
"""In one turn, of processor time: what else runs on the machine makes it no longer."""
LOOP_MAY_STALL_SECONDS = 15.0
"""By the clock: for a turn that waits for something, which none may."""
VISITS = 2
"""A poisoned session may be lost by the first cell after the attack; then it is restored without what poisoned it."""
BOUND = 120
"""Seconds for whatever must end; nothing is judged by them."""
CONTROL_PATIENCE = 10
"""So many times as long may an attack take where it is to succeed: it ends once it has."""
BIG = "x" * 500_000
TABLE = Path(__file__).parents[2] / "unit" / "sandbox" / "linux_syscalls.txt"


def numbers() -> dict[str, int]:
    column = 2 if platform.machine() == "aarch64" else 1
    rows = (line.split() for line in TABLE.read_text("ascii").splitlines()[1:])
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def host_memory_mb() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096 // 1_000_000


class Column:
    """One provider, attacked again and again."""

    def __init__(self, provider: LocalProvider, ground: Ground, patience: int) -> None:
        self._provider = provider
        self._ground = ground
        self._patience = patience
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

    async def _big(self, arguments):
        return f"{arguments} {BIG}"

    async def _look_now(self, arguments):
        self._ground.look(self._session.pid)
        return arguments

    async def run(self, attack: Attack) -> dict[str, object]:
        """What one attack reached, and whether the host took harm."""
        ground, health = self._ground, Health()
        ground.forget()

        table = {"echo": self._echo, "spy": self._spy, "big": self._big, "look": self._look_now}
        session = self._session = await self._provider.open(
            self._blob, preloads=[self._tools], host_calls=table, limits=LIMITS
        )
        looking = asyncio.create_task(self._look(session, health))
        harm, found = [], {}
        try:
            found = await self._attack(session, attack)
            harm += await self._revisit(session)
        except Exception as error:  # noqa: BLE001 - that nothing is raised is part of what is tested
            harm.append(f"the host raised {error!r}")
        looking.cancel()
        await asyncio.wait_for(session.close(), BOUND)
        del session, self._session, looking  # which know much
        return {"reached": False, **found, "harm": harm + await health.harm()}

    async def _attack(self, session, attack: Attack) -> dict[str, object]:
        ground = self._ground
        await session.exec(self._names)
        self._cell_runs = True
        result = await asyncio.wait_for(session.exec(attack.code, seconds=attack.seconds * self._patience), BOUND)
        self._cell_runs = False
        if attack.judge is Ground.asked:
            await asyncio.sleep(0.5)
        ground.look(session.pid)
        return {"reached": attack.judge(ground, result.stdout), "died": result.died}

    async def _revisit(self, session) -> list[str]:
        """What is wrong with the session after the attack: it must run cells, or be back when it was lost."""
        for _ in range(VISITS):
            after = await asyncio.wait_for(session.exec("6 * 7", seconds=3), BOUND)
            if not (after.died and after.restored):
                break
        return [] if after.stdout == "42\n" else [f"the session did not come back: {after}"]

    async def _look(self, session, health) -> None:
        while True:
            self._ground.look(session.pid)
            clock, computed = time.monotonic(), time.thread_time()
            await asyncio.sleep(0.02)
            health.note(time.monotonic() - clock, time.thread_time() - computed)


class Health:
    """The host's: its memory before, during and after, and how long its event loop stood still."""

    def __init__(self) -> None:
        self._before = self._most = self._settled()
        self._stall = self._computed = 0.0

    def note(self, pause: float, computed: float) -> None:
        self._most = max(self._most, host_memory_mb())
        self._stall = max(self._stall, pause)
        self._computed = max(self._computed, computed)

    async def harm(self) -> list[str]:
        until = time.monotonic() + 2
        while (grown := self._settled() - self._before) > HOST_MAY_GROW_MB and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # what the loop still holds is freed by its next turns
        swollen = self._most - self._before
        found = []
        if grown > HOST_MAY_GROW_MB:
            found.append(f"the host grew by {grown} MB")
        if swollen > HOST_MAY_SWELL_MB:
            found.append(f"the host swelled by {swollen} MB")
        if self._stall > LOOP_MAY_STALL_SECONDS or self._computed > LOOP_MAY_COMPUTE_SECONDS:
            found.append(f"the host's loop stood still for {self._stall:.1f} s, computing for {self._computed:.1f} s")
        return found

    @staticmethod
    def _settled() -> int:
        """With what is freed given back to the kernel."""
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        return host_memory_mb()


async def run(layers: list[str], names: list[str]) -> dict[str, object]:
    everything = set(layers) == {*LAYERS, "watchdog"}
    patience = 1 if everything else CONTROL_PATIENCE
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
                found[f"{attack.kind}: {attack.name}"] = await Column(provider, ground, patience).run(attack)
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
