"""All benchmarks, one after the other: the figures of docs/benchmarks.md (`make bench`).

Each is a program of its own and prints a table; quote medians and ratios, and mind what else the machine is doing.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = ("startup.py", "engine.py", "models.py", "sandbox.py", "daytona.py", "history.py", "loading.py")


def main() -> int:
    """The number of benchmarks that failed."""
    load = os.getloadavg()[0]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load average {load:.1f}", flush=True)
    failed = 0
    for script in sys.argv[1:] or SCRIPTS:
        began = time.monotonic()
        print(f"\n## {script}\n", flush=True)
        failed += subprocess.run([sys.executable, str(HERE / script)], cwd=HERE.parents[1], check=False).returncode != 0
        print(f"\n({time.monotonic() - began:.0f} s)", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
