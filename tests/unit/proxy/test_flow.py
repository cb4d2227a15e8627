"""Filters around a service, and the one way an exchange is cancelled."""

import asyncio

import pytest

from proxy.flow import Exchange, Refused, at_once, cancel, expire, stack
from translators.faults import Fault, Kind


class Nothing:
    started = False


def exchange() -> Exchange:
    return Exchange(
        id="req_1",
        route="chat",
        method="POST",
        path="/",
        headers={"authorization": "Bearer sk-secret"},
        read=None,
        peer="",
        out=Nothing(),
        codec=None,
        started=0.0,
        payload={"messages": "a private word"},
    )


def fault(kind: Kind = Kind.DEADLINE) -> Fault:
    return Fault(kind=kind, message="It is over.")


async def test_the_first_filter_is_the_outermost_and_sees_the_end_last():
    seen = []

    def named(name):
        async def one(exchange, service):
            seen.append(f"{name} in")
            try:
                await service(exchange)
            finally:
                seen.append(f"{name} out")

        return one

    async def innermost(exchange):
        seen.append("served")

    await stack([named("a"), named("b")], innermost)(exchange())
    assert seen == ["a in", "b in", "served", "b out", "a out"]


async def test_a_filter_may_keep_the_exchange_to_itself():
    async def refuses(exchange, service):
        raise Refused(fault(), retry_after_s=3)

    async def innermost(exchange):
        raise AssertionError("it was refused")

    with pytest.raises(Refused) as caught:
        await stack([refuses], innermost)(exchange())
    assert (caught.value.retry_after_s, caught.value.should_retry) == (3, False)


async def test_the_first_reason_to_cancel_stands_and_cancels_once():
    one = exchange()
    task = asyncio.ensure_future(asyncio.get_running_loop().create_future())
    first, second = fault(Kind.SHED), fault(Kind.CANCELLED)
    cancel(one, task, first)
    cancel(one, task, second)
    assert one.cancelled is first
    with pytest.raises(asyncio.CancelledError):
        await task


def test_without_a_task_there_is_nothing_to_cancel():
    one = exchange()
    cancel(one, None, fault())
    assert one.cancelled is None


def test_an_exchange_prints_neither_headers_nor_body():
    assert "secret" not in repr(exchange()) and "private" not in repr(exchange())


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.000017, "<0.001"), (0.001, "0.001"), (2.5, "2.5"), (9.0000001, "9"), (600.0002, "600"), (86400.0, "86400")],
)
async def test_the_time_a_request_had_is_told_as_it_was_asked_for(seconds, told):
    """Less than ten seconds with their fraction; what it took to get here is left out."""
    assert await expired(seconds) == f"No complete answer within the {told} s this request had."


async def expired(seconds: float) -> str:
    one = exchange()
    one.deadline = seconds
    task = asyncio.create_task(asyncio.Event().wait())
    expire(one, task)
    with pytest.raises(asyncio.CancelledError):
        await task
    return one.cancelled.message


def test_what_waits_for_nothing_needs_no_task():
    done = []

    async def work():
        done.append(1)

    at_once(work())
    assert done == [1]


async def test_what_waits_after_all_goes_no_further():
    done = []

    async def work():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            done.append(1)

    with pytest.raises(RuntimeError, match="wait"):
        at_once(work())
    assert done == [1]
