"""The provider: one sandbox in the cloud, with as many runners in it as there are sessions.

All sessions of a provider share its sandbox, as the children of a question do: they are held apart by the runner's
own lock, where the sandbox's kernel allows it. Whoever wants two questions further apart makes two providers.
"""

import asyncio
import contextlib
import functools
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from rlm_sandbox.base import JSON, Blob, HostCall, Limits, Preload, Probe, Session
from rlm_sandbox.channel import Channel
from rlm_sandbox.daytona.channel import CloudChannel
from rlm_sandbox.daytona.door import Access, Cloud, CloudError, Machine, connect
from rlm_sandbox.daytona.lease import Lease, sweep
from rlm_sandbox.daytona.line import LogLine, TerminalLine
from rlm_sandbox.daytona.patience import Patience
from rlm_sandbox.daytona.tools import ROOT, Tools
from rlm_sandbox.daytona.upload import publish
from rlm_sandbox.errors import SandboxError, SandboxUnavailable
from rlm_sandbox.session import Opening
from rlm_sandbox.tracked import TrackedSession

log = logging.getLogger(__name__)
Progress = Callable[[str], None]
T = TypeVar("T")

TTL_MINUTES = 240
RUN = "rlm-run"
"""The label that names the run which began last: a sandbox serves all runs of its server."""
LAYERS = ("descriptors", "limits", "identity", "landlock", "seccomp")
SPOKEN_SECONDS = 60.0
"""For the bridge to be heard: on a cold machine Python itself may take seconds."""


class Place:
    """What we have in one sandbox: our programs, and which blobs are whole there."""

    def __init__(self, machine: Machine, patience: Patience) -> None:
        self.machine = machine
        self.tools = Tools(machine, patience)
        self.blobs: set[str] = set()
        self.lock = asyncio.Lock()
        self.terminals = True
        """False once a terminal was refused: then sessions with a log carry the lines."""


class DaytonaProvider:
    """Sandboxes of Daytona. Nothing is imported, and nothing asked of the cloud, before it is used."""

    name = "daytona"

    def __init__(
        self,
        access: Access,
        *,
        labels: Mapping[str, str] | None = None,
        snapshot: str = "",
        ttl_minutes: int = TTL_MINUTES,
        patience: Patience | None = None,
        spare: bool = True,
    ) -> None:
        """`labels` go onto the sandbox beside our own. With `spare`, a runner waits ready for the next session."""
        self._access = access
        self._labels = dict(labels or {})
        self._snapshot = snapshot
        self._ttl = ttl_minutes
        self._patience = patience or Patience()
        self._wants_spare = spare
        self._connecting = asyncio.Lock()
        self._cloud: Cloud | None = None
        self._lease: Lease | None = None
        self._place: Place | None = None
        self._sessions: set[TrackedSession] = set()
        self._spare: asyncio.Task[CloudChannel] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._labelling: asyncio.Task[None] | None = None

    def serve(self, run: str) -> None:
        """See Serving.serve: the sandbox is labelled with the run, behind its back when it exists already."""
        self._labels[RUN] = run
        if self._lease is not None and (self._labelling is None or self._labelling.done()):
            self._labelling = asyncio.create_task(_label(self._lease, self._labels))

    # Provider

    async def probe(self) -> Probe:
        """See Provider.probe. Creates the sandbox and runs a cell in it; what it holds is the cloud's own promise."""
        try:
            session = await self._start_session(Opening(layers=LAYERS, required=False), {})
            result = await session.exec("print(6 * 7)")
            await session.close()
        except SandboxError as error:
            return Probe(self.name, available=False, isolation="container", reasons=(str(error),))
        if result.stdout != "42\n":
            return Probe(self.name, available=False, isolation="container", reasons=(f"A cell said {result}.",))
        return Probe(self.name, available=True, isolation="container", reasons=self._promises(session.layers))

    def _promises(self, layers: Sequence[str]) -> tuple[str, ...]:
        life = "The sandbox was created with all network access blocked, and ends when we close it"
        kernel = "Isolation is Daytona's own promise: a container that shares its host's kernel"
        missing = [layer for layer in LAYERS if layer not in layers]
        lock = f"all but {', '.join(missing)}" if missing else "every layer"
        return (
            f"Text of the corpus leaves this machine: it is uploaded to a Daytona sandbox at {self._access.url}.",
            f"{life}, or {self._ttl} minutes after its creation.",
            f"{kernel}, unless your account's class is a virtual machine. An emulator gives none.",
            f"The runner's own lock, which holds sessions apart in there: {lock}.",
        )

    async def publish(self, blob: Blob, *, progress: Progress | None = None) -> None:
        """See Provider.publish. Raises SandboxUnavailable."""
        tell = progress or _silent
        await self._persistently(lambda place: self._bring(blob, place, tell), tell)

    async def open(
        self,
        blob: Blob | None,
        *,
        preloads: Sequence[Preload] = (),
        host_calls: Mapping[str, HostCall] | None = None,
        arguments: Mapping[str, JSON] | None = None,
        limits: Limits | None = None,
    ) -> Session:
        """See Provider.open."""
        place = {"path": f"{ROOT}/blobs/{blob.sha256}", "size": blob.size} if blob else None
        # Whether the guest's kernel offers every layer is not ours to choose: what it offers is put on.
        opening = Opening(
            tuple(preloads), dict(arguments or {}), limits or Limits(), blob, place, LAYERS, required=False
        )
        return await self._open(opening, host_calls or {})

    async def close(self) -> None:
        """See Provider.close. The sandbox is deleted."""
        async with self._connecting:
            await _stopped(self._sweeping)
            await _stopped(self._labelling)
            if self._lease is not None:
                with contextlib.suppress(CloudError):
                    await self._lease.close()
            await asyncio.gather(self._drop_spare(), *(session.close() for session in list(self._sessions)))
            if self._cloud is not None:
                await self._cloud.close()
            self._cloud, self._lease, self._place = None, None, None

    # The sandbox

    async def _reach(self, tell: Progress) -> Place:
        """The sandbox with our programs in it; created if there is none."""
        async with self._connecting:
            if self._cloud is None or self._lease is None:
                self._cloud = await connect(self._access)
                self._lease = Lease(self._cloud, self._labels, self._patience, snapshot=self._snapshot, ttl=self._ttl)
                self._sweeping = asyncio.create_task(_sweep(self._cloud))
            machine, new = await self._lease.machine()
            if self._place is None or self._place.machine is not machine:
                place = Place(machine, self._patience)
                await place.tools.install()
                self._place = place
            if new:
                tell(f"created the Daytona sandbox {machine.id}")
            return self._place

    async def _persistently(self, work: Callable[[Place], Awaitable[T]], tell: Progress) -> T:
        """What `work` gives, with a new sandbox if the one at hand turns out to be gone."""
        place = await self._reach(tell)
        try:
            return await work(place)
        except CloudError:
            if await self._alive(place.machine):
                raise
        log.info("the Daytona sandbox %s is gone; a new one takes its place", place.machine.id)
        await self._drop_spare()
        if self._lease is not None:
            await self._lease.lost(place.machine)
        return await work(await self._reach(tell))

    async def _alive(self, machine: Machine) -> bool:
        try:
            return await self._patience.keep_trying(machine.alive)
        except CloudError:
            return True

    async def _bring(self, blob: Blob, place: Place, tell: Progress) -> None:
        async with place.lock:
            if blob.sha256 not in place.blobs:
                await publish(blob, place.machine, place.tools, self._patience, tell)
                place.blobs.add(blob.sha256)

    # Runners

    async def _open(self, opening: Opening, host_calls: Mapping[str, HostCall]) -> Session:
        return await self._start_session(opening, host_calls)

    async def _start_session(self, opening: Opening, host_calls: Mapping[str, HostCall]) -> TrackedSession:
        launch = functools.partial(self._launch, opening.blob)
        return await TrackedSession(launch, opening, host_calls, self._open, self._sessions).start()

    async def _launch(self, blob: Blob | None) -> Channel:
        """A runner that waits for its start message, the blob in its sandbox. Raises SandboxUnavailable."""

        async def launched(place: Place) -> CloudChannel:
            if blob is not None:
                await self._bring(blob, place, _silent)
            return await self._take_spare() or await self._start(place)

        channel = await self._persistently(launched, _silent)
        if self._wants_spare and self._place is not None and self._spare is None:
            self._spare = asyncio.create_task(self._start(self._place))
        return channel

    async def _start(self, place: Place) -> CloudChannel:
        """One more runner, over a terminal or, if the cloud gives none, over a session's log."""
        if place.terminals:
            try:
                return await self._patience.keep_trying(lambda: self._started(TerminalLine, place))
            except CloudError as error:
                if not await self._alive(place.machine):
                    raise
                log.warning("no terminal in the Daytona sandbox, its sessions are used instead: %s", error)
                place.terminals = False
        return await self._patience.keep_trying(lambda: self._started(LogLine, place))

    async def _started(self, line: type[TerminalLine] | type[LogLine], place: Place) -> CloudChannel:
        name, prefix = f"rlm-{secrets.token_hex(6)}", secrets.token_hex(12)
        opened = line(place.machine, name, place.tools.bridge(), prefix)
        channel = await CloudChannel(opened, prefix.encode(), self._patience).open()
        try:
            async with asyncio.timeout(SPOKEN_SECONDS):
                await channel.spoken()
        except BaseException as error:
            await channel.kill()
            if isinstance(error, TimeoutError):
                raise CloudError("Daytona: the program in the sandbox did not answer") from None
            raise
        return channel

    async def _take_spare(self) -> CloudChannel | None:
        task, self._spare = self._spare, None
        if task is None:
            return None
        try:
            channel = await task
        except SandboxUnavailable:
            return None
        if not channel.over:
            return channel
        await channel.kill()
        return None

    async def _drop_spare(self) -> None:
        task, self._spare = self._spare, None
        if task is None:
            return
        if task.done() and not task.cancelled() and task.exception() is None:
            await task.result().kill()
        await _stopped(task)


def _silent(_: str) -> None:
    """Progress that nobody wants to hear of."""


async def _label(lease: Lease, labels: Mapping[str, str]) -> None:
    try:
        await lease.label(labels)
    except CloudError as error:
        log.info("could not label the Daytona sandbox: %s", error)


async def _sweep(cloud: Cloud) -> None:
    try:
        await sweep(cloud)
    except CloudError as error:
        log.info("could not look for sandboxes left behind: %s", error)


async def _stopped(task: asyncio.Task[None] | asyncio.Task[CloudChannel] | None) -> None:
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, SandboxUnavailable):
            await task
