"""Transcript text without the secrets in it. Runs before any text can reach a model or leave the machine.

All rules are one linear-time expression over bytes, so that text without secrets costs one pass. A secret becomes
`[secret:<rule>:<8 hex>]`; the hex is a keyed hash, so equal secrets stay equal and nobody can try guesses without the
key. The number of lines never changes. The shapes follow what gitleaks and the issuers document.
"""

import hashlib
import os
import re
import secrets
from collections import Counter
from pathlib import Path
from typing import Any

import re2

_ISSUERS = (
    r"d(?:op_v1|ckr_pat|tn)_|dapi|shp(?:at|ca|pa|ss)_|lin_api_|gsk_|xai-|pplx-|r8_|hv[sb]\.|PMAK-|sntr[yu]s_|NRAK-"
    r"|tskey-"
)
# Shapes that only a secret has, and how long one is at least. Lengths are checked after the match, not counted in the
# expression: a counted repetition of thirty costs the automaton thirty states, and it is built anew in every process.
_TOKENS: dict[str, tuple[int, str]] = {
    "anthropic": (24, r"sk-ant-[A-Za-z0-9_-]+"),
    "openai": (24, r"sk-[A-Za-z0-9_-]+"),
    "github": (30, r"(?:gh[pousr]|github_pat)_[A-Za-z0-9_]+"),
    "gitlab": (20, r"gl(?:pat|[dr]t|cbt|ptt|ft|soat|oas|agent|imt)-[A-Za-z0-9_.-]+"),
    "npm": (34, r"npm_[A-Za-z0-9]+"),
    "pypi": (36, r"pypi-[A-Za-z0-9_-]+"),
    "huggingface": (30, r"hf_[A-Za-z0-9]+"),
    "google": (24, r"(?:AIza|GOCSPX-|ya29\.)[A-Za-z0-9_-]+"),
    "sendgrid": (36, r"SG\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),
    "azure": (36, r"[A-Za-z0-9_~.]{3}[78]Q~[A-Za-z0-9_~.-]+"),
    "age": (50, r"AGE-SECRET-KEY-1[0-9A-Z]+"),
    "aws": (20, r"A(?:KIA|SIA|BIA|CCA)[A-Z2-7]+"),
    "slack": (16, r"xox[abeoprs]-[A-Za-z0-9-]+|xapp-[0-9]-[A-Za-z0-9-]+|hooks\.slack\.com/services/[A-Za-z0-9/]+"),
    "jwt": (36, r"eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),
    "stripe": (24, r"(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9+/=]+"),
    "issuer": (32, rf"(?:{_ISSUERS})[A-Za-z0-9+/=_-]+"),
}
_NAME = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key"
    r"|encryption[_-]?key|signing[_-]?key|shared[_-]?key|auth[_-]?key|credential"
)
# Places where a secret stands; whether one does is for `_plausible` to say.
_PLACES: dict[str, str] = {
    # "password": "…", api_key = '…', SECRET_KEY="…", also inside JSON that is itself quoted
    "assigned": rf"(?i:{_NAME})[A-Za-z0-9_-]*\\*[\"']?[ \t]*(?::|=|=>|:=)[ \t]*[bruf]?\\*[\"']([^\"'\\\s]+)\\*[\"']",
    # DB_PASSWORD=…, export X_TOKEN=…, AccountKey=…;
    "variable": r"(?:PASSWORD|PASSWD|PASSPHRASE|PWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY|AUTH_?KEY|PRIVATE_KEY|CREDENTIALS?"
    r"|AccountKey|SharedAccessKey|_authToken)[A-Z0-9_]*=([^\s\"'\\;&|<>(){}$,]+)",
    # password: … on a line of its own, as in YAML
    "setting": rf"(?m:^[ \t+-]*[A-Za-z0-9_.-]*(?i:{_NAME})[A-Za-z0-9_-]*:[ \t]+"
    r"([^\s\"'\\;&|<>(){}$,\[\]]+)[ \t\r]*$)",
    "header": r"(?i:bearer|authorization:[ \t]*(?:basic|token|apikey)|x-api-key:|api-key:|private-token:)[ \t]+"
    r"\\*[\"']?([A-Za-z0-9._~+/=-]+)",
    "url": r"[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@\"'<>]*:([^\s@/\"'<>]+)@[A-Za-z0-9\[]",
    "flag": r"--?(?:password|passwd|token|api-key|secret)[= ]([^\s\"'\\<>(){}$]+)",
}
_SHORTEST = {**{name: least for name, (least, _) in _TOKENS.items()}, "header": 12, "url": 3}
_RULES = [*_TOKENS, *_PLACES]


def _compiled(patterns: list[str]) -> Any:
    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    return re2.compile("|".join(patterns).encode(), options)


_SHAPES = [f"({pattern})" for _, pattern in _TOKENS.values()]
_SHAPE = _compiled(_SHAPES)
# `\n` before a token may be two characters: JSON that was quoted again.
_ANY = _compiled([*(rf"(?:\b|\\[nrt]){shape}" for shape in _SHAPES), *_PLACES.values()])

_PEM_BEGIN = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BYTES = 20_000
# A key whose end is missing: lines of base64, also when numbered by a tool or written with `\n`.
_PEM_BODY = re.compile(rb"(?:(?:\s|\\[nr]|[\"'+>|,:-]|\d{1,5}[\t|:\xe2\x86\x92]{1,3})*[A-Za-z0-9+/=]{16,})*")
_STANDS_FOR = (
    rb"[*x.\-_#?]+|.*(?:example|placeholder|your[_-]|changeme|redacted|\[secret:|xxxx|\*\*\*|\.\.\.).*|[<{$%@&(].*"
)
_LOOKED_UP = (
    rb"(?:os|self|process|env|cfg|config|settings|args|request|app|options)[.\[].*|none|null|undefined|true|false"
)
_EMPTY = re.compile(
    rb"(?i)^(?:" + _STANDS_FOR + rb"|" + _LOOKED_UP + rb"|(?:[a-z]*[_-])*(?:password|passwd|secret|string)s?)$"
)
# Where the name beside it only says "token" or "key", a value that reads like an identifier is one.
_PLACEHOLDER = re.compile(
    rb"^(?:(?i:" + _STANDS_FOR + rb"|" + _LOOKED_UP + rb")|[A-Za-z_]+\(.*|[a-z]+(?:[_-][a-z]+)*|[A-Z]+(?:_[A-Z]+)*"
    rb"|[a-z]+(?:[A-Z][a-z]+)+|[A-Za-z_]+(?:\.[A-Za-z_]+)+)$"
)
_PASSWORDS = (b"password", b"passwd", b"pwd", b"passphrase", b"://")


def key_in(folder: Path) -> bytes:
    """The key of the hashes, made once per cache folder and readable by its owner only."""
    path = folder / "redaction.key"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    key = path.read_bytes()
    if len(key) != 32:
        path.unlink()
        return key_in(folder)
    return key


class Redactor:
    """Replaces secrets, and counts what it replaced by rule in `found`."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.found: Counter[str] = Counter()

    def redact(self, text: bytes) -> bytes:
        """The text with every secret replaced and every line end kept."""
        if b"PRIVATE KEY" in text:
            text = self._without_keys(text)
        parts: list[bytes] = []
        done = 0
        for match in _ANY.finditer(text):
            group = match.lastindex
            rule = _RULES[group - 1]
            start, end = match.span(group)
            before = match[0][: start - match.start()] if rule in _PLACES else None
            if end - start < _SHORTEST.get(rule, 6) or not _plausible(match[group], before):
                continue
            if before is not None and (shape := _SHAPE.fullmatch(match[group])):  # one secret, one name, wherever it is
                rule = _RULES[shape.lastindex - 1]
            parts += text[done:start], self._marker(rule, match[group])
            done = end
        return b"".join([*parts, text[done:]]) if parts else text

    def _marker(self, rule: str, secret: bytes) -> bytes:
        self.found[rule] += 1
        digest = hashlib.blake2b(secret, key=self._key, digest_size=4).hexdigest()
        return f"[secret:{rule}:{digest}]".encode()

    def _without_keys(self, text: bytes) -> bytes:
        parts: list[bytes] = []
        done = 0
        while begin := _PEM_BEGIN.search(text, done):
            end = _PEM_END.search(text, begin.end(), begin.end() + _PEM_BYTES)
            body = _PEM_BODY.match(text, begin.end())
            stop = end.end() if end else body.end() if body else begin.end()
            secret = text[begin.start() : stop]
            parts += text[done : begin.start()], self._marker("private-key", secret), b"\n" * secret.count(b"\n")
            done = stop
        return b"".join([*parts, text[done:]])


def _plausible(value: bytes, before: bytes | None) -> bool:
    """Whether a match is a secret, and no name, placeholder or call. `before`: what announces it, if not its shape."""
    if before is None:
        return any(48 <= byte < 58 for byte in value) and len(set(value)) > 6 and not _PLACEHOLDER.match(value[:2000])
    if any(word in before.lower() for word in _PASSWORDS):
        return not _EMPTY.match(value[:2000])
    return len(set(value)) >= 6 and not _PLACEHOLDER.match(value[:2000])
