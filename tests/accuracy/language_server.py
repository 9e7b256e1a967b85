"""Where a name is defined, asked of a language server: the few requests that takes, over its standard streams."""

import json
import subprocess
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlparse

_SETTINGS = {"diagnosticMode": "openFilesOnly", "typeCheckingMode": "off", "useLibraryCodeForTypes": True}


class LanguageServer:
    """One server for one folder."""

    def __init__(self, command: list[str], root: Path, language: str) -> None:
        self._root, self._language = root, language
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._number = 0
        self._open = ""
        capabilities = {"workspace": {"configuration": True, "workspaceFolders": True}}
        folders = [{"uri": root.as_uri(), "name": root.name}]
        self._ask(
            "initialize",
            processId=None,
            rootUri=root.as_uri(),
            capabilities=capabilities,
            workspaceFolders=folders,
            initializationOptions={"tsserver": {"useSyntaxServer": "never"}},  # it would know one file at a time
        )
        self._say("initialized")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def definitions(self, document: str, line: int, column: int) -> set[tuple[str, int]] | None:
        """(document, line) of the definitions inside the folder, 1-based; None when it cannot tell."""
        self._show(document)
        position = {"line": line - 1, "character": column}
        found = self._ask("textDocument/definition", textDocument={"uri": self._uri(document)}, position=position)
        places = [found] if isinstance(found, dict) else found or []
        inside = set()
        for place in places:
            path = Path(unquote(urlparse(place.get("uri") or place["targetUri"]).path))
            where = place.get("range") or place["targetSelectionRange"]
            if path.is_relative_to(self._root):
                inside.add((str(path.relative_to(self._root)), where["start"]["line"] + 1))
        return inside if places else None

    def _uri(self, document: str) -> str:
        return (self._root / document).as_uri()

    def _show(self, document: str) -> None:
        if self._open == document:
            return
        if self._open:
            self._say("textDocument/didClose", textDocument={"uri": self._uri(self._open)})
        self._open = document
        text = (self._root / document).read_bytes().decode("utf-8", "replace")
        item = {"uri": self._uri(document), "languageId": self._language, "version": 1, "text": text}
        self._say("textDocument/didOpen", textDocument=item)

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        while True:
            message = self._next()
            if message.get("id") == self._number and "method" not in message:
                return message.get("result")
            if "id" in message:  # a request of the server's own
                items = message.get("params", {}).get("items", [])
                self._send({"id": message["id"], "result": [_SETTINGS] * len(items) if items else None})

    def _say(self, method: str, **parameters: Any) -> None:
        self._send({"method": method, "params": parameters})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        assert self._process.stdout
        size = 0
        while (line := self._process.stdout.readline().strip()) or not size:
            if line.lower().startswith(b"content-length:"):
                size = int(line.partition(b":")[2])
        message: dict[str, Any] = json.loads(self._process.stdout.read(size))
        return message
