"""`python <folder> held`, `assemble BLOB`, `bridge PROGRAM…`: see blobs.py and bridge.py. One JSON object to stdout."""

import json
import os
import sys
from pathlib import Path

from rlm_sandbox.daytona.inside.blobs import Blobs
from rlm_sandbox.daytona.inside.bridge import PREFIX_VARIABLE, Bridge


def main(arguments: list[str]) -> None:
    mode, *rest = arguments
    if mode == "bridge":
        prefix = os.environ.pop(PREFIX_VARIABLE)  # noqa: TID251 - said by the host to this process, not a setting
        Bridge(prefix.encode(), [sys.executable, *rest]).run()
    blobs = Blobs(Path(sys.argv[0]).resolve().parent)
    sys.stdout.write(json.dumps(blobs.held() if mode == "held" else blobs.assemble(rest[0])) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
