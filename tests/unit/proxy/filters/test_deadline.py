"""One deadline for the whole exchange."""

import asyncio

import pytest

from proxy.clock import SystemClock
from proxy.config.values import TimeoutSettings
from proxy.filters.deadline import Deadline, retry_count
from translators.faults import Kind


@pytest.fixture
def clock():
    """Timers are the loop's own, so this clock is the real one."""
    return SystemClock()


async def test_the_exchange_knows_its_times(exchange_of, clock):
    headers = {"x-request-timeout": "10", "x-stainless-retry-count": "2"}
    exchange = exchange_of(headers=headers)

    async def service(one):
        now = clock.now()
        assert 9 < one.deadline - now <= 10
        assert 8 < one.commit_by - now <= 9
        assert (one.client_wait_s, one.retry_count) == (10, 2)

    await Deadline(TimeoutSettings(), clock)(exchange, service)


async def test_without_a_header_the_configured_deadline_stands(exchange, clock):
    async def service(one):
        assert 4 < one.deadline - clock.now() <= 5
        assert one.client_wait_s is None

    await Deadline(TimeoutSettings(deadline_s=5), clock)(exchange, service)


async def test_when_it_passes_the_task_is_cancelled_and_knows_why(exchange, clock):
    async def service(_):
        await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        await Deadline(TimeoutSettings(deadline_s=0.05), clock)(exchange, service)
    asyncio.current_task().uncancel()
    assert exchange.cancelled.kind is Kind.DEADLINE
    assert exchange.cancelled.code == "deadline_exceeded"


async def test_an_exchange_that_ended_is_left_alone(exchange, clock):
    async def service(_):
        pass

    await Deadline(TimeoutSettings(deadline_s=0.02), clock)(exchange, service)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await asyncio.Event().wait()
    assert exchange.cancelled is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("0", 0), ("2", 2), ("98", 98), ("1000", 99), ("-1", 0), ("1.5", 0), ("\u0662", 0), ("9" * 5000, 0)],
)
def test_only_a_small_number_is_a_retry_count(text, count):
    assert retry_count(text) == count
