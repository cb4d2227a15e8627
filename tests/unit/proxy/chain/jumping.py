"""Time that jumps: a clock and an event loop that wait for nothing."""

import asyncio
import selectors


class Clock:
    """The loop's own time. `chance` gives what `uniform` gives."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.chance = lambda: 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time + 1.7e9

    def uniform(self) -> float:
        return self.chance()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await pause(seconds)


async def pause(seconds: float) -> None:
    """Lets time pass, as a silent provider does."""
    future = asyncio.get_running_loop().create_future()
    future.get_loop().call_later(seconds, lambda: future.done() or future.set_result(None))
    await future


class Jumping(selectors.DefaultSelector):
    """Instead of waiting it moves the clock on."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everything waits for ever"
            self._clock.time += max(timeout, 0.0)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        super().__init__(Jumping(clock))

    def time(self) -> float:
        return self._clock.time
