"""The watchdog, on an event loop whose time jumps: no test here waits."""

import asyncio
import selectors
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.upstream.timers import Stalled, Watchdog


class JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting it moves the clock on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everything waits for ever"
            self.now += max(timeout, 0.0)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        self.timers = 0
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def call_at(self, when, callback, *args, context=None):
        self.timers += 1
        return super().call_at(when, callback, *args, context=context)


def run(coroutine):
    loop = JumpingLoop()
    try:
        return loop.run_until_complete(coroutine(loop))
    finally:
        loop.close()


def stalls(coroutine):
    """When the coroutine stalled, and whether it was the absolute limit."""
    loop = JumpingLoop()
    try:
        with pytest.raises(Stalled) as caught:
            loop.run_until_complete(coroutine(loop))
        return loop.time(), caught.value.capped
    finally:
        loop.close()


def after(loop, seconds):
    """A future that is done after `seconds`."""
    future = loop.create_future()
    loop.call_later(seconds, future.set_result, None)
    return future


def test_a_body_without_progress_is_stalled_after_its_time():
    async def body(loop):
        with Watchdog(30):
            await after(loop, 1000)

    assert stalls(body) == (1030.0, False)


def test_a_body_that_ends_in_time_is_left_alone():
    async def body(loop):
        with Watchdog(30):
            await after(loop, 29)
        await after(loop, 100)
        return asyncio.current_task().cancelling()

    assert run(body) == 0


def test_progress_moves_the_time_and_sets_no_timer():
    async def body(loop):
        with Watchdog(30) as dog:
            before = loop.timers
            for _ in range(10):
                dog.rearm(30)
            assert loop.timers == before
            for _ in range(4):
                await after(loop, 20)
                dog.rearm(30)
            await after(loop, 1000)

    assert stalls(body) == (1000 + 4 * 20 + 30, False)


def test_a_shorter_time_counts_at_once():
    async def body(loop):
        with Watchdog(300) as dog:
            dog.rearm(5)
            await after(loop, 1000)

    assert stalls(body) == (1005, False)


def test_a_resting_watchdog_never_rings_and_can_be_woken():
    async def body(loop):
        with Watchdog(float("inf")) as dog:
            await after(loop, 5000)
            dog.rearm(10)
            dog.rearm(float("inf"))
            await after(loop, 5000)
            dog.rearm(10)
            await after(loop, 1000)

    assert stalls(body) == (11010, False)


def test_a_time_of_zero_rings_at_the_next_wait():
    async def body(loop):
        with Watchdog(10) as dog:
            dog.rearm(0.0)
            await after(loop, 1)

    assert stalls(body) == (1000, False)


def test_the_absolute_limit_counts_whatever_the_progress():
    async def body(loop):
        with Watchdog(30) as dog:
            dog.limit_at(1050)
            while True:
                await after(loop, 20)
                dog.rearm(30)

    assert stalls(body) == (1050, True)


def test_a_limit_can_be_lifted():
    async def body(loop):
        with Watchdog(30) as dog:
            dog.limit_at(1010)
            dog.limit_at(float("inf"))
            await after(loop, 1000)

    assert stalls(body) == (1030, False)


def test_a_cancellation_from_outside_passes_as_itself():
    async def watched(loop):
        with Watchdog(30):
            await after(loop, 1000)

    async def body(loop):
        task = loop.create_task(watched(loop))
        await after(loop, 5)
        task.cancel("outside")
        with pytest.raises(asyncio.CancelledError, match="outside"):
            await task
        return loop.time(), task.cancelled()

    assert run(body) == (1005, True)


def test_a_cancellation_from_outside_wins_over_a_watchdog_that_rang_with_it():
    async def watched(loop):
        with Watchdog(5):
            await after(loop, 1000)

    async def body(loop):
        task = loop.create_task(watched(loop))
        loop.call_later(5, task.cancel)
        await asyncio.wait([task])
        return task.cancelled()

    assert run(body)


def test_other_errors_pass_as_themselves():
    async def body(loop):
        with Watchdog(5):
            await after(loop, 1)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        run(body)


def test_a_stall_that_was_caught_leaves_no_cancellation_behind():
    async def body(loop):
        with suppress(Stalled), Watchdog(5):
            await after(loop, 10)
        await after(loop, 10)
        return asyncio.current_task().cancelling(), loop.time()

    assert run(body) == (0, 1015)


def test_a_ring_that_interrupted_nothing_raises_nothing():
    """The body swallowed the cancellation and ended: what it did stands."""

    async def body(loop):
        with Watchdog(5), suppress(asyncio.CancelledError):
            await after(loop, 10)
        return asyncio.current_task().cancelling()

    assert run(body) == 0


def test_the_inner_of_two_watchdogs_rings_alone():
    async def body(loop):
        with Watchdog(100):
            with pytest.raises(Stalled), Watchdog(5):
                await after(loop, 1000)
            await after(loop, 50)
        return loop.time(), asyncio.current_task().cancelling()

    assert run(body) == (1055, 0)


def test_the_outer_of_two_watchdogs_rings_through_the_inner():
    rang = []

    async def body(loop):
        with Watchdog(5):
            try:
                with Watchdog(100):
                    await after(loop, 1000)
            except Stalled:
                rang.append("inner")
                raise

    assert (stalls(body), rang) == ((1005, False), [])


def test_of_two_watchdogs_that_ring_together_the_outer_raises():
    rang = []

    async def body(loop):
        with Watchdog(5):
            try:
                with Watchdog(5):
                    await after(loop, 1000)
            except Stalled:
                rang.append("inner")
                raise

    assert (stalls(body), rang) == ((1005, False), [])


def test_it_works_inside_a_task_that_is_being_cancelled():
    async def watched(loop):
        try:
            await after(loop, 1000)
        finally:
            with pytest.raises(Stalled), Watchdog(5):
                await after(loop, 1000)

    async def body(loop):
        task = loop.create_task(watched(loop))
        await after(loop, 1)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled(), loop.time()

    assert run(body) == (True, 1006)


def test_it_is_of_no_use_outside_a_task():
    loop = JumpingLoop()
    caught = []

    def callback():
        try:
            Watchdog(1).__enter__()
        except RuntimeError as error:
            caught.append(str(error))

    loop.call_soon(callback)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert caught == ["a Watchdog watches a task; there is none"]


STEPS = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from(["rearm", "limit"]), st.integers(0, 40) | st.just(float("inf"))),
    max_size=12,
)


@given(first=st.integers(1, 40), steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_it_rings_when_a_naive_model_says_so(first, steps):
    """Model: at every moment the ring is due at the earlier of the last rearm's time and the last limit."""

    async def body(loop):
        try:
            with Watchdog(first) as dog:
                for pause, action, value in steps:
                    await after(loop, pause)
                    dog.rearm(value) if action == "rearm" else dog.limit_at(loop.time() + value)
                await after(loop, 200)
        except Stalled:
            return loop.time()
        return None

    now, due, cap = 1000.0, 1000.0 + first, float("inf")
    expected = None
    for pause, action, value in [*steps, (200, "end", 0)]:
        if min(due, cap) < now + pause:
            expected = min(due, cap)
            break
        if min(due, cap) == now + pause:
            return  # both at the same moment: either may come first
        now += pause
        if action == "rearm":
            due = now + value
        elif action == "limit":
            cap = now + value
    assert run(body) == expected
