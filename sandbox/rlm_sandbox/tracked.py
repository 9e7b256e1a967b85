"""Sessions that their provider knows for as long as they are open, and no longer."""

from collections.abc import Mapping
from typing import Self

from rlm_sandbox.base import HostCall
from rlm_sandbox.channel import Launch
from rlm_sandbox.session import Child, Opening, WireSession


class TrackedSession(WireSession):
    """One of `open_ones` from its start to its close; a start that fails, or is cancelled, closes it."""

    def __init__(
        self,
        launch: Launch,
        opening: Opening,
        host_calls: Mapping[str, HostCall],
        child: Child,
        open_ones: set["TrackedSession"],
    ) -> None:
        super().__init__(launch, opening, host_calls, child)
        self._open_ones = open_ones

    async def start(self) -> Self:
        """See WireSession.start."""
        self._open_ones.add(self)
        try:
            await super().start()
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """See Session.close."""
        await super().close()
        self._open_ones.discard(self)
