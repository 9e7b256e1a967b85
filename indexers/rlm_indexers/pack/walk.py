"""Documents of a pack, looked up in ascending order of their ids: one step each instead of a search."""

from rlm_indexers.pack.reader import Pack


class Walk:
    """Goes through a pack once, from the first document to the last."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._at = 0
        self._id = pack.id_bytes(0) if len(pack) else b""

    def find(self, id_bytes: bytes) -> int | None:
        """The number of the document with this id; ask for ids in the order in which a pack sorts them."""
        while self._at < len(self.pack) and self._id < id_bytes:
            self._at += 1
            self._id = self.pack.id_bytes(self._at) if self._at < len(self.pack) else b""
        return self._at if self._at < len(self.pack) and self._id == id_bytes else None
