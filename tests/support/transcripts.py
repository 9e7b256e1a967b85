"""Claude Code transcripts made to measure, and the whole of a history read back, for tests of histories."""

import hashlib
import json
import re
import uuid
from pathlib import Path

from rlm_indexers import history
from rlm_indexers.sources import Source

SAMPLES = Path(__file__).parents[1] / "data" / "history" / "claude-code"
REAL = SAMPLES / "real-2.1.328"
LEGACY = SAMPLES / "synthetic-legacy"
HEAD = re.compile(r"^#(\d+) (\S+) (.*)$", re.MULTILINE)


class Session:
    """A transcript being written, record by record."""

    def __init__(self, folder, *, cwd="/home/dev/x", name=None):
        self.id = name or str(uuid.uuid4())
        self.path = folder / f"{self.id}.jsonl"
        self.folder = folder / self.id
        self.cwd = cwd
        self.parent = None
        folder.mkdir(parents=True, exist_ok=True)
        self.path.touch()

    def raw(self, line):
        with self.path.open("ab") as file:
            file.write(line if isinstance(line, bytes) else line.encode())
        return self

    def record(self, kind, **values):
        record = {"parentUuid": self.parent, "isSidechain": False, "type": kind, "cwd": self.cwd, "sessionId": self.id}
        record |= {"uuid": str(uuid.uuid4()), "timestamp": "2026-11-20T10:00:00.000Z", "version": "2.1.328"} | values
        self.parent = record["uuid"]
        return self.raw(json.dumps(record, separators=(",", ":")) + "\n")

    def prompt(self, text, **values):
        return self.record("user", message={"role": "user", "content": text}, **values)

    def says(self, *blocks, response="msg_1", **values):
        blocks = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
        message = {"id": response, "role": "assistant", "model": "model-x", "content": blocks}
        message["usage"] = {"input_tokens": 10, "output_tokens": 5}
        return self.record("assistant", message=message, **values)

    def calls(self, name, call="toolu_1", **arguments):
        return self.says({"type": "tool_use", "id": call, "name": name, "input": arguments})

    def answers(self, text, call="toolu_1", error=None, **values):
        block = {"type": "tool_result", "tool_use_id": call, "content": text}
        if error is not None:
            block["is_error"] = error
        return self.record("user", message={"role": "user", "content": [block]}, **values)


def read(where, *, cwd=Path("/"), **options):
    """The documents of a history by id, and what was fetched."""
    fetched = history.fetch(Source("history", "history", str(where), cwd=cwd), **options)
    documents = list(fetched.documents)
    assert [each.id for each in documents] == sorted((each.id for each in documents), key=str.encode)
    return {each.id: each for each in documents}, fetched


def text_of(document):
    return bytes(document.data).decode()


def only(where, **options):
    """The text of a history of one document."""
    documents, _ = read(where, **options)
    (document,) = documents.values()
    return text_of(document)


def heads(document):
    """What each event is called, without its number and time; the first and the last are about the session."""
    return [head for _, _, head in HEAD.findall(text_of(document))]


def opens(root, anchor):
    """The raw bytes an anchor points at, provided they are those it was made from."""
    values = anchor.values
    with (Path(root) / values["file"]).open("rb") as file:
        file.seek(values["offset"])
        data = file.read(values["length"])
    assert hashlib.sha256(data).hexdigest()[:16] == values["sha256_16"]
    return data
