"""The client's side before a stream has begun; with a chain around it: chain/test_walk_keep_alive.py."""

import asyncio

import pytest

from proxy.early import COMMENT, Early, keep_alive_s
from proxy.flow import Exchange
from tests.virtual import VirtualClock, played
from translators.catalog import codec
from translators.faults import Fault, Kind, Malformed
from translators.ir import Dialect

ASKED = {
    Dialect.OPENAI_CHAT: b"data: ",
    Dialect.OPENAI_COMPLETIONS: b"data: ",
    Dialect.OPENAI_RESPONSES: b"event: error\n",
    Dialect.ANTHROPIC_MESSAGES: b"event: error\n",
}


class Out:
    started = False

    def __init__(self):
        self.told, self.headers = [], []

    async def start(self, status, headers, length=None, first=b""):
        self.told += [status, first] if first else [status]
        self.headers = headers

    async def answer(self, status, headers, body):
        self.told.append(body)

    async def write(self, data):
        self.told.append(data)

    def push(self, data):
        self.told.append(data)
        return True

    async def finish(self):
        self.told.append("finish")

    def abort(self):
        self.told.append("abort")


def story(work, dialect=Dialect.OPENAI_CHAT):
    """What the client was told while `work(exchange, clock)` was done, with a sign every 10 s, and a minute after."""

    async def main():
        clock = VirtualClock()
        out = Out()
        exchange = Exchange(
            id="req_1", route="chat", method="POST", path="/", headers={}, read=None, peer="", out=out,
            codec=codec(dialect), started=clock.now(),
        )  # fmt: skip
        early = Early(exchange, 10.0, clock)
        await early.around(work(exchange, clock))
        await clock.sleep(60)
        assert len(asyncio.all_tasks()) == 1
        return out, exchange

    return played(main())


@pytest.mark.parametrize("dialect", ASKED, ids=str)
def test_a_failure_is_an_event_in_each_clients_dialect_and_then_a_cut(dialect):
    async def fails(exchange, clock):
        await clock.sleep(15)
        assert not exchange.out.started
        exchange.fault = Fault(kind=Kind.SERVER, status=502, message="All targets failed.")
        exchange.status = 502
        await exchange.out.answer(502, [("content-type", "application/json")], b"{}")
        assert exchange.out.started

    out, exchange = story(fails, dialect)
    status, sign, event, end = out.told
    assert (status, sign, end) == (200, COMMENT, "abort")
    assert event.startswith(ASKED[dialect]) and b"All targets failed." in event
    assert ("x-request-id", "req_1") in out.headers
    assert (("request-id", "req_1") in out.headers) == (dialect is Dialect.ANTHROPIC_MESSAGES)
    assert exchange.status == 200


def test_what_passes_before_the_first_sign_passes_as_it_is():
    async def answers(exchange, clock):
        await clock.sleep(5)
        await exchange.out.start(200, [("x-sidestep-provider", "alpha")])
        await clock.sleep(50)
        assert exchange.out.push(b"a")
        await exchange.out.write(b"b")
        await exchange.out.finish()

    out, _ = story(answers)
    assert out.told == [200, b"a", b"b", "finish"]
    assert out.headers == [("x-sidestep-provider", "alpha")]


def test_work_that_raises_leaves_no_sign_behind():
    async def raises(exchange, clock):
        await clock.sleep(15)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        story(raises)


@pytest.mark.parametrize(("asked", "seconds"), [(None, None), ("1", 1), ("15", 15), ("600", 600), ("007", 7)])
def test_the_time_is_in_whole_seconds(asked, seconds):
    assert keep_alive_s({} if asked is None else {"x-sidestep-keep-alive": asked}) == seconds


@pytest.mark.parametrize("asked", ["", "0", "000", "601", "1e2", "٣", " 5", "5 "])
def test_anything_else_is_refused_with_what_it_must_be(asked):
    with pytest.raises(Malformed, match="whole seconds from 1 to 600") as caught:
        keep_alive_s({"x-sidestep-keep-alive": asked})
    assert (caught.value.param, caught.value.code) == ("x-sidestep-keep-alive", "invalid_value")
