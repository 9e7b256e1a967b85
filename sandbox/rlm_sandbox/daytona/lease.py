"""One sandbox and its life: created once whatever goes wrong on the way, kept awake, deleted, leftovers swept."""

import asyncio
import logging
import secrets
from collections.abc import Mapping

from rlm_sandbox.daytona.door import LOST, Cloud, CloudError, Machine, Wish
from rlm_sandbox.daytona.patience import Patience
from rlm_sandbox.owner import host, orphaned, owner

log = logging.getLogger(__name__)

OURS = "rlm-mcp"
CREATE = "rlm-create"
HOST = "rlm-host"
OWNER = "rlm-owner"

CREATE_SECONDS = 180.0
AWAKE_SECONDS = 240.0
"""Between signs of life; well below the minutes after which an idle sandbox stops, and so dies."""


async def sweep(cloud: Cloud) -> int:
    """How many sandboxes of dead processes of this machine were deleted."""
    swept = 0
    for machine in await cloud.find({OURS: "1", HOST: host()}):
        if orphaned(machine.labels.get(OWNER, "")):
            await machine.delete()
            log.info("deleted the Daytona sandbox %s that an earlier process left behind", machine.id)
            swept += 1
    return swept


class Lease:
    """Creates a sandbox when first asked, and a new one when told that it is lost."""

    def __init__(self, cloud: Cloud, labels: Mapping[str, str], patience: Patience, *, snapshot: str, ttl: int) -> None:
        self._cloud = cloud
        self._labels = {**labels, OURS: "1", HOST: host(), OWNER: owner()}
        self._patience = patience
        self._snapshot = snapshot
        self._ttl = ttl
        self._lock = asyncio.Lock()
        self._machine: Machine | None = None
        self._awake: asyncio.Task[None] | None = None
        self._unsure: dict[str, str] | None = None
        """The label of a create that was cut short: whether it made a sandbox is not known."""

    async def machine(self) -> tuple[Machine, bool]:
        """The sandbox, and whether it is new. Raises CloudError."""
        async with self._lock:
            if self._machine is not None:
                return self._machine, False
            self._machine = await self._create()
            self._awake = asyncio.create_task(self._keep_awake(self._machine))
            return self._machine, True

    async def label(self, labels: Mapping[str, str]) -> None:
        """Carry these labels besides, now and on every sandbox to come. One request, if there is a sandbox."""
        self._labels |= labels
        async with self._lock:
            if (machine := self._machine) is not None and not self._labels.items() <= machine.labels.items():
                await machine.label({**machine.labels, **self._labels})

    async def lost(self, machine: Machine) -> None:
        """Forget that sandbox; the next one asked for is new. What may be left of it is deleted."""
        async with self._lock:
            if machine is self._machine:
                await self._drop()

    async def close(self) -> None:
        """Delete the sandbox, and what a create that was cut short may have made. Raises CloudError for the latter."""
        async with self._lock:
            await self._drop()
            if self._unsure is not None:
                await self._patience.keep_trying(self._delete_unsure)

    async def _delete_unsure(self) -> None:
        for machine in await self._cloud.find(self._unsure or {OURS: "none"}):
            await machine.delete()
        self._unsure = None

    async def _drop(self) -> None:
        machine, self._machine = self._machine, None
        if self._awake is not None:
            self._awake.cancel()
        if machine is not None:
            try:
                await self._patience.keep_trying(machine.delete)
            except CloudError as error:
                log.warning("could not delete the Daytona sandbox %s: %s It ends by itself.", machine.id, error)

    async def _create(self) -> Machine:
        """Never two for one: after a failure, what the create may have left is looked for by its own label."""
        label = {CREATE: secrets.token_hex(8)}
        self._unsure = label
        machine = await self._created(Wish({**self._labels, **label}, self._snapshot, self._ttl), label)
        self._unsure = None
        return machine

    async def _created(self, wish: Wish, label: Mapping[str, str]) -> Machine:
        tried = 0
        while True:
            try:
                return await self._cloud.create(wish, CREATE_SECONDS)
            except CloudError as error:
                tried += 1
                if (found := await self._adopt(label, error)) is not None:
                    return found
                await self._patience.pause(tried, error)

    async def _adopt(self, label: Mapping[str, str], error: CloudError) -> Machine | None:
        """The sandbox that a failed create made all the same, once it runs; one that broke is deleted."""
        if error.status is not None and error.status < 500:
            return None
        for machine in await self._patience.keep_trying(lambda: self._cloud.find(label)):
            try:
                await machine.wait_started(CREATE_SECONDS)
            except CloudError:
                await machine.delete()
            else:
                return machine
        return None

    async def _keep_awake(self, machine: Machine) -> None:
        while True:
            await asyncio.sleep(AWAKE_SECONDS)
            try:
                await machine.touch()
            except CloudError as error:
                if error.status in LOST:
                    return
                log.info("could not keep the Daytona sandbox %s awake: %s", machine.id, error)
