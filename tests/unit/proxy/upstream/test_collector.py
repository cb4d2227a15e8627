"""Batches, pauses and losses of spans on their way out; sockets are in tests/e2e/test_traces_sending.py."""

import asyncio

import pytest

from proxy.config.hidden import Secret
from proxy.config.values import TelemetrySettings
from proxy.upstream import collector as sending
from proxy.upstream.collector import BATCH, PAUSE_CAP_S, QUEUE, QUIET_S, TRIES, Collector
from proxy.upstream.seam import Cut, TooLarge, Unreachable

SETTINGS = TelemetrySettings(otlp="https://o.test/v1/traces", headers={"api-key": Secret("otlp-canary")})
SPAN = b"\x12\x05\x2a\x03abc"


class Answer:
    def __init__(self, status, headers=(), body=None):
        self.status, self.headers, self._body = status, list(headers), body

    async def read(self, limit):
        if self._body is not None:
            return self._body
        raise TooLarge("its answer is larger than it may be")

    async def close(self):
        pass


class Lab:
    """An engine that gives its `answers` in turn and then takes all, and a clock that a test moves."""

    def __init__(self):
        self.answers, self.calls, self.warned = [], [], []
        self.sent = asyncio.Event()
        self.time, self.chance, self.closed = 1000.0, 0.0, False
        self.it = Collector(SETTINGS, self, self, lambda why, so_far: self.warned.append((why, so_far)))

    def now(self):
        return self.time

    def wall(self):
        return 1.7e9

    def uniform(self):
        return self.chance

    async def sleep(self, seconds):
        self.time += seconds

    async def send(self, call):
        self.calls.append(call)
        self.sent.set()
        given = self.answers.pop(0) if self.answers else Answer(200)
        if isinstance(given, Exception):
            raise given
        if given == "silence":
            await asyncio.Event().wait()
        return given

    async def close(self):
        self.closed = True

    def fill(self, count):
        assert self.it.room(count)
        self.it.take([SPAN] * count)


@pytest.fixture
async def lab(monkeypatch):
    monkeypatch.setattr(sending, "INTERVAL_S", 0.001)
    monkeypatch.setattr(sending, "PAUSE_S", 0.001)
    return Lab()


def sizes(lab):
    return [call.body.count(SPAN) for call in lab.calls]


async def test_a_batch_has_a_bound_and_the_end_sends_all_of_them(lab):
    lab.fill(2 * BATCH + 3)
    lab.it.open()
    await lab.it.close()
    assert sizes(lab) == [BATCH, BATCH, 3]
    assert (lab.it.dropped, lab.closed) == (0, True)


async def test_a_full_batch_does_not_wait_for_its_time(lab, monkeypatch):
    monkeypatch.setattr(sending, "INTERVAL_S", 1e6)
    lab.it.open()
    async with asyncio.timeout(5):
        lab.fill(BATCH)
        await lab.sent.wait()
    await lab.it.close()
    assert sizes(lab) == [BATCH]


async def test_a_call_is_what_the_protocol_wants_with_the_configured_headers(lab):
    lab.fill(1)
    lab.it.open()
    await lab.it.close()
    [call] = lab.calls
    headers = dict(call.headers)
    assert (call.method, call.url) == ("POST", "https://o.test/v1/traces")
    assert (headers["content-type"], headers["api-key"]) == ("application/x-protobuf", "otlp-canary")


async def test_what_finds_no_room_is_lost_and_told_once_a_minute(lab):
    lab.fill(QUEUE)
    assert not lab.it.room(1)
    assert not lab.it.room(4)
    assert lab.warned == [("they come faster than their collector takes them", 1)]
    lab.time += QUIET_S
    assert not lab.it.room(1)
    assert lab.warned[1:] == [("they come faster than their collector takes them", 6)]
    assert lab.it.dropped == 6


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (Unreachable("connection refused"), "their collector could not be told: connection refused"),
        (Cut("it broke off"), "their collector could not be told: it broke off"),
        (TimeoutError(), "their collector did not answer in time"),
        (Answer(503), "their collector answered 503"),
    ],
)
async def test_what_may_heal_is_tried_a_few_times_and_then_lost(lab, trouble, why):
    lab.answers = [trouble] * TRIES
    lab.fill(3)
    lab.it.open()
    await lab.it.close()
    assert sizes(lab) == [3] * TRIES
    assert (lab.it.dropped, lab.warned) == (3, [(why, 3)])


@pytest.mark.parametrize("status", [301, 400, 401, 413, 500, 501])
async def test_what_will_not_heal_is_lost_at_once(lab, status):
    lab.answers = [Answer(status)]
    lab.fill(3)
    lab.it.open()
    await lab.it.close()
    assert (len(lab.calls), lab.it.dropped) == (1, 3)


async def test_what_a_collector_rejects_of_a_batch_is_counted_and_not_sent_again(lab):
    lab.answers = [Answer(200, body=b"\x0a\x02\x08\x02")]
    lab.fill(3)
    lab.it.open()
    await lab.it.close()
    assert (len(lab.calls), lab.it.dropped) == (1, 2)
    assert lab.warned == [("their collector rejected some of those it took", 2)]


async def test_pauses_grow_to_a_bound_and_differ_by_chance(lab, monkeypatch):
    monkeypatch.setattr(sending, "PAUSE_S", 1.0)
    lab.chance = 1.0
    lab.answers = [Answer(503)] * 8
    assert [(await lab.it._try(b"", tried))[1] for tried in range(1, 9)] == [1, 2, 4, 8, 16, *[PAUSE_CAP_S] * 3]
    lab.chance, lab.answers = 0.0, [Answer(503)]
    assert (await lab.it._try(b"", 1))[1] == 0.5


@pytest.mark.parametrize(
    ("header", "pause"),
    [("7", 7.0), ("3000", PAUSE_CAP_S), ("nan", 0.5), ("-1", 0.5), ("soon", 0.5)],
)
async def test_the_wait_that_is_asked_for_is_kept_within_bounds(lab, monkeypatch, header, pause):
    monkeypatch.setattr(sending, "PAUSE_S", 1.0)
    lab.answers = [Answer(429, [("retry-after", header)])]
    assert await lab.it._try(b"", 1) == ("their collector answered 429", pause)


async def test_what_the_end_leaves_is_counted(lab, monkeypatch):
    monkeypatch.setattr(sending, "FLUSH_S", 0.01)
    lab.answers = ["silence"]
    lab.fill(BATCH + 2)
    lab.it.open()
    await lab.it.close()
    assert lab.it.dropped == BATCH + 2
    assert lab.warned == [("the time to send them ended before their collector had taken them", BATCH + 2)]


async def test_one_that_never_ran_ends_too(lab):
    lab.fill(1)
    await lab.it.close()
    assert (lab.closed, lab.it.dropped) == (True, 1)


async def test_what_fails_in_an_unforeseen_way_loses_its_own_spans_and_no_others(lab):
    lab.answers = [ZeroDivisionError("with otlp-canary in it")]
    lab.fill(BATCH + 2)
    lab.it.open()
    await lab.it.close()
    assert lab.it.dropped == BATCH
    assert lab.warned == [("internal error: ZeroDivisionError; please report it", BATCH)]
    assert len(lab.calls) == 2
