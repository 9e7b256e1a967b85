"""How fast transcripts become documents: generates Claude Code sessions of a given total size and reads them once.

    python tests/bench/history.py [MEGABYTES] [FOLDER]

Prints one JSON object: seconds to list, CPU seconds to normalise, peak memory in MiB, and the sizes in and out.
"""

import json
import random
import resource
import sys
import tempfile
import time
import uuid
from pathlib import Path

from rlm_indexers import history
from rlm_indexers.history import discover
from rlm_indexers.sources import Source

WORDS = Path(__file__).read_text(encoding="utf-8").split()
SESSION_BYTES = 7_000_000


def text(rng: random.Random, size: int) -> str:
    return "\n".join(" ".join(rng.choices(WORDS, k=9)) for _ in range(size // 60 + 1))


def turn(rng: random.Random, common: dict, parent: str) -> list[dict]:
    """The records of one turn: what a recent client writes, in about its proportions."""
    call, message = f"toolu_{rng.getrandbits(64):x}", {"id": f"msg_{rng.getrandbits(64):x}", "model": "model-x"}
    usage = {"input_tokens": 12, "output_tokens": 57, "cache_read_input_tokens": 4000}
    output = text(rng, rng.choice((200, 2000, 8000)))

    def record(kind: str, **values: object) -> dict:
        nonlocal parent
        made = {"parentUuid": parent, "isSidechain": False, "type": kind, **values, **common}
        made["uuid"] = parent = str(uuid.UUID(int=rng.getrandbits(128)))
        return made

    def said(*blocks: dict) -> dict:
        return record("assistant", message={**message, "role": "assistant", "content": list(blocks), "usage": usage})

    return [
        record("user", message={"role": "user", "content": text(rng, 120)}),
        record("attachment", attachment={"type": "prompt_snapshot", "systemPrompt": [text(rng, 9000)]}),
        {"type": "api-request", "sessionId": common["sessionId"], "request": text(rng, 5000)},
        said({"type": "thinking", "thinking": text(rng, 600)}),
        said({"type": "text", "text": text(rng, 300)}),
        said({"type": "tool_use", "id": call, "name": "Bash", "input": {"command": text(rng, 60)}}),
        record(
            "user",
            message={"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": output}]},
            toolUseResult={"stdout": output, "stderr": "", "interrupted": False},
        ),
    ]


def generate(folder: Path, megabytes: int) -> None:
    rng = random.Random(7)
    left = megabytes * 1_000_000
    while left > 0:
        session = str(uuid.UUID(int=rng.getrandbits(128)))
        common = {"sessionId": session, "cwd": "/home/dev/x", "version": "2", "timestamp": "2026-11-20T09:06:52.003Z"}
        written = 0
        with (folder / f"{session}.jsonl").open("w", encoding="utf-8") as file:
            while written < min(left, SESSION_BYTES):
                for record in turn(rng, common, ""):
                    written += file.write(json.dumps(record, separators=(",", ":")) + "\n")
        left -= written


def measure(folder: Path, cache: Path) -> dict[str, object]:
    start = time.perf_counter()
    found = discover.below(folder)
    listed = time.perf_counter() - start
    size = sum(each.size for each in found.transcripts)
    before = time.process_time()
    fetched = history.fetch(Source("history", "history", str(folder)), cache=cache)
    out = events = 0
    for document in fetched.documents:
        out += len(document.data)
        events += len(document.anchors)
    cpu = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "megabytes": round(size / 1e6),
        "sessions": len(found.transcripts),
        "list_seconds": round(listed, 3),
        "cpu_seconds": round(cpu, 2),
        "cpu_seconds_per_gb": round(cpu / size * 1e9, 2),
        "events": events,
        "text_megabytes": round(out / 1e6),
        "peak_mib": peak,
    }


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(temporary) / "transcripts"
        if not folder.exists():
            folder.mkdir(parents=True)
            generate(folder, megabytes)
        print(json.dumps(measure(folder, Path(temporary) / "cache")))


if __name__ == "__main__":
    main()
