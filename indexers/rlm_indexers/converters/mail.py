"""Mail messages to lines: the headers a reader looks at, then each part that is text."""

import email
import email.policy
from email.message import EmailMessage

from rlm_indexers.converters import html
from rlm_indexers.converters.base import Converted, Lines, Unreadable
from rlm_indexers.text import decode

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_PARTS = 1000


def convert(data: bytes) -> Converted:
    """Headers under `{"part": 0}`, each text part under `{"part": n}`; HTML only where there is no plain text."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    lines = Lines()
    lines.anchor(part=0)
    for name in _SHOWN:
        if value := message.get(name):
            lines.add(f"{name}: {' '.join(str(value).split())}")
    if not lines:
        raise Unreadable("damaged: none of the headers of a mail")
    lines.add("")
    parts = [part for part in message.walk() if not part.is_multipart()][:_PARTS]
    plain = any(part.get_content_type() == "text/plain" and not part.is_attachment() for part in parts)
    for number, part in enumerate(parts, 1):
        lines.anchor(part=number)
        _add_part(lines, part, plain=plain)
    return lines.converted()


def _add_part(lines: Lines, part: EmailMessage, *, plain: bool) -> None:
    kind = part.get_content_type()
    content = part.get_payload(decode=True)
    body = content if isinstance(content, bytes) else b""
    if part.is_attachment() or not kind.startswith("text/"):
        lines.add(f"[attachment: {part.get_filename() or 'unnamed'}, {kind}, {len(body)} bytes]")
    elif kind == "text/html":
        if not plain:
            text = decode(body, part.get_content_charset())[0].decode()
            lines.add(html.render(text)[0].converted().text)
    else:
        lines.add(decode(body, part.get_content_charset())[0].decode())
