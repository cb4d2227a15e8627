"""Every request that asked something of a model leaves one record, and what is noted is how it ended."""

import asyncio

import pytest

from proxy.filters.observe import Observe
from proxy.filters.usage import Noting
from proxy.flow import Attempt, Gone, Refused
from translators.catalog import codec
from translators.codec import Envelope
from translators.faults import Fault, Kind
from translators.ir import Dialect, Usage


class Kept(list):
    note = list.append


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def noting(kept, clock):
    return Noting([kept], clock)


def asks(one, **fields):
    one.asked, one.envelope = "m", Envelope("m", stream=False, include_usage=False)
    one.payload = {"model": "m", "messages": [{"role": "user", "content": "x" * 30}]}
    one.codec = codec(Dialect.OPENAI_CHAT)
    for name, value in fields.items():
        setattr(one, name, value)


async def test_one_that_was_served_is_noted_once_for_each_who_keeps_records(exchange, clock):
    async def service(one):
        asks(one, status=200, provider="alpha", model="m", usage=Usage(7, 9), cost=11)
        clock.time += 0.5

    first, second = Kept(), Kept()
    await Noting([first, second], clock)(exchange, service)
    assert first == second
    [record] = first
    assert (record.id, record.at, record.ms) == ("req_1", clock.wall(), 500)
    assert (record.input, record.output, record.cost, record.estimated, record.outcome) == (7, 9, 11, False, "ok")


async def test_it_tells_what_the_client_was_told(noting, kept, exchange, metrics, log, clock):
    async def service(one):
        asks(one)
        raise Refused(Fault(kind=Kind.SHED, status=429, code="insufficient_quota", message="spent"))

    await noting(exchange, lambda one: Observe(metrics, log, clock)(one, service))
    [record] = kept
    assert (record.outcome, record.status, record.code) == ("shed", exchange.status, "insufficient_quota")
    assert (record.input, record.estimated) == (None, False)


async def test_one_that_is_cancelled_is_noted_all_the_same(noting, kept, exchange):
    async def service(one):
        asks(one)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await noting(exchange, service)
    assert len(kept) == 1


async def test_what_was_never_read_leaves_no_record(noting, kept, exchange):
    async def refused(_):
        raise Gone

    with pytest.raises(Gone):
        await noting(exchange, refused)
    assert kept == []


@pytest.mark.parametrize("route", ["models", "other", "count_tokens"])
async def test_what_uses_no_tokens_leaves_no_record(noting, kept, exchange_of, route):
    async def service(one):
        asks(one, attempts=[Attempt("alpha/m", "ok", 200, 3)])

    await noting(exchange_of(route=route), service)
    assert kept == []


async def test_what_passes_through_is_noted_by_its_attempt(noting, kept, exchange_of):
    async def service(one):
        one.provider, one.model, one.attempts = "alpha", "passthrough", [Attempt("alpha/passthrough", "ok", 200, 3)]

    await noting(exchange_of(route="passthrough"), service)
    [record] = kept
    assert (record.provider, record.model, record.input, record.estimated) == ("alpha", "passthrough", None, False)


async def test_where_the_provider_did_not_say_the_input_is_estimated(noting, kept, exchange):
    async def service(one):
        asks(one, provider="alpha")

    await noting(exchange, service)
    [record] = kept
    assert (record.input, record.output, record.estimated) == (18, None, True)


@pytest.mark.parametrize(
    ("value", "tokens"),
    [("x" * 30, 10), (["x" * 3, "x" * 4], 3), ([1, 2, 3], 3), ([[1, 2], [3]], 3), (None, 0), ("\ud800", 1)],
)
async def test_inputs_of_embeddings_are_estimated_alike(noting, kept, exchange_of, value, tokens):
    async def service(one):
        asks(one, provider="alpha", payload={"model": "m", "input": value})

    await noting(exchange_of(route="embeddings"), service)
    assert [one.input for one in kept] == [tokens]


async def test_what_cannot_be_read_is_not_estimated(noting, kept, exchange):
    async def service(one):
        asks(one, provider="alpha", payload={"model": "m", "messages": 3})

    await noting(exchange, service)
    assert [(one.input, one.estimated) for one in kept] == [(None, False)]


class Counter:
    """Counts exactly, for a model."""

    def __init__(self, fails=None) -> None:
        self.asked, self.fails = [], fails

    async def count(self, request, model):
        self.asked.append(model)
        if self.fails is not None:
            raise self.fails
        return 5


async def test_what_the_provider_did_not_say_is_counted_where_that_can_be_done(kept, clock, exchange):
    async def service(one):
        asks(one, status=200, provider="alpha", model="gpt-4o")

    counter = Counter()
    await Noting([kept], clock, counter)(exchange, service)
    assert [(one.input, one.estimated) for one in kept] == [(5, True)]
    assert counter.asked == ["gpt-4o"]


async def test_a_count_that_is_broken_off_leaves_the_estimate(kept, clock, exchange):
    """The record is noted all the same."""

    async def service(one):
        asks(one, status=200, provider="alpha", model="gpt-4o")

    with pytest.raises(asyncio.CancelledError):
        await Noting([kept], clock, Counter(asyncio.CancelledError()))(exchange, service)
    assert [(one.input, one.estimated) for one in kept] == [(18, True)]


async def test_what_was_told_is_not_counted_again(kept, clock, exchange):
    async def service(one):
        asks(one, status=200, provider="alpha", model="gpt-4o", usage=Usage(7, 9))

    counter = Counter()
    await Noting([kept], clock, counter)(exchange, service)
    assert counter.asked == []
