"""Small real files for tests of document folders, written byte by byte: no library that could share a mistake."""

import zlib
from collections.abc import Sequence


def pdf(pages: Sequence[Sequence[str]], *, extra: str = "", stream: bytes | None = None) -> bytes:
    """A PDF whose pages show these lines. `extra` enters the trailer; `stream` replaces every page's content."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", _tree(len(pages)), _FONT]
    bodies = [o.encode() for o in objects]
    for number, lines in enumerate(pages):
        bodies.append(_page(5 + 2 * number).encode())
        content = stream if stream is not None else zlib.compress(_content(lines))
        bodies.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(content), content))
    return _file(bodies, extra)


def encrypted_pdf() -> bytes:
    """A PDF that asks for a password nobody has."""
    key = "00" * 32
    return pdf(
        [["secret"]], extra=f" /Encrypt << /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -44 >> /ID [<00> <00>]"
    )


def pdf_bomb(megabytes: int = 416) -> bytes:
    """A PDF of less than a megabyte with one page whose content inflates to so much."""
    squeeze = zlib.compressobj(9)
    chunk = b"BT ET " * 174763
    stream = b"".join([*(squeeze.compress(chunk) for _ in range(megabytes)), squeeze.flush()])
    return pdf([["boom"]], stream=stream)


_FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def _tree(count: int) -> str:
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    return f"<< /Type /Pages /Count {count} /Kids [{kids}] >>"


def _page(content: int) -> str:
    resources = "/Resources << /Font << /F1 3 0 R >> >>"
    return f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {resources} /Contents {content} 0 R >>"


def _content(lines: Sequence[str]) -> bytes:
    shown = "".join(f"({_escaped(line)}) Tj T*\n" for line in lines)
    return f"BT /F1 11 Tf 13 TL 72 720 Td\n{shown}ET\n".encode("cp1252")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _file(bodies: Sequence[bytes], extra: str) -> bytes:
    data = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    data += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(
        data
        + b"trailer\n<< /Size %d /Root 1 0 R%b >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, extra.encode(), table)
    )
