"""The control plane: create, get, list by labels, delete, and the few settings we use."""

import json
import time

from aiohttp import web

from tests.support.daytona_emulator.faults import Faults
from tests.support.daytona_emulator.world import Sandbox, World, stamp

PAGE = 100


def failure(status: int, message: str, code: str = "") -> web.Response:
    """A refusal in the wire format that the SDK turns into its typed errors; a code of its own is the daemon's."""
    body = {"statusCode": status, "message": message, "path": "", "timestamp": stamp(time.time()), "method": ""}
    body |= {"source": "DAYTONA_DAEMON", "code": code} if code else {"source": "DAYTONA_API"}
    return web.json_response(body, status=status)


class Control:
    """The routes under `/api`."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults

    def routes(self) -> list[web.RouteDef]:
        one = "/api/sandbox/{name}"
        return [
            web.post("/api/sandbox", self.create),
            web.get("/api/sandbox", self.list),
            web.get(one, self.get),
            web.delete(one, self.delete),
            web.post(one + "/stop", self.stop),
            web.post(one + "/last-activity", self.activity),
            web.put(one + "/labels", self.labels),
            web.get(one + "/toolbox-proxy-url", self.toolbox_url),
        ]

    def wanted(self, request: web.Request) -> Sandbox:
        found = self.world.find(request.match_info["name"])
        if found is None:
            message = f"Sandbox {request.match_info['name']} not found"
            raise web.HTTPNotFound(text=json.dumps({"message": message}), content_type="application/json")
        return found

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = asked.get("name")
        if name and self.world.find(name):
            return failure(409, f"Sandbox {name} already exists")
        made = self.world.create(asked)
        made.parts["ends_in"] = self.faults.create_ends_in
        made.started_at = time.time() + self.faults.creating_seconds
        if not self.faults.creating_seconds:
            made.state = self.faults.create_ends_in
        return web.json_response(made.as_json())

    async def list(self, request: web.Request) -> web.Response:
        labels = json.loads(request.query.get("labels", "{}")).items()
        states = request.query.getall("states", [])
        found = [one for one in self.world.sandboxes.values() if labels <= one.labels.items()]
        found = [one for one in found if not states or one.state in states]
        start, limit = int(request.query.get("cursor", "0")), int(request.query.get("limit", str(PAGE)))
        items = [one.as_json(listed=True) for one in found[start : start + limit]]
        following = str(start + limit) if start + limit < len(found) else None
        return web.json_response({"items": items, "nextCursor": following, "total": len(found)})

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self.wanted(request).as_json())

    async def delete(self, request: web.Request) -> web.Response:
        one = self.wanted(request)
        self.world.destroy(one)
        return web.json_response(one.as_json())

    async def stop(self, request: web.Request) -> web.Response:
        one = self.wanted(request)
        self.world.stop(one)
        return web.json_response(one.as_json())

    async def activity(self, request: web.Request) -> web.Response:
        self.wanted(request).active = time.time()
        return web.Response(status=201)

    async def labels(self, request: web.Request) -> web.Response:
        one = self.wanted(request)
        labels = (await request.json())["labels"]
        one.asked = {**one.asked, "labels": labels}
        return web.json_response({"labels": labels})

    async def toolbox_url(self, request: web.Request) -> web.Response:
        self.wanted(request)
        return web.json_response({"url": self.world.toolbox})
