"""The authorization of the Python SDKs, with nothing but the address of the server: oauth.py v1|v2"""

import os
import subprocess
import sys
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from urllib.parse import parse_qs, urlparse

import anyio
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

is_first = sys.argv[1] == "v1"
if is_first:
    import httpx
else:
    import httpx2 as httpx
    from mcp.shared.auth import AuthorizationCodeResult

url = f"{os.environ['HEYCMO_MCP']}/mcp"
answers = Queue()


class App(BaseHTTPRequestHandler):
    """Where the answer arrives: a program on this computer."""

    def do_GET(self):
        if urlparse(self.path).path == "/callback":
            answers.put({name: values[0] for name, values in parse_qs(urlparse(self.path).query).items()})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"You can go back to the app.")

    def log_message(self, *_):
        pass


app = HTTPServer(("127.0.0.1", 0), App)
threading.Thread(target=app.serve_forever, daemon=True).start()


class Storage:
    """What the app keeps."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


storage = Storage()
gives = "read write"
times_asked = 0


async def redirect(address):
    global times_asked
    times_asked += 1
    person = [os.environ["HEYCMO_NODE"], "../node/person.mjs", address, gives]
    done = await anyio.to_thread.run_sync(lambda: subprocess.run(person, capture_output=True, text=True))
    assert done.returncode == 0, done.stderr


async def callback():
    answer = await anyio.to_thread.run_sync(lambda: answers.get(timeout=60))
    assert answer["iss"] == os.environ["HEYCMO_GATEWAY"], answer
    if is_first:
        return answer["code"], answer.get("state")
    return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer["iss"])


@asynccontextmanager
async def connect():
    about = OAuthClientMetadata(
        client_name="Python app",
        redirect_uris=[f"http://127.0.0.1:{app.server_port}/callback"],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    auth = OAuthClientProvider(url, about, storage, redirect, callback)
    async with httpx.AsyncClient(auth=auth, timeout=60) as http:
        async with streamable_http_client(url, http_client=http) as streams:
            async with ClientSession(streams[0], streams[1]) as session:
                await session.initialize()
                yield session


async def names(session):
    return {tool.name for tool in (await session.list_tools()).tools}


def said(result):
    return result.content[0].text


async def main():
    global gives
    async with connect() as session:
        assert times_asked == 1 and storage.tokens.scope == "read write", storage.tokens
        tools = await names(session)
        assert "create_content" in tools and "publish_content" not in tools, tools
        await session.call_tool("get_account", {})
        # What the app lacks it asks for.
        gives = "read write publish"
        result = await session.call_tool("publish_content", {"contentId": "cnt_01M851E88BEZS4E1V4ZSCPXFGH"})
        assert "contentId" in said(result), result
        assert times_asked == 2 and storage.tokens.scope == "read write publish", storage.tokens
        assert "publish_content" in await names(session)

    # A token that has run out is renewed without the person.
    before = storage.tokens.refresh_token
    storage.tokens.expires_in = -1
    async with connect() as session:
        await session.call_tool("get_account", {})
    assert times_asked == 2

    # What is taken back opens nothing, and the app asks anew.
    revoked = httpx.post(f"{os.environ['HEYCMO_GATEWAY']}/oauth/revoke", data={"token": storage.tokens.refresh_token or before})
    assert revoked.status_code == 200, revoked.text
    gives = "read"
    async with connect() as session:
        tools = await names(session)
        assert times_asked == 3 and "get_account" in tools and "create_content" not in tools, (times_asked, tools)


anyio.run(main)
