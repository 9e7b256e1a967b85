"""Records what the live server answers to the handshake and the list calls, for each revision of the protocol.

`python tests/support/handshake.py` writes server/rlm_mcp/handshake.json; a test holds the file against a fresh record.
"""

import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.stdio import COMMAND, MODERN, Server, modern

JSON = Any
TARGET = Path(__file__).resolve().parents[2] / "server" / "rlm_mcp" / "handshake.json"
HANDSHAKE_REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")


def record(folder: Path) -> dict[str, JSON]:
    """Answers by "<method> <revision>", from servers run without the front."""
    answers: dict[str, JSON] = {}
    environment = {"RLM_CACHE_DIR": str(folder / "cache"), "PATH": os.environ["PATH"]}
    for revision in (*HANDSHAKE_REVISIONS, MODERN):
        with Server(cwd=folder, env=environment, command=(*COMMAND, "--no-front")) as server:
            if revision == MODERN:
                opening, wrap = ("server/discover", server.request("server/discover", modern())), modern
            else:
                opening, wrap = ("initialize", server.initialize(revision)), dict
            for method, answer in (opening, *((m, server.request(m, wrap({}))) for m in LISTS)):
                if "result" in answer:
                    answers[f"{method} {revision}"] = answer["result"]
    return {"sdk": version("mcp"), "answers": answers}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        TARGET.write_text(json.dumps(record(Path(folder)), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
