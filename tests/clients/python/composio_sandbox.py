"""Composio's own client against the Composio sandbox: composio_sandbox.py ORIGIN

The sandbox must be new.
"""

import sys
import urllib.request

import composio_client
from composio_client import Composio

origin = sys.argv[1]
client = Composio(api_key="k", base_url=origin, max_retries=0)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def decide(link, decision):
    """Where the browser of somebody who decided so is sent."""
    request = urllib.request.Request(f"{link}/{decision}", method="POST")
    try:
        urllib.request.build_opener(NoRedirect).open(request)
    except urllib.error.HTTPError as answer:
        assert answer.code == 303, answer.code
        return answer.headers["location"]
    raise AssertionError("nobody was sent back")


toolkits = client.toolkits.list(limit=5)
assert len(toolkits.items) == 5 and toolkits.total_items == 14 and toolkits.next_cursor, toolkits
assert client.toolkits.retrieve("linkedin").name == "LinkedIn"

config = client.auth_configs.create(
    toolkit={"slug": "twitter"}, auth_config={"type": "use_composio_managed_auth", "name": "test"}
)
assert config.auth_config.is_composio_managed
config_id = config.auth_config.id
assert [it.id for it in client.auth_configs.list(toolkit_slug="twitter").items] == [config_id]
assert client.auth_configs.list(toolkit_slug="linkedin").items == []

link = client.link.create(auth_config_id=config_id, user_id="anna", callback_url="http://127.0.0.1:9/back?state=s")
account = client.connected_accounts.retrieve(link.connected_account_id)
assert (account.status, account.toolkit.slug) == ("INITIATED", "twitter"), account
back = decide(link.redirect_url, "allow")
assert back == f"http://127.0.0.1:9/back?state=s&status=success&connected_account_id={account.id}", back
denied = client.link.create(auth_config_id=config_id, user_id="ben", callback_url="http://127.0.0.1:9/back")
assert "status=failed" in decide(denied.redirect_url, "deny")

active = client.connected_accounts.list(user_ids=["anna", "ben"], statuses=["ACTIVE", "EXPIRED"])
assert [it.id for it in active.items] == [account.id], active
failed = client.connected_accounts.list(user_ids=["ben"]).items[0]
assert (failed.status, failed.status_reason) == ("FAILED", "The user denied access")

tool = client.tools.retrieve("TWITTER_CREATION_OF_A_POST")
assert "text" in tool.input_parameters["properties"]


def execute(slug, user="anna", **arguments):
    return client.tools.execute(slug, user_id=user, arguments=arguments, version="latest")


posted = execute("TWITTER_CREATION_OF_A_POST", text="Hello from the official client")
assert posted.successful and posted.error is None, posted
post_id = posted.data["data"]["id"]
found = execute("TWITTER_RECENT_SEARCH", query="from:sandbox").data["data"]
assert found[0]["id"] == post_id and found[0]["text"] == "Hello from the official client", found
too_long = execute("TWITTER_CREATION_OF_A_POST", text="x" * 281)
assert not too_long.successful and "too long" in too_long.error, too_long

for call, kind in [
    (lambda: execute("TWITTER_CREATION_OF_A_POST", user="ben", text="x"), composio_client.BadRequestError),
    (lambda: execute("TWITTER_CREATION_OF_A_POST", words="x"), composio_client.BadRequestError),
    (lambda: execute("NO_SUCH_TOOL"), composio_client.NotFoundError),
    (lambda: client.connected_accounts.retrieve("ca_none"), composio_client.NotFoundError),
    (
        lambda: client.link.create(auth_config_id="ac_none", user_id="anna", callback_url="http://127.0.0.1:9"),
        composio_client.NotFoundError,
    ),
    (lambda: Composio(api_key="bad", base_url=origin, max_retries=0).toolkits.list(), composio_client.AuthenticationError),
]:
    try:
        call()
    except kind as error:
        assert error.body["error"]["message"] and error.response.headers["x-request-id"], error.body
    else:
        raise AssertionError(f"no {kind.__name__}")

assert client.connected_accounts.delete(account.id).success
assert client.connected_accounts.list(user_ids=["anna"]).items == []
