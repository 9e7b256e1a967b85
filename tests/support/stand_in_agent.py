"""A program in the place of an agent's command line: records how it was started, then says what SAY holds, or hangs."""

import json
import os
import subprocess
import sys
from pathlib import Path


def instructions() -> str:
    """The text of the file that Codex is told to take its instructions from."""
    told = [argument for argument in sys.argv if argument.startswith("model_instructions_file=")]
    return Path(json.loads(told[0].partition("=")[2])).read_text() if told else ""


def main() -> None:
    files = [name for name in os.listdir() if not instructions()]  # noqa: PTH208 - the current folder, whatever it is
    record = {
        "arguments": sys.argv[1:],
        "stdin": sys.stdin.read(),
        "cwd": str(Path.cwd()),
        "files": files,
        "instructions": instructions(),
        "max_tokens": os.environ.get("CLAUDE_CODE_MAX_OUTPUT_TOKENS"),
        "pid": os.getpid(),
    }
    if os.environ.get("HANG"):
        record["child"] = subprocess.Popen(["sleep", "1000"]).pid
    Path(os.environ["RECORD"]).write_text(json.dumps(record))
    if os.environ.get("READY"):
        Path(os.environ["READY"]).write_text("ready")
    if os.environ.get("HANG"):
        subprocess.run(["sleep", "1000"], check=False)
    print(os.environ.get("SAY", ""))
    sys.exit(0 if "{" in os.environ.get("SAY", "") or "not logged" in os.environ.get("SAY", "") else 1)


if __name__ == "__main__":
    main()
