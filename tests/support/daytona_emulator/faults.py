"""What goes wrong on demand. Every fault is consumed by the request it hits, unless it says otherwise."""

import fnmatch
from dataclasses import dataclass, field
from enum import Enum


class Manner(Enum):
    """How a request fails."""

    REPLY = "reply"
    """Refused with a status, before anything is done."""
    LOSE_REPLY = "lose-reply"
    """Done in full, but the connection closes before the answer: the caller cannot know."""


@dataclass(slots=True)
class Fault:
    """One planned failure: the next `times` requests of `method` whose path matches `pattern`."""

    method: str
    pattern: str
    manner: Manner
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1

    def hits(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method == method and fnmatch.fnmatchcase(path, self.pattern)


class Faults:
    """The plan of a test. Paths are matched with `*`: `/api/sandbox`, `*/process/execute`."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []
        self.creating_seconds = 0.0
        """How long a created sandbox stays in `creating` before it is `started`."""
        self.create_ends_in = "started"
        """The state a created sandbox ends up in."""
        self.kept_upload_bytes: list[int] = []
        """For each of the next uploaded files, how much of it is silently kept."""
        self.cut_after: list[int] = []
        """For each of the next terminals, after how many bytes to the client it is cut within a frame."""

    def reply(self, method: str, pattern: str, status: int, *, times: int = 1, retry_after: str | None = None) -> None:
        """The next matching requests are refused, e.g. 429 with Retry-After, 502, 401."""
        headers = {"Retry-After": retry_after} if retry_after is not None else {}
        self.planned.append(Fault(method, pattern, Manner.REPLY, status, headers, times))

    def lose_reply(self, method: str, pattern: str, *, times: int = 1) -> None:
        """The next matching requests are done, and their answers lost."""
        self.planned.append(Fault(method, pattern, Manner.LOSE_REPLY, times=times))

    def truncate_upload(self, keep: int, *, times: int = 1) -> None:
        """The next uploaded files are stored short, and reported as well stored."""
        self.kept_upload_bytes.extend([keep] * times)

    def cut_terminal(self, after: int) -> None:
        """The next terminal to be opened is cut within a frame once `after` bytes went to the client."""
        self.cut_after.append(after)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that hits this request, used up by one."""
        for fault in self.planned:
            if fault.hits(method, path):
                fault.times -= 1
                return fault
        return None
