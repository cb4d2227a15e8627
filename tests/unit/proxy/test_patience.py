"""Time that a process had to hear of something, on an event loop whose time jumps: no test here waits."""

import asyncio

import pytest

from proxy.patience import PARTS, Patience
from proxy.replay.moments import VirtualClock, VirtualLoop

BEGIN = 1_000.0
LIMIT_S = 2.0


def run(main):
    """What `main` returns, and how long that took."""
    loop = VirtualLoop(BEGIN)
    try:
        return loop.run_until_complete(main(loop)), pytest.approx(loop.time() - BEGIN, abs=1e-3)
    finally:
        loop.close()


def stopped(loop, seconds):
    """The process does not run for so long."""
    loop.moment += seconds


async def after(seconds):
    """What takes so long."""
    await VirtualClock(BEGIN).sleep(seconds)
    return "in time"


async def patient(seconds, body):
    try:
        async with Patience(seconds):
            return await body
    except TimeoutError:
        return "over"


def test_on_a_loop_that_is_on_time_it_is_over_when_it_is_over():
    assert run(lambda _: patient(LIMIT_S, after(LIMIT_S + 1))) == ("over", LIMIT_S)
    assert run(lambda _: patient(LIMIT_S, after(LIMIT_S - 0.01))) == ("in time", LIMIT_S - 0.01)


@pytest.mark.parametrize("at", [0.0, 1.0, 1.81, 1.99])
def test_what_a_process_that_was_stopped_finds_done_is_in_time(at):
    """Its answer came while it was stopped; the loop looks at timers first."""

    async def main(loop):
        answer = loop.create_future()
        loop.call_at(BEGIN + at, stopped, loop, 10.0)
        loop.call_at(BEGIN + at + 10.01, answer.set_result, "in time")
        return await patient(LIMIT_S, answer)

    assert run(main) == ("in time", at + 10.01)


def test_a_pause_takes_one_part_of_the_time():
    async def main(loop):
        loop.call_at(BEGIN + 0.1, stopped, loop, 10.0)
        return await patient(LIMIT_S, loop.create_future())

    assert run(main) == ("over", 10.1 + (PARTS - 1) * LIMIT_S / PARTS)


def test_on_a_loop_that_is_always_late_it_ends_nevertheless():
    async def main(loop):
        def late():
            stopped(loop, 1.0)
            loop.call_soon(late)

        loop.call_soon(late)
        return await patient(LIMIT_S, loop.create_future())

    found, took = run(main)
    assert found == "over"
    assert took.expected < 3 * PARTS


def test_a_cancellation_and_a_timeout_of_the_body_itself_pass_through():
    async def main(loop):
        task = asyncio.current_task()
        loop.call_later(0.5, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            async with Patience(LIMIT_S):
                await loop.create_future()
        task.uncancel()
        with pytest.raises(TimeoutError, match="the body's own"):
            async with Patience(LIMIT_S):
                raise TimeoutError("the body's own")
        await after(2 * LIMIT_S)  # and nothing rings afterwards

    run(main)
