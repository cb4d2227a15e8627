"""The filter that makes spans: of what is recorded, once it is over, however it ended."""

import asyncio

import pytest

from proxy.filters.traces import Traces
from proxy.tracing import Sampler
from translators.codec import Codec


class Collector:
    def __init__(self, room=True):
        self._room = room
        self.taken = []
        self.asked = []

    def room(self, spans):
        self.asked.append(spans)
        return self._room

    def take(self, spans):
        self.taken.append(spans)


class PrefixCodec(Codec):
    id_prefix = "chatcmpl-"


def ids(count):
    return b"\x01" * count


@pytest.fixture
def traces(clock):
    return lambda collector, **sampler: Traces(collector, Sampler(**sampler), clock, ids)


async def nothing(exchange):
    assert exchange.trace is not None


async def test_an_exchange_is_told_once_it_is_over(traces, exchange):
    collector = Collector()

    async def service(exchange):
        await nothing(exchange)
        assert not collector.asked

    await traces(collector)(exchange, service)
    assert [len(spans) for spans in collector.taken] == [1]


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError])
async def test_however_it_ended(traces, exchange, error):
    collector = Collector()

    async def service(exchange):
        raise error

    with pytest.raises(error):
        await traces(collector)(exchange, service)
    assert len(collector.taken) == 1


async def test_what_is_not_recorded_costs_no_span(traces, exchange):
    collector = Collector()
    await traces(collector, ratio=0.0)(exchange, nothing)
    assert not collector.asked


async def test_without_room_nothing_is_written_down(traces, exchange, monkeypatch):
    monkeypatch.setattr("proxy.filters.traces.spans_of", None)
    collector = Collector(room=False)
    await traces(collector)(exchange, nothing)
    assert (collector.asked, collector.taken) == ([1], [])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"provider": "alpha", "answer_id": "chatcmpl-theirs"}, b"chatcmpl-theirs"),
        ({"provider": "alpha"}, b"chatcmpl-1"),
        ({"provider": "alpha", "route": "embeddings"}, None),
        ({"provider": ""}, None),
    ],
)
async def test_an_answer_is_told_by_the_id_that_the_client_sees(traces, exchange_of, fields, told):
    collector = Collector()
    await traces(collector)(exchange_of(codec=PrefixCodec(), **fields), nothing)
    [[span]] = collector.taken
    assert (b"gen_ai.response.id" in span) is (told is not None)
    assert told is None or told in span
