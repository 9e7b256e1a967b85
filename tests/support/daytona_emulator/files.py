"""The toolbox's files: bulk upload and download as multipart, and a few small ones."""

import re
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import BodyPartReader, web

from tests.support.daytona_emulator.control import failure
from tests.support.daytona_emulator.faults import Faults
from tests.support.daytona_emulator.world import SANDBOX

BLOCK = 1 << 18
FIELD = re.compile(r"files\[(\d+)\]\.(path|file)")


def info(path: Path) -> dict[str, object]:
    status = path.stat()
    changed = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
    return {
        "name": path.name,
        "path": str(path),
        "isDir": path.is_dir(),
        "size": status.st_size,
        "mode": f"{status.st_mode:o}",
        "permissions": f"{status.st_mode & 0o777:04o}",
        "modTime": changed,
        "modifiedAt": changed,
        "owner": str(status.st_uid),
        "group": str(status.st_gid),
    }


class Files:
    """The routes under `/toolbox/{id}/files`."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def routes(self, prefix: str) -> list[web.RouteDef]:
        return [
            web.post(prefix + "/files/bulk-upload", self.upload),
            web.post(prefix + "/files/bulk-download", self.download),
            web.post(prefix + "/files/folder", self.folder),
            web.get(prefix + "/files/info", self.info),
            web.get(prefix + "/files", self.list),
            web.delete(prefix + "/files", self.delete),
            web.get(prefix + "/work-dir", self.home),
            web.get(prefix + "/user-home-dir", self.home),
        ]

    async def upload(self, request: web.Request) -> web.Response:
        sandbox = request[SANDBOX]
        paths: dict[str, str] = {}
        stored: list[dict[str, object]] = []
        async for part in await request.multipart():
            field = FIELD.fullmatch(getattr(part, "name", None) or "")
            if not isinstance(part, BodyPartReader) or field is None:
                return web.json_response({"errors": ["unexpected part"]}, status=400)
            if field[2] == "path":
                paths[field[1]] = await part.text()
                continue
            # The destination rides in the file name; a path part, when sent, comes first and wins.
            destination = sandbox.path(paths.get(field[1]) or part.filename or "")
            stored.append({"path": str(destination), "bytes": await self.store(part, destination)})
        return web.json_response({"files": stored})

    async def store(self, part: BodyPartReader, destination: Path) -> int:
        kept = self.faults.kept_upload_bytes.pop(0) if self.faults.kept_upload_bytes else None
        destination.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        with destination.open("wb") as file:
            while block := await part.read_chunk(BLOCK):
                file.write(block if kept is None else block[: max(0, kept - size)])
                size += len(block)
        return size

    async def download(self, request: web.Request) -> web.StreamResponse:
        sandbox = request[SANDBOX]
        boundary = secrets.token_hex(12)
        answer = web.StreamResponse(headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
        await answer.prepare(request)
        for name in (await request.json())["paths"]:
            path = sandbox.path(name)
            kind, data = ("file", path.read_bytes()) if path.is_file() else ("error", b"file not found")
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{kind}"; filename="{name}"\r\n'
            await answer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data + b"\r\n")
        await answer.write(f"--{boundary}--\r\n".encode())
        await answer.write_eof()
        return answer

    async def folder(self, request: web.Request) -> web.Response:
        request[SANDBOX].path(request.query["path"]).mkdir(parents=True, exist_ok=True)
        return web.Response(status=201)

    async def info(self, request: web.Request) -> web.Response:
        path = request[SANDBOX].path(request.query["path"])
        return web.json_response(info(path)) if path.exists() else failure(404, "no such file", "FILE_NOT_FOUND")

    async def list(self, request: web.Request) -> web.Response:
        path = request[SANDBOX].path(request.query.get("path", "."))
        if not path.is_dir():
            return failure(404, "no such folder", "FILE_NOT_FOUND")
        return web.json_response([info(one) for one in sorted(path.iterdir())])

    async def delete(self, request: web.Request) -> web.Response:
        path = request[SANDBOX].path(request.query["path"])
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        return web.Response(status=204)

    async def home(self, request: web.Request) -> web.Response:
        return web.json_response({"dir": str(request[SANDBOX].home)})
