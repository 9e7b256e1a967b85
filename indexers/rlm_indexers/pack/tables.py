"""Everything of a pack but its text and symbols, while it is written: the table, ids, strings, line index, anchors."""

from array import array
from collections.abc import Iterable
from typing import IO

from rlm_indexers.pack.columns import Columns, assign, move
from rlm_indexers.pack.reader import ENTRY, Document, Entry, header_line


class Tables:
    """Grows by a document, or by a run of documents of another pack, whose rows are copied and moved to their place."""

    def __init__(self, anchors: IO[bytes]) -> None:
        self.rows = bytearray()
        self.ids = bytearray()
        self.strings = Strings()
        self.blocks = array("I")
        self.region = 0
        """Where the next document begins in the region, header and all."""
        self._anchors = anchors

    def __len__(self) -> int:
        return len(self.rows) // ENTRY.size

    def enter(self, id_bytes: bytes, known: Document, blocks: Iterable[int], anchors: bytes) -> None:
        """Take one document, described as an open pack would."""
        flags, language = "\n".join(known.flags).encode(), known.language.encode()
        text = self.region + len(id_bytes) + len(header_line(""))
        entry = Entry(
            text=text,
            anchors=self._anchors.tell(),
            symbols=0,
            size=known.size,
            lines=known.lines,
            block=len(self.blocks),
            id=len(self.ids),
            language=self.strings.place(language),
            flags=self.strings.place(flags),
            anchors_size=len(anchors),
            symbols_size=0,
            id_size=len(id_bytes),
            flags_size=len(flags),
            language_size=len(language),
            sha256=bytes.fromhex(known.sha256),
        )
        self.rows += ENTRY.pack(*entry)
        self.ids += id_bytes
        self.blocks.extend(blocks)
        self._anchors.write(anchors)
        self.region = text + known.size + 1

    def take(self, old: Columns) -> None:
        """Take a run of documents of another pack; what is said of their symbols stays as it was there."""
        pack, parts = old.pack, old.pack.sections
        first, last = pack.entry(old.start), pack.entry(old.stop - 1)
        start = start_of(first)
        rows = bytearray(parts["table"][old.start * ENTRY.size : old.stop * ENTRY.size])
        view = memoryview(rows)
        move(view, "text", self.region - start)
        move(view, "anchors", self._anchors.tell() - first.anchors)
        move(view, "block", len(self.blocks) - first.block)
        move(view, "id", len(self.ids) - first.id)
        self._say(view, old)
        self.rows += rows
        self.ids += parts["ids"][first.id : last.id + last.id_size]
        lines_end = last.block + len(pack.blocks(old.stop - 1))
        self.blocks.frombytes(parts["blocks"][4 * first.block : 4 * lines_end])
        self._anchors.write(parts["anchors"][first.anchors : last.anchors + last.anchors_size])
        self.region += last.text + last.size + 1 - start

    def _say(self, rows: memoryview, old: Columns) -> None:
        """Point rows at our strings, which stand in the order in which documents first used them."""
        said = old.said()
        places = {each: tuple(map(self.strings.place, old.words(each))) for each in dict.fromkeys(said)}
        for name, which in (("language", 0), ("flags", 1)):
            if any(each[2 * which] != place[which] for each, place in places.items()):
                assign(rows, name, [places[each][which] for each in said])


class Strings:
    """Short strings, each stored once."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._places: dict[bytes, int] = {b"": 0}

    def place(self, value: bytes) -> int:
        if value not in self._places:
            self._places[value] = len(self.data)
            self.data += value
        return self._places[value]


def start_of(entry: Entry) -> int:
    """Where a document's header begins in the region."""
    return entry.text - entry.id_size - len(header_line(""))
