"""Alerts on real sockets: to a receiver that checks who sent them, and to such as are slow, dead, or send one on."""

import asyncio
import hashlib
import hmac
import json
from contextlib import asynccontextmanager

import httpx2
import pytest

from proxy.config.hidden import Secret
from proxy.config.spending import AlertSettings, Budget, LedgerSettings, Rate, Spending
from proxy.config.values import Client
from proxy.ledger import ledger
from proxy.upstream import webhook
from proxy.upstream.engines import engine_for
from proxy.upstream.webhook import TIMEOUT_S, TRIES, Webhook
from tests.virtual import VirtualClock, played

SECRET = "hook-secret"
ASKED = {"model": "duo", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10}


class Receiver:
    """Answers with what `answers` say, in turn, and then takes all. 0 is never an answer."""

    def __init__(self, *answers: int) -> None:
        self.answers, self.got, self.arrived = list(answers), [], asyncio.Event()

    async def has(self, count: int) -> None:
        """Returns when it got so many. Raises TimeoutError after 5 s."""
        async with asyncio.timeout(5):
            while len(self.got) < count:
                self.arrived.clear()
                await self.arrived.wait()

    async def serve(self, reader, writer) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers["content-length"]))
            self.got.append((head[0], headers, body))
            self.arrived.set()
            status = self.answers.pop(0) if self.answers else 204
            if not status:
                await reader.read()
                return
            where = f"location: http://127.0.0.1:{self.port}/elsewhere\r\n" if 300 <= status < 400 else ""
            writer.write(f"HTTP/1.1 {status} X\r\n{where}content-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def receiving(*answers: int):
    receiver = Receiver(*answers)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def signed_by_us(headers, body) -> bool:
    """As a receiver checks it: the HMAC of timestamp, dot and body."""
    made = hmac.new(SECRET.encode(), headers["x-sidestep-timestamp"].encode() + b"." + body, hashlib.sha256)
    return hmac.compare_digest(f"sha256={made.hexdigest()}", headers["x-sidestep-signature"])


async def delivered(port: int, *messages: bytes):
    """Why each message was lost that was, and how long all took."""
    clock, lost = VirtualClock(), []
    hook = Webhook(lambda at: engine_for("native", at, connections=1), clock, lambda why, _: lost.append(why))
    hook.follow(AlertSettings(f"http://127.0.0.1:{port}/alerts", Secret(SECRET)))
    began = clock.now()
    for message in messages:
        hook.offer(message)
    assert clock.now() == began, "who offers one does not wait"
    await hook._task
    return lost, clock.now() - began


def test_a_receiver_can_tell_that_it_was_us():
    async def main():
        async with receiving() as receiver:
            assert (await delivered(receiver.port, b'{"a":1}', b'{"b":2}'))[0] == []
            assert [body for _, _, body in receiver.got] == [b'{"a":1}', b'{"b":2}']
            for line, headers, body in receiver.got:
                assert line == "POST /alerts HTTP/1.1" and headers["content-type"] == "application/json"
                assert signed_by_us(headers, body)
                assert not signed_by_us(headers, body + b" ")
                assert not signed_by_us(headers | {"x-sidestep-timestamp": "1"}, body)

    played(main())


def test_a_slow_receiver_is_tried_again_and_gets_it_when_it_is_not():
    async def main():
        async with receiving(0, 503) as receiver:
            lost, took = await delivered(receiver.port, b"{}")
            assert lost == [] and len(receiver.got) == 3
            assert took > TIMEOUT_S
            assert all(signed_by_us(headers, body) for _, headers, body in receiver.got)

    played(main())


def test_a_dead_receiver_loses_the_alert_after_a_while():
    async def main():
        async with receiving() as receiver:
            port = receiver.port
        lost, took = await delivered(port, b"{}")
        assert len(lost) == 1 and lost[0].startswith("the webhook could not be told: ")
        assert 2 ** (TRIES - 2) / 2 < took < 60

    played(main())


@pytest.mark.parametrize("status", [302, 307])
def test_a_receiver_that_sends_it_elsewhere_is_not_followed(status):
    async def main():
        async with receiving(status) as receiver:
            lost, _ = await delivered(receiver.port, b"{}")
            assert lost == [f"the webhook answered {status}, and redirects are not followed"]
            assert [line for line, _, _ in receiver.got] == ["POST /alerts HTTP/1.1"]

    played(main())


# -- through a whole proxy


@pytest.fixture
def spending(make_world, configured):
    """`async with spending(spending)`: a world that is limited so, with a client that may name its users."""

    def opened(settings: Spending):
        clients = {"app": Client("app", (hashlib.sha256(b"key").hexdigest(),), speaks_for=("user",))}
        return make_world(lambda *three: configured(*three, spending=settings, clients=clients))

    return opened


async def ask(world, user: str, path: str = "/chat/completions"):
    async with httpx2.AsyncClient() as http:
        headers = {"authorization": "Bearer key", "x-sidestep-user": user}
        return await http.post(world.url + path, json=ASKED, headers=headers)


async def test_each_threshold_of_a_users_budget_reaches_the_webhook_once(spending):
    async with receiving() as receiver:
        budget = Budget("users", "requests", 4, "month", scope={"user": "*"}, alerts=(0.5, 1.0))
        alerts = AlertSettings(f"http://127.0.0.1:{receiver.port}/alerts", Secret(SECRET))
        settings = Spending(budgets=(budget,), ledger=LedgerSettings("memory:"), alerts=alerts)
        async with spending(settings) as world:
            statuses = [(await ask(world, "ann")).status_code for _ in range(6)]
            assert statuses == [200] * 4 + [429] * 2
            assert (await ask(world, "bob")).status_code == 200
            await receiver.has(2)
            async with httpx2.AsyncClient() as http:
                scraped = (await http.get(f"{world.admin}/metrics")).text
        told = [json.loads(body) for _, headers, body in receiver.got if signed_by_us(headers, body)]
        assert [(one["threshold"], one["spent"], one["scope"]) for one in told] == [
            (0.5, 2, {"user": "ann"}),
            (1.0, 4, {"user": "ann"}),
        ]
        assert 'sidestep_budget_fraction{budget="users"} 1.0' in scraped
        assert 'sidestep_budget_alerts_total{budget="users",threshold="0.5"} 1.0' in scraped
        assert "ann" not in scraped


async def test_what_was_told_is_not_told_again_after_a_restart_nor_by_a_second_process(spending, tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "TELL_S", 0.02)  # how soon processes hear of each other
    async with receiving() as receiver:
        budget = Budget("all", "requests", 4, "month", alerts=(0.5, 1.0))
        alerts = AlertSettings(f"http://127.0.0.1:{receiver.port}/alerts", Secret(SECRET))
        settings = Spending((budget,), ledger=LedgerSettings(f"sqlite:///{tmp_path}/l.db", usage=False), alerts=alerts)
        async with spending(settings) as world:
            assert [(await ask(world, "ann")).status_code for _ in range(2)] == [200] * 2
        async with spending(settings) as restarted, spending(settings) as beside:
            assert [(await ask(world, "ann")).status_code for world in (restarted, beside, beside)] == [200, 200, 429]
            await receiver.has(2)
        assert [json.loads(body)["threshold"] for _, _, body in receiver.got] == [0.5, 1.0]


async def test_a_receiver_that_never_answers_holds_up_no_request(spending, monkeypatch):
    monkeypatch.setattr(webhook, "FLUSH_S", 0.05)
    async with receiving(*[0] * 99) as receiver:
        budget = Budget("all", "requests", 10, "month", hard=False, when_spent="alert", alerts=(0.1, 0.2, 0.3))
        alerts = AlertSettings(f"http://127.0.0.1:{receiver.port}/alerts", Secret(SECRET))
        settings = Spending(budgets=(budget,), ledger=LedgerSettings("memory:"), alerts=alerts)
        async with spending(settings) as world, asyncio.timeout(5):
            assert [(await ask(world, "ann")).status_code for _ in range(5)] == [200] * 5
            await receiver.arrived.wait()


async def test_a_rate_is_told_to_every_client_in_its_own_headers(spending):
    settings = Spending(rates=(Rate("users", {"user": "*"}, requests_per_minute=2, tokens_per_minute=100_000),))
    async with spending(settings) as world:
        first, second, third = [await ask(world, "ann") for _ in range(3)]
        assert [one.status_code for one in (first, second, third)] == [200, 200, 429]
        assert [one.headers["x-ratelimit-remaining-requests"] for one in (first, second, third)] == ["1", "0", "0"]
        assert first.headers["x-ratelimit-limit-tokens"] == "100000"
        assert third.json()["error"]["code"] == "rate_limit_exceeded" and third.headers["x-should-retry"] == "true"
        assert 1 <= int(third.headers["retry-after"]) <= 30
        assert (await ask(world, "bob")).status_code == 200
        message = await ask(world, "eve", "/messages")
        assert message.headers["anthropic-ratelimit-requests-remaining"] == "1"
        assert world.calls() == {"alpha": 4, "beta": 0, "gamma": 0}
