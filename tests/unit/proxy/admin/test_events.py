"""What `/events` answers, asked as ASGI."""

import asyncio
from unittest.mock import AsyncMock

import orjson
import pytest
from starlette.requests import Request

from proxy.admin.events import events
from proxy.admin.feed import VIEWERS, Feed
from proxy.clock import SystemClock
from tests.unit.proxy.admin.pictures import picture


class Asked:
    """One request, which reads what it is sent."""

    def __init__(self, feed, accept="text/event-stream", method="GET"):
        self.scope = {"type": "http", "method": method, "path": "/events", "headers": [(b"accept", accept.encode())]}
        self.sent = []
        self.news = asyncio.Event()
        self.left = asyncio.Event()
        self.allowed = True
        answer = events(feed, lambda _: self.allowed, Request(self.scope))
        self.task = asyncio.create_task(answer(self.scope, self.receive, self.send))

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)
        self.news.set()

    async def told(self, count):
        while len(self.sent) < count:
            self.news.clear()
            await self.news.wait()
        return self.sent

    async def ended(self):
        async with asyncio.timeout(5):
            await self.task
        return self.sent


@pytest.fixture
def feed():
    return Feed(picture, SystemClock(), lambda error: None, AsyncMock())


async def test_who_wants_no_stream_gets_the_picture_as_json(feed):
    sent = await Asked(feed, accept="*/*").ended()
    assert dict(sent[0]["headers"])[b"content-type"] == b"application/json"
    assert orjson.loads(sent[1]["body"])["source"] == "file"
    assert not feed._viewers


async def test_a_stream_begins_with_the_picture_and_ends_when_its_reader_leaves(feed):
    asked = Asked(feed)
    start, first = await asked.told(2)
    assert dict(start["headers"])[b"content-type"] == b"text/event-stream"
    assert b"content-length" not in dict(start["headers"])
    assert first["body"].startswith(b"event: snapshot\ndata: {") and first["more_body"]
    asked.left.set()
    await asked.ended()
    assert not feed._viewers and feed._task is None


async def test_a_stream_ends_with_the_process(feed):
    asked = Asked(feed)
    await asked.told(2)
    feed.close()
    assert not (await asked.ended())[-1].get("more_body")


async def test_a_token_that_was_withdrawn_ends_the_stream(feed):
    asked = Asked(feed)
    await asked.told(2)
    asked.allowed = False
    [viewer] = feed._viewers
    viewer.give(b"secret")
    sent = await asked.ended()
    assert b"secret" not in b"".join(one.get("body", b"") for one in sent)
    assert not feed._viewers


async def test_one_too_many_is_told_to_come_back(feed):
    others = [Asked(feed) for _ in range(VIEWERS)]
    for one in others:
        await one.told(2)
    sent = await Asked(feed).ended()
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"retry-after"]) == (503, b"5")
    for one in others:
        one.left.set()
        await one.ended()


async def test_the_head_of_a_stream_is_given_without_it(feed):
    sent = await Asked(feed, method="HEAD").ended()
    assert [one.get("body", b"") for one in sent[1:]] == [b""]
