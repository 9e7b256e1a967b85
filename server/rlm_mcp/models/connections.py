"""One pool of connections for the life of a server, whatever number of models share it."""

import asyncio

import aiohttp


class Connections:
    """The pool. It belongs to the event loop that first asked.

    Another loop gets a pool of its own, and the old one is dropped: a connection used from a loop that did not open it
    fails after the provider has answered, that is, has billed.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def session(self) -> aiohttp.ClientSession:
        """The pool of the running loop."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            self._loop = loop
            # No limit here: how many calls are made at a time is decided in calls.py.
            connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def close(self) -> None:
        """Safe to call twice, and from any loop."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
