"""Sandboxes in the Daytona cloud. Importing this costs nothing: the SDK is loaded when a cloud is connected to.

provider.py  DaytonaProvider: the sandbox, the blobs and the runners in it
lease.py     the sandbox's life: created once, kept awake, deleted; leftovers swept
upload.py    a blob's missing segments
channel.py   a runner's bytes, whatever the connection does; line.py carries them
inside/      our programs in the sandbox, besides the runner
door.py      the only importer of `daytona`; patience.py: trying again; elsewhere.py: out of its `.env` files' reach
"""

from rlm_sandbox.daytona.door import DEFAULT_URL, Access
from rlm_sandbox.daytona.provider import DaytonaProvider

__all__ = ["DEFAULT_URL", "Access", "DaytonaProvider"]
