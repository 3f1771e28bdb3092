"""The second version of the Python SDK, which can speak the protocol of 2026-07-28: sdk_v2.py sse|http legacy|auto

Over SSE it does not reconnect: when the server restarts, calls fail and the application has to connect anew. Over
Streamable HTTP calls go on; before 2026-07-28 its stream for updates is tried again only twice.
"""

import sys
import warnings
from contextlib import asynccontextmanager

import anyio
import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPDeprecationWarning

from steps import Assistant, Inbox, is_enduring, job, refused, told, told_wrongly

kind, mode = sys.argv[1:]
# The older transport has no way to carry the newest protocol.
is_modern = (kind, mode) == ("http", "auto")
# What the newest protocol left behind is what the older ones are tested with.
warnings.simplefilter("ignore", MCPDeprecationWarning)


class Connected(Assistant):
    def __init__(self, client, changes):
        super().__init__(client, client.protocol_version)
        self.changes = changes

    def prompt(self, name):
        return types.PromptReference(type="ref/prompt", name=name)

    def template(self, uri):
        return types.ResourceTemplateReference(type="ref/resource", uri=uri)

    @asynccontextmanager
    async def watch(self, uri):
        if is_modern:
            async with self.client.listen(resource_subscriptions=[uri]) as changes:

                async def changed():
                    return (await anext(changes)).uri

                yield changed
        else:
            await self.client.subscribe_resource(uri)
            yield self.changes.next
            await self.client.unsubscribe_resource(uri)


@asynccontextmanager
async def connect(to=told):
    changes = Inbox()

    async def heard(message):
        if isinstance(message, types.ResourceUpdatedNotification):
            await changes.put.send(message.params.uri)

    async with httpx2.AsyncClient(headers=to.get("headers"), timeout=httpx2.Timeout(30, read=300)) as http:
        transport = sse_client(to["url"]) if kind == "sse" else streamable_http_client(to["url"], http_client=http)
        async with Client(transport, mode=mode, message_handler=heard) as client:
            assert client.server_info.name == "heycmo" and "get_account" in client.instructions
            yield Connected(client, changes)


async def main():
    # Over Streamable HTTP this SDK keeps the status and our words to itself.
    if not is_enduring:
        with refused("401" if kind == "sse" else "Server returned an error response"):
            async with connect(told_wrongly):
                pass
    await job(
        connect,
        "2026-07-28" if is_modern else "2025-11-25",
        has_ping=not is_modern,
        survives_restart=kind == "http",
        watches_after_restart=is_modern,
    )


anyio.run(main)
