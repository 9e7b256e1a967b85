"""No isolation, for those who ask for it by its exact name: the same runner and transport as local, without the lock.

The code of a cell can then read and change whatever this user can. `choose` never comes here by itself.
"""

from rlm_sandbox.base import Probe
from rlm_sandbox.errors import SandboxUnavailable
from rlm_sandbox.local import LocalProvider


class UnsafeProvider(LocalProvider):
    """Sessions that are ordinary processes of this user."""

    name = "unsafe-no-isolation"
    isolation = "none"

    def __init__(self) -> None:
        super().__init__(layers=())

    async def probe(self) -> Probe:
        """Whether a session starts; there is nothing else to examine."""
        warning = "Nothing isolates a cell: it can read and change whatever this user can, and use the network."
        try:
            await (await self.open(None)).close()
        except SandboxUnavailable as refusal:
            return Probe(self.name, available=False, isolation=self.isolation, reasons=(warning, str(refusal)))
        return Probe(self.name, available=True, isolation=self.isolation, reasons=(warning,))
