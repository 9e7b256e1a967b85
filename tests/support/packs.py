"""Packs made of a few texts, for tests of what reads them."""

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.pack.reader import Pack
from rlm_indexers.pack.writer import PackWriter


def pack_of(texts: Mapping[str, str | bytes], meta: Mapping[str, object] | None = None) -> Pack:
    """A pack, in memory, of the texts by document id."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pack"
        with PackWriter(path) as writer:
            for name, text in sorted(texts.items(), key=lambda item: item[0].encode()):
                data = text if isinstance(text, bytes) else text.encode()
                writer.add(SourceDocument(name, data, hashlib.sha256(data).hexdigest()))
            writer.finish({"name": "test", "kind": "repo", "facts": {}, **(meta or {})})
        return Pack(path.read_bytes())
