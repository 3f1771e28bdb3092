"""localstripe on a free port of this machine, which is printed."""

import socket

from aiohttp import web
from localstripe.server import app

# It listens from here on, so whoever reads the port can connect.
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
web.run_app(app, sock=listener, print=None)
