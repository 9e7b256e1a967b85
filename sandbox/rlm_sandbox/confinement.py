"""The lock of a session for other processes of the host that read hostile bytes: see runner/confine.py."""

import sys
from pathlib import Path

PROGRAM = Path(__file__).parent / "runner" / "confine.py" if sys.platform == "linux" else None
"""A Python file; such a process runs it and calls its `confine(descriptors)`. None where there is no such lock."""
