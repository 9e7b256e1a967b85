"""What was asked of the emulator: one Exchange per request or websocket, so that tests count round trips and bytes."""

from dataclasses import dataclass, field

from aiohttp import web


@dataclass(slots=True)
class Exchange:
    """A request and its answer, or a websocket from its upgrade to its end. Sizes in bytes of body or messages."""

    method: str
    path: str
    status: int = 0
    received: int = 0
    sent: int = 0
    websocket: bool = False
    messages_in: int = 0
    messages_out: int = 0


EXCHANGE = web.RequestKey("exchange", Exchange)
"""Where a request keeps its own exchange."""


@dataclass(slots=True)
class Record:
    """Every exchange since the last `clear`, in the order of arrival."""

    exchanges: list[Exchange] = field(default_factory=list)

    def clear(self) -> None:
        self.exchanges.clear()

    def matching(self, method: str, ending: str) -> list[Exchange]:
        """The exchanges of that method whose path ends so."""
        return [one for one in list(self.exchanges) if one.method == method and one.path.endswith(ending)]

    @property
    def uploaded(self) -> int:
        """Bytes of all upload requests, multipart envelopes included."""
        return sum(one.received for one in self.matching("POST", "/files/bulk-upload"))

    @property
    def round_trips(self) -> int:
        """Requests and upgrades; messages on an open websocket are counted by its own exchange."""
        return len([one for one in list(self.exchanges) if "/socket.io" not in one.path])
