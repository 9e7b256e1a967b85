"""PDF to lines, page by page. The only door to pypdfium2, imported only in the converter's own process."""

from typing import Any

from rlm_indexers.converters.base import Converted, Lines, Unreadable, ranges

SCANNED = 20
"""A page with fewer characters than this has no text layer worth the name."""
PAGES = 20_000
CHARACTERS = 48_000_000


def convert(data: bytes) -> Converted:
    """Every page begins on a line of its own, under the anchor `{"page": n}`; a page without text is an empty line."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        reason = str(error).lower()
        raise Unreadable("encrypted" if "password" in reason else f"damaged: {reason[:120]}") from error
    return _read(pdf, pypdfium2.PdfiumError)


def _read(pdf: Any, failure: type[Exception]) -> Converted:
    lines = Lines()
    scanned: list[int] = []
    broken: list[int] = []
    pages = len(pdf)
    if not pages:
        raise Unreadable("damaged: no pages")
    for number in range(1, pages + 1):
        if number > PAGES or lines.characters > CHARACTERS:
            return lines.converted(*_flags(scanned, broken), f"cut-before-page:{number}-of-{pages}")
        lines.anchor(page=number)
        try:
            text = _page_text(pdf, number - 1)
        except failure:
            broken.append(number)
            text = ""
        if len(text.strip()) < SCANNED and number not in broken[-1:]:
            scanned.append(number)
        lines.add(text.rstrip())
    if len(scanned) + len(broken) == pages and not lines.converted().text.strip():
        raise Unreadable(f"no-text-layer: {pages} pages" if scanned else f"damaged: none of {pages} pages can be read")
    return lines.converted(*_flags(scanned, broken))


def _page_text(pdf: Any, index: int) -> str:
    page = pdf[index]
    try:
        text_page = page.get_textpage()
        try:
            # pdfium writes U+0002 for a hyphen at a line's end that it joined; the hyphen is what stands on the page.
            return str(text_page.get_text_bounded()).replace("\x02", "-")
        finally:
            text_page.close()
    finally:
        page.close()


def _flags(scanned: list[int], broken: list[int]) -> tuple[str, ...]:
    flags = {"no-text-layer": scanned, "page-unreadable": broken}
    return tuple(f"{flag}:{ranges(pages)}" for flag, pages in flags.items() if pages)
