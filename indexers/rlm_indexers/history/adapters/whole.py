"""Sessions that are one JSON file, rewritten as a whole: Cline, Continue, and Gemini's chats of old.

Each message still has its own place: the bytes between which it stands in the file.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters.cline import Cline
from rlm_indexers.history.adapters.continued import Continue
from rlm_indexers.history.adapters.gemini import Chat
from rlm_indexers.history.adapters.reading import Adapter, Reading, Task, digest
from rlm_indexers.history.events import Origin
from rlm_indexers.history.records import OVERSIZE, open_regular
from rlm_indexers.history.redact import Redactor
from rlm_indexers.history.writer import Writer
from rlm_indexers.text import decode

JSON = Any
_LISTS = {"cline": "messages", "continue": "history", "gemini-json": "messages"}
_BLANK = re.compile(r"[\s,]*")


def read(task: Task, redactor: Redactor, form: str) -> list[SourceDocument]:
    """The document of a session. Raises OSError only."""
    with open_regular(task.path) as file:
        data = file.read(OVERSIZE + 1)
    adapter: Adapter = {"cline": Cline, "continue": Continue, "gemini-json": Chat}[form]()
    reading = Reading(task, Writer(task.id, hashlib.sha256(data).hexdigest(), redactor), adapter)
    if len(data) > OVERSIZE:
        reading.problem("a session too large to be read", Origin(task.file, 1, 0, len(data), ""))
        return reading.finish()
    for message, origin in messages(task.file, data, _LISTS[form]):
        reading.take(message, origin)
    return reading.finish()


def messages(file: str, data: bytes, name: str) -> Iterator[tuple[dict[str, JSON], Origin]]:
    """The objects of a list in a JSON file, each with its own bytes; as far as the file can be read."""
    text = decode(data)[0].decode()
    plain = text.encode() == data
    found = re.search(rf'"{name}"\s*:\s*\[', text)
    place, number, offset, counted = found.end() if found else len(text), 0, 0, 0
    decoder = json.JSONDecoder()
    while True:
        place = _BLANK.match(text, place).end()  # type: ignore[union-attr]  # it matches the empty text
        if place >= len(text) or text[place] == "]":
            return
        try:
            message, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return
        number += 1
        raw = text[place:end].encode()
        offset += len(text[counted:place].encode())
        origin = Origin(file, number, offset, len(raw), digest(raw))
        if not plain:  # a mark or another encoding: the file as a whole is the origin
            origin = Origin(file, number, 0, len(data), digest(data))
        offset, counted, place = offset + len(raw), end, end
        if isinstance(message, dict):
            yield message, origin
