"""The first version of the Python SDK: sdk_v1.py sse|http

Over SSE it does not reconnect: when the server restarts, calls fail and the application has to connect anew. Over
Streamable HTTP calls go on; its stream for updates is tried again only twice, so it may be gone for good.
"""

import sys
from contextlib import asynccontextmanager

import anyio
import httpx
from mcp import ClientSession, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from steps import Assistant, Inbox, is_enduring, job, refused, told, told_wrongly

kind = sys.argv[1]


class Connected(Assistant):
    def __init__(self, session, version, changes):
        super().__init__(session, version)
        self.changes = changes

    def prompt(self, name):
        return types.PromptReference(type="ref/prompt", name=name)

    def template(self, uri):
        return types.ResourceTemplateReference(type="ref/resource", uri=uri)

    @asynccontextmanager
    async def watch(self, uri):
        await self.client.subscribe_resource(uri)
        yield self.changes.next
        await self.client.unsubscribe_resource(uri)


@asynccontextmanager
async def transport(to):
    if kind == "sse":
        async with sse_client(to["url"]) as streams:
            yield streams
    else:
        async with httpx.AsyncClient(headers=to["headers"], timeout=httpx.Timeout(30, read=300)) as http:
            async with streamable_http_client(to["url"], http_client=http) as (read, write, _):
                yield read, write


@asynccontextmanager
async def connect(to=told):
    changes = Inbox()

    async def heard(message):
        if isinstance(message, types.ServerNotification) and isinstance(message.root, types.ResourceUpdatedNotification):
            await changes.put.send(str(message.root.params.uri))

    async with transport(to) as (read, write), ClientSession(read, write, message_handler=heard) as session:
        hello = await session.initialize()
        assert hello.serverInfo.name == "heycmo" and "get_account" in hello.instructions
        yield Connected(session, hello.protocolVersion, changes)


async def main():
    if not is_enduring:
        with refused("401"):
            async with connect(told_wrongly):
                pass
    await job(connect, "2025-11-25", survives_restart=kind == "http")


anyio.run(main)
