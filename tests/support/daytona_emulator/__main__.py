"""Serve the emulator to a person: `python -m tests.support.daytona_emulator --port 0`, then point the provider at it.

Prints the two settings to use. Ends with ctrl-c, and its sandboxes with it. It isolates nothing.
"""

import argparse
import contextlib
import signal

from tests.support.daytona_emulator.server import KEY, DaytonaEmulator


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.daytona_emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="round-trip time in seconds")
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--quick", action="store_true", help="without the daemon's own pace and limits")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with DaytonaEmulator(latency=asked.latency, faithful=not asked.quick, port=asked.port, key=asked.key) as emulator:
        print(f"RLM_DAYTONA_API_URL={emulator.url}", flush=True)
        print(f"DAYTONA_API_KEY={emulator.key}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            emulator.thread.join()


if __name__ == "__main__":
    main()
