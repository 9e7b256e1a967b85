"""HTML to readable lines: one per block, headings marked with `#`, scripts and styles left out."""

import re
from html.parser import HTMLParser

from rlm_indexers.converters.base import Converted, Lines, Unreadable
from rlm_indexers.text import decode

_DROPPED = frozenset({"script", "style", "template", "svg", "math", "iframe", "object", "canvas", "noframes"})
_BLOCK = re.compile(
    "address|article|aside|blockquote|body|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|head|header|hr"
    "|html|legend|li|main|nav|ol|option|p|section|summary|table|tbody|tfoot|thead|title|tr|ul|pre"
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\n\r\f]+")


def convert(data: bytes) -> Converted:
    """The text under anchors `{"heading": …}`; the encoding is what the page declares when it is not UTF-8."""
    declared = _CHARSET.search(data[:4096])
    text, flags = decode(data, declared[1].decode() if declared else None)
    lines, unclosed = render(text.decode())
    if not lines.characters:
        raise Unreadable("no-text: the page shows none without its scripts")
    marks = (flag for flag in flags if flag.startswith("encoding"))
    return lines.converted(*marks, *((f"html-unclosed:{unclosed}",) if unclosed else ()))


def render(page: str) -> tuple[Lines, str]:
    """The lines of a page, and the name of a dropped element that was never closed (its content is lost), or ""."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    reader.end_block()
    return reader.lines, reader.dropping


class _Reader(HTMLParser):
    """Collects one block at a time. Nesting is not tracked, so unclosed and crossed tags cannot break it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines = Lines()
        self.dropping = ""
        self._block: list[str] = []
        self._mark = ""
        self._heading = False
        self._preformatted = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.dropping:
            return
        if tag in _DROPPED:
            self.dropping = tag
        elif tag in _HEADINGS:
            self.end_block()
            self._mark, self._heading = _HEADINGS[tag], True
        elif _BLOCK.fullmatch(tag):
            self._start_block(tag)
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")
        else:
            self._start_inline(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _DROPPED:  # `<svg/>` opens nothing that would have to be closed
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self.dropping:
            self.dropping = "" if tag == self.dropping else self.dropping
        elif tag == "a" and self._links:
            self._end_link(self._links.pop())
        elif _BLOCK.fullmatch(tag) or tag in _HEADINGS:
            self.end_block()
            self._preformatted -= tag == "pre" and self._preformatted > 0

    def handle_data(self, data: str) -> None:
        if not self.dropping:
            self._block.append(data if self._preformatted else _SPACE.sub(" ", data))

    def end_block(self) -> None:
        text = "".join(self._block)
        text = text.strip("\n") if self._preformatted else re.sub(" {2,}", " ", text).strip(" |")
        self._block = []
        if not text.strip():
            return
        if self._heading:
            self.lines.anchor(heading=text.strip()[:200])
        self.lines.add(self._mark + text)
        self._mark, self._heading = "", False

    def _start_block(self, tag: str) -> None:
        self.end_block()
        self._preformatted += tag == "pre"
        self._mark, self._heading = ("- " if tag == "li" else ""), False

    def _start_inline(self, tag: str, attrs: dict[str, str | None]) -> None:
        if tag == "br":
            self._block.append("\n" if self._preformatted else " ")
        elif tag in {"td", "th"}:
            self._block.append(" | ")
        elif tag == "img" and attrs.get("alt"):
            self._block.append(f"[image: {attrs['alt']}]")

    def _end_link(self, target: str) -> None:
        if re.match(r"(?i)(https?|mailto):", target) and target not in "".join(self._block[-3:]):
            self._block.append(f" <{target}>")
