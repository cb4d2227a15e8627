"""What is tried again, what is lost, and that nobody waits; sockets are in tests/e2e/test_alerts_sending.py."""

import asyncio

import pytest

from proxy.alerts.message import signed
from proxy.config.hidden import Secret
from proxy.config.spending import AlertSettings
from proxy.upstream import webhook as sending
from proxy.upstream.seam import Cut, Unreachable
from proxy.upstream.webhook import PAUSE_CAP_S, QUEUE, TRIES, Webhook

SETTINGS = AlertSettings("https://hooks.test/a", Secret("s3cret"))


class Answer:
    def __init__(self, status: int) -> None:
        self.status, self.headers = status, [("location", "https://elsewhere.test/")]

    async def close(self) -> None:
        pass


class Lab:
    """An engine that gives its `answers` in turn and then takes all, and a clock that sleeps at once."""

    def __init__(self) -> None:
        self.answers, self.calls, self.lost, self.slept, self.closed = [], [], [], [], 0
        self.at = 1_000.0
        self.it = Webhook(self.engine, self, lambda why, so_far: self.lost.append((why, so_far)))
        self.it.follow(SETTINGS)

    def engine(self, provider):
        self.provider = provider
        return self

    def wall(self) -> float:
        return self.at

    def uniform(self) -> float:
        return 1.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    async def send(self, call):
        self.calls.append(call)
        given = self.answers.pop(0) if self.answers else Answer(204)
        if isinstance(given, Exception):
            raise given
        return given

    async def close(self) -> None:
        self.closed += 1

    async def deliver(self, *messages: bytes) -> None:
        for message in messages:
            self.it.offer(message)
        if self.it._task is not None:
            await self.it._task


@pytest.fixture
def lab() -> Lab:
    return Lab()


async def test_a_message_is_posted_and_signed(lab):
    await lab.deliver(b'{"a":1}')
    [call] = lab.calls
    assert (call.method, call.url, call.body) == ("POST", "https://hooks.test/a", b'{"a":1}')
    headers = dict(call.headers)
    assert headers["content-type"] == "application/json"
    assert headers["x-sidestep-timestamp"] == "1000"
    assert set(signed(SETTINGS.secret, b'{"a":1}', 1000.0)) <= set(call.headers)
    assert lab.provider.base_url == "https://hooks.test/a" and lab.closed == 1
    assert "s3cret" not in repr(call)


@pytest.mark.parametrize(
    "fault", [Answer(500), Answer(503), Answer(429), Answer(408), Unreachable("refused"), Cut("it broke")]
)
async def test_what_may_heal_is_tried_again_signed_anew(lab, fault):
    lab.answers = [fault, fault]
    await lab.deliver(b"{}")
    assert lab.slept == [1.0, 2.0] and lab.lost == []
    assert [dict(call.headers)["x-sidestep-timestamp"] for call in lab.calls] == ["1000", "1001", "1003"]
    assert len({dict(call.headers)["x-sidestep-signature"] for call in lab.calls}) == 3


async def test_it_is_not_tried_for_ever(lab):
    lab.answers = [Answer(500)] * 99
    await lab.deliver(b"{}")
    assert len(lab.calls) == TRIES
    assert lab.slept == [1.0, 2.0, 4.0, 8.0, 16.0] and max(lab.slept) <= PAUSE_CAP_S
    assert lab.lost == [("the webhook answered 500", 1)]


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410])
async def test_a_refusal_stands_and_a_redirect_is_one(lab, status):
    lab.answers = [Answer(status)]
    await lab.deliver(b"{}")
    assert [call.url for call in lab.calls] == ["https://hooks.test/a"]
    [(why, _)] = lab.lost
    assert f"answered {status}" in why and ("redirects are not followed" in why) == (status < 400)


async def test_the_next_one_is_delivered_after_one_that_is_lost(lab):
    lab.answers = [Answer(400)]
    await lab.deliver(b"1", b"2")
    await lab.deliver(b"3")
    assert [call.body for call in lab.calls] == [b"1", b"2", b"3"] and lab.it.dropped == 1


async def test_the_queue_is_bounded_and_nobody_waits(lab):
    for _ in range(QUEUE + 2):
        lab.it.offer(b"{}")
    assert lab.lost == [("they come faster than they are taken", 1), ("they come faster than they are taken", 2)]
    await lab.it._task
    assert len(lab.calls) == QUEUE


async def test_without_a_webhook_nothing_is_kept(lab):
    lab.it.follow(AlertSettings())
    await lab.deliver(b"{}")
    assert lab.calls == [] and lab.it._task is None


async def test_what_has_not_left_goes_where_the_settings_say_by_then(lab):
    lab.it.offer(b"1")
    lab.it.follow(AlertSettings("https://other.test/b", Secret("k")))
    await lab.it._task
    assert [call.url for call in lab.calls] == ["https://other.test/b"]
    lab.it.offer(b"2")
    lab.it.follow(AlertSettings())
    await lab.it._task
    assert len(lab.calls) == 1 and lab.lost == []


async def test_a_receiver_that_never_answers_is_left_after_a_while(lab, monkeypatch):
    monkeypatch.setattr(sending, "TIMEOUT_S", 0.01)

    async def never(call):
        lab.calls.append(call)
        await asyncio.Event().wait()

    monkeypatch.setattr(lab, "send", never)
    await lab.deliver(b"{}")
    assert len(lab.calls) == TRIES and lab.lost == [("the webhook did not answer in time", 1)]


async def test_the_end_delivers_what_it_can_and_counts_the_rest(lab, monkeypatch):
    monkeypatch.setattr(sending, "FLUSH_S", 0.01)
    await lab.it.close()
    entered = asyncio.Event()

    async def never(call):
        entered.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(lab, "send", never)
    for _ in range(3):
        lab.it.offer(b"{}")
    await entered.wait()
    await lab.it.close()
    assert [so_far for _, so_far in lab.lost] == [1, 2, 3] and lab.closed == 1
