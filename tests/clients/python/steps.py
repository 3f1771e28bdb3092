"""What an assistant does with HeyCMO, through any version of the Python SDK."""

import json
import os
import re
import sys
import time
import urllib.parse
import urllib.request
import uuid
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import anyio

TOOLS = [
    "cancel_workflow_run", "connect_platform", "create_content", "get_account", "get_brand", "get_content", "get_learning_insights", "get_performance_trend",
    "get_workflow_run", "list_connections", "list_content", "list_events", "list_proposals", "list_scans", "list_workflow_runs", "log_lead",
    "plan_calendar", "publish_content", "query_ga4", "query_post_analytics", "query_search_console", "review_content", "review_proposal", "scan_page",
    "schedule_content", "start_workflow", "update_brand", "update_content",
]
BRAND = "heycmo://brand"
PATIENCE = 30

printed = os.environ["HEYCMO_PRINTED"]
# How to connect: the part of what `heycmo` printed that is for this client.
told = json.loads(printed)
# The same with a key that nobody has.
told_wrongly = json.loads(re.sub(r"hcmo_live_\w+", "hcmo_live_" + "0" * 64, printed))


def errors_in(error):
    """An error and all that led to it: the SDKs wrap them in groups."""
    yield error
    for inner in (*getattr(error, "exceptions", ()), error.__cause__, error.__context__):
        if inner is not None:
            yield from errors_in(inner)


@contextmanager
def refused(*words):
    """What is done inside fails, with an error that says these words."""
    try:
        yield
    except Exception as error:
        told = " / ".join(str(inner) for inner in errors_in(error))
        assert all(word in told for word in words), f"expected {words} in: {told}"
    else:
        raise AssertionError(f"it should have been refused with {words}")


async def has(done, asked):
    """Has something done to the servers; returns when it is done."""
    print(asked, flush=True)
    answer = await anyio.to_thread.run_sync(sys.stdin.readline)
    assert answer == f"{done}\n", answer


async def restart_server():
    """Has the server killed and started again; returns when it serves."""
    await has("restarted", "restart")


async def eventually(what, ask):
    """Asks again until it works."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await ask()
        except Exception as error:
            if time.monotonic() > deadline:
                raise AssertionError(f"in vain for {PATIENCE} s: {what}") from error
            await anyio.sleep(0.05)


class Inbox:
    """Values that arrive, to be waited for one by one."""

    def __init__(self):
        self.put, self.arrived = anyio.create_memory_object_stream(1_000)

    async def next(self):
        with anyio.fail_after(PATIENCE):
            return await self.arrived.receive()


class Assistant:
    """A connected client. The SDK's own one is `client`; answers come as the JSON that was on the wire."""

    def __init__(self, client, version):
        self.client, self.version = client, version

    async def ask(self, method, *args, **kwargs):
        result = await getattr(self.client, method)(*args, **kwargs)
        return result.model_dump(mode="json", by_alias=True)

    async def call(self, tool, args=None, **kwargs):
        return await self.ask("call_tool", tool, args or {}, **kwargs)


class NotOutYet(Exception):
    """It takes another step."""


async def enduring_job(connect, _version, *, survives_restart=True, **_):
    """The job of an assistant whose servers die: writes, has approved and publishes, and each time one of the servers
    that share the work is killed while a call is under way. What was answered stays true, and the person is never told
    of a fault of ours. A client that does not recover by itself has an error to go by, and connects anew.
    """
    pieces = [Piece(number) for number in range(int(os.environ["HEYCMO_ROUNDS"]))]
    deadline = time.monotonic() + 4 * PATIENCE
    while True:
        try:
            async with connect() as assistant:
                for piece in pieces:
                    await piece.goes_out(assistant, survives_restart)
                for piece in pieces:
                    read = await answered(assistant, "get_content", contentId=piece.id)
                    assert (read["content"]["status"], read["draft"]["body"]) == ("published", piece.body), read
                return
        except Exception as error:
            check_words(error)
            if time.monotonic() > deadline:
                raise
            await anyio.sleep(0.1)


class Piece:
    """A post on its way out, while one server is killed."""

    def __init__(self, number):
        self.body, self.id = f"Round {number}: {uuid.uuid4()}", None
        self.has_killed = self.is_out = False

    async def goes_out(self, assistant, insists):
        async def step():
            try:
                await self.step(assistant)
            except Exception as error:
                check_words(error)
                raise

        if self.is_out:
            return
        async with anyio.create_task_group() as tasks:
            if not self.has_killed:
                self.has_killed = True
                tasks.start_soon(has, "killed", "kill")
            while not self.is_out:
                try:
                    await (eventually("a step", step) if insists else step())
                except NotOutYet:
                    await anyio.sleep(0.05)

    async def step(self, assistant):
        """One step nearer to being out: what was lost is found by looking."""
        if self.id is None:
            saved = await answered(assistant, "create_content", kind="x_post", body=self.body)
            self.id = saved["content"]["id"]
        status = (await answered(assistant, "get_content", contentId=self.id))["content"]["status"]
        if status == "published":
            self.is_out = True
            return
        if status == "approved":
            told = await answered(assistant, "publish_content", contentId=self.id)
            if told["status"] == "unknown":
                with urllib.request.urlopen(os.environ["HEYCMO_POSTS"]) as page:
                    out = [post["text"] for post in json.load(page)["posts"]]
                saw = "published" if self.body in out else "not_published"
                await answered(assistant, "publish_content", contentId=self.id, personSaw=saw)
        else:
            await answered(assistant, "review_content", contentId=self.id, decision="approved", decidedBy="Anna")
        raise NotOutYet


async def answered(assistant, tool, **args):
    with anyio.fail_after(5):
        result = await assistant.call(tool, args)
    assert not result.get("isError"), f"{tool}: {result['content']}"
    return result["structuredContent"]


def check_words(error):
    """Nobody is told of a fault of ours, however the servers die."""
    for inner in errors_in(error):
        assert "wrong on our side" not in str(inner), str(inner)


async def main_job(connect, version, *, has_ping=True, survives_restart=True, watches_after_restart=False):
    """The whole job.

    `connect` gives an `Assistant` that can `watch(uri)`: a context in which an awaitable gives the address that changed.
    """
    async with connect() as assistant:
        assert assistant.version == version, f"negotiated {assistant.version}"
        if has_ping:
            await assistant.client.send_ping()
        tools = (await assistant.ask("list_tools"))["tools"]
        assert sorted(tool["name"] for tool in tools) == TOOLS, tools
        for tool in tools:
            assert tool["outputSchema"] and tool["title"] and tool["annotations"], tool

        used = set()

        async def call(tool, **args):
            # The SDK checks each structured answer against the tool's output schema.
            used.add(tool)
            result = await assistant.call(tool, args)
            assert not result.get("isError"), f"{tool}: {result['content']}"
            assert result["content"][0]["text"], f"{tool} answers in words too"
            return result["structuredContent"]

        await interview(call)
        piece = await content_flow(assistant, call)
        await call("log_lead", source="linkedin", email="lea@example.com", contentId=piece)
        assert "needsAttention" in await call("get_account")
        await durable_work(call)
        await platforms(call)
        assert sorted(used) == TOOLS, "every tool was called"
        await refusals(assistant)
        await prompts(assistant, piece)
        await resources(assistant, piece)
        await long_text(call)
        await many_at_once(assistant)
        await cancelled(assistant)
        await watched(assistant, connect)

        await restart_server()
        if survives_restart:
            await eventually("a call after the restart", lambda: call("get_brand"))
            await many_at_once(assistant)
            assert (await call("get_content", contentId=piece))["content"]["status"] == "approved"
            if watches_after_restart:
                await watched(assistant, connect)
        else:
            with anyio.fail_after(PATIENCE), refused():
                await assistant.call("get_brand")
    if not survives_restart:
        async with connect() as assistant:
            assert not (await assistant.call("get_brand")).get("isError"), "a new connection works"


def fields(updated):
    return [question["field"] for question in updated["nextQuestions"]]


async def interview(call):
    updated = await call("update_brand", name="Acme", timeZone="Europe/Berlin", website="https://acme.example/")
    assert updated["changed"] == ["name", "timeZone", "website"], updated
    assert updated["completeness"] < 100 and "offering" in fields(updated), "says what is still missing"

    sentence = "Acme sells bookkeeping to freelancers who would rather do anything else on a Sunday evening."
    updated = await call("update_brand", offering=sentence, audience=sentence)
    assert "offering" not in fields(updated) and "pillars" in fields(updated), updated

    updated = await call(
        "update_brand",
        voice={"adjectives": ["plain", "warm", "exact"], "do": ["short sentences", "examples"], "dont": ["jargon", "hype"]},
        pillars=[{"name": name, "weight": 1} for name in ("taxes", "habits", "tools")],
        competitors=[{"name": "Shoebox"}, {"name": "Spreadsheet", "url": "https://sheet.example/"}],
        goals=["ten trials a week"],
        forbiddenClaims=["guaranteed refund"],
        cadence=[{"channel": "linkedin", "perWeek": 3}],
    )
    assert updated["completeness"] == 100 and not fields(updated), updated
    brand = await call("get_brand")
    assert (brand["name"], brand["timeZone"], brand["offering"]) == ("Acme", "Europe/Berlin", sentence)


async def content_flow(assistant, call):
    too_long = "Receipts first, coffee second. " * 110
    saved = await call("create_content", kind="linkedin_post", body=too_long, pillar="habits")
    piece = saved["content"]["id"]
    assert any(finding["severity"] == "blocking" for finding in saved["findings"]), saved["findings"]
    decision = {"contentId": piece, "decision": "approved", "decidedBy": "Anna"}
    assert (await assistant.call("review_content", decision))["isError"], "a blocking finding forbids the approval"

    body = "Receipts first, coffee second. What is your Monday rule?"
    saved = await call("update_content", contentId=piece, revision=1, body=body)
    assert all(finding["severity"] != "blocking" for finding in saved["findings"]), saved["findings"]
    reviewed = await call("review_content", **decision, revision=2)
    assert reviewed["content"]["status"] == "approved"

    day = (datetime.now(timezone.utc) + timedelta(days=3)).date().isoformat()
    scheduled = await call("schedule_content", contentId=piece, at=f"{day}T09:00")
    assert scheduled["content"]["scheduledAt"].startswith(day), scheduled

    await call("create_content", kind="x_post", body="A short post.")
    await call("create_content", kind="email", body="A short mail.", subject="Short")
    listed, cursor = [], None
    while True:
        page = await call("list_content", limit=1, **({"cursor": cursor} if cursor else {}))
        listed += [found["kind"] for found in page["content"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert listed == ["email", "x_post", "linkedin_post"], "page by page, newest first"

    whole = await call("get_content", contentId=piece)
    assert [revision["number"] for revision in whole["revisions"]] == [2, 1]
    assert [(made["decidedBy"], made["decision"]) for made in whole["decisions"]] == [("Anna", "approved")]
    types = {event["type"] for event in (await call("list_events", type="content.*"))["events"]}
    assert {"content.created", "content.updated", "content.approved", "content.scheduled"} <= types, types
    return piece


async def durable_work(call):
    run = (await call("start_workflow", workflow="onboarding", waitSeconds=20))["run"]
    assert (await call("get_workflow_run", runId=run["id"]))["run"]["workflow"] == "onboarding"
    assert run["id"] in [listed["id"] for listed in (await call("list_workflow_runs"))["runs"]]
    ended = await call("cancel_workflow_run", runId=run["id"])
    assert ended["run"]["status"] in ("cancelled", "completed"), ended


def allow(link):
    with urllib.request.urlopen(urllib.request.Request(f"{link}/allow", method="POST")) as page:
        assert b"is connected." in page.read()


async def platforms(call):
    for platform in ("x", "google_analytics", "search_console"):
        link = await call("connect_platform", platform=platform)
        await anyio.to_thread.run_sync(allow, link["url"])
    scan = await call("scan_page", url=urllib.parse.urljoin(link["url"], "/composio"), fixes=True)
    assert scan["seo"]["score"] > 0 and scan["geo"]["findings"] and scan["fixes"], scan
    assert [one["id"] for one in (await call("list_scans", url=scan["url"]))["scans"]] == [scan["id"]]
    connections = (await call("list_connections"))["connections"]
    connected = [connection["platform"] for connection in connections if connection["status"] == "connected"]
    assert connected == ["google_analytics", "search_console", "x"], connections
    sessions = await call("query_ga4", dimension="sessionDefaultChannelGroup")
    assert sessions["totals"][0]["value"] > 0 and sessions["totals"][0]["previous"] > 0, sessions
    assert (await call("query_search_console", dimension="query"))["rows"]

    body = "Receipts first, coffee second. What is your Monday rule?"
    piece = (await call("create_content", kind="x_post", body=body))["content"]["id"]
    await call("review_content", contentId=piece, decision="approved", decidedBy="Anna")
    published = await call("publish_content", contentId=piece)
    assert (published["status"], published["alreadyPublished"]) == ("published", False), published
    again = await call("publish_content", contentId=piece)
    assert (again["alreadyPublished"], again["url"]) == (True, published["url"]), again
    today = datetime.now(timezone.utc).date().isoformat()
    await call("query_post_analytics", platform="x", **{"from": today, "to": today})
    ended = await call("start_workflow", workflow="performance_snapshot", waitSeconds=50)
    assert ended["run"]["status"] == "completed", ended
    trends = (await call("get_performance_trend", channel="google_analytics"))["trends"]
    assert any(trend["metric"] == "sessions" and trend["points"][0]["value"] > 0 for trend in trends), trends
    assert (await call("get_learning_insights"))["insights"] == [], "one week teaches nothing"
    report = (await call("start_workflow", workflow="analytics_report", waitSeconds=50))["run"]
    assert report["status"] == "completed" and report["output"]["recommendations"], report
    await proposals(call)
    # The first of these weeks was planned when onboarding ended.
    plan = await call("plan_calendar", weeks=2, commit=True)
    assert len(plan["slots"]) == 3 and all(slot["contentId"] for slot in plan["slots"]), plan


async def proposals(call):
    """What was sent back three times for one reason becomes a rule of the brand's voice, if the person agrees."""
    for body in ["One.", "Two.", "Three."]:
        content = (await call("create_content", kind="linkedin_post", body=body))["content"]
        decision = {"decision": "revised", "decidedBy": "Anna", "reason": "Too salesy for us."}
        await call("review_content", contentId=content["id"], revision=1, **decision)
    await call("start_workflow", workflow="performance_snapshot", waitSeconds=50)
    proposals = (await call("list_proposals", category="voice_refinement"))["proposals"]
    [proposal] = [proposal for proposal in proposals if "hype" in proposal["proposed"]]
    before = (await call("get_brand"))["voice"]["dont"]
    await call("review_proposal", proposalId=proposal["id"], decision="approve", decidedBy="Anna")
    assert (await call("get_brand"))["voice"]["dont"] == [*before, proposal["proposed"]]
    await call("review_proposal", proposalId=proposal["id"], decision="roll_back", decidedBy="Anna")
    assert (await call("get_brand"))["voice"]["dont"] == before


async def refusals(assistant):
    bad = await assistant.call("create_content", {"kind": "poem", "body": "x"})
    assert bad["isError"] and "`kind`" in bad["content"][0]["text"], bad
    assert (await assistant.call("get_content", {"contentId": "cnt_00000000000000000000000000"}))["isError"]
    with refused("publish_everything"):
        await assistant.call("publish_everything")


async def prompts(assistant, piece):
    names = sorted(prompt["name"] for prompt in (await assistant.ask("list_prompts"))["prompts"])
    assert names == [
        "brand_interview", "competitor_teardown", "fix_page", "launch_plan", "performance_review", "plan_week", "review_draft",
        "write_content",
    ]
    filled = await assistant.ask("get_prompt", "write_content", {"kind": "linkedin_post", "topic": "Sunday bookkeeping"})
    assert "Sunday bookkeeping" in filled["messages"][0]["content"]["text"]
    await assistant.ask("get_prompt", "brand_interview")
    with refused("topic"):
        await assistant.ask("get_prompt", "write_content", {"kind": "linkedin_post"})
    kinds = await assistant.ask("complete", assistant.prompt("write_content"), {"name": "kind", "value": "linked"})
    assert kinds["completion"]["values"] == ["linkedin_post"], kinds
    pieces = await assistant.ask("complete", assistant.template("heycmo://content/{id}"), {"name": "id", "value": ""})
    assert piece in pieces["completion"]["values"]


async def resources(assistant, piece):
    uris = [resource["uri"] for resource in (await assistant.ask("list_resources"))["resources"]]
    assert {BRAND, "heycmo://playbook/linkedin", f"heycmo://content/{piece}"} <= set(uris), uris
    templates = (await assistant.ask("list_resource_templates"))["resourceTemplates"]
    assert sorted(template["uriTemplate"] for template in templates) == [
        "heycmo://calendar/{isoWeek}", "heycmo://content/{id}", "heycmo://playbook/{channel}", "heycmo://reports/{runId}", "heycmo://scans/{id}",
    ]
    for uri in uris:
        assert len((await assistant.ask("read_resource", uri))["contents"][0]["text"]) > 20, uri
    with refused("heycmo://nothing"):
        await assistant.ask("read_resource", "heycmo://nothing")


async def long_text(call):
    line = "Grüße 👩‍👩‍👧‍👦 שלום עולם مرحبا — ‘quoted’ \\ \"\t\" 日本語\n"
    body = (line * (30_000 // len(line) + 1))[:29_990] + "…the end"
    saved = await call("create_content", kind="blog_post", title="Long", body=body)
    read = await call("get_content", contentId=saved["content"]["id"])
    assert read["draft"]["body"] == body, "a long text comes back as it was"


async def many_at_once(assistant):
    results = {}

    async def ask(limit):
        results[limit] = await assistant.call("list_content", {"limit": limit})

    async with anyio.create_task_group() as tasks:
        for limit in range(1, 13):
            tasks.start_soon(ask, limit)
    for limit, result in results.items():
        assert len(result["structuredContent"]["content"]) <= limit, "each gets its own answer"


async def cancelled(assistant):
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(assistant.call, "list_events")
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
    assert not (await assistant.call("get_account")).get("isError"), "alive after a cancelled call"


async def watched(assistant, connect):
    """A change that another connection makes is told."""
    async with assistant.watch(BRAND) as changed, connect() as other:
        await other.call("update_brand", {"offering": f"Bookkeeping in plain words, on any Sunday of the year. {uuid.uuid4()}"})
        assert await changed() == BRAND


# What this script is to do.
is_enduring = os.environ.get("HEYCMO_JOB") == "enduring"
job = enduring_job if is_enduring else main_job
