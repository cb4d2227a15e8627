"""Taking another configuration while serving: when it is asked for, how it is told.

Asked for by SIGHUP, or where `[server] watch` is on by the file itself. It is read, checked and made ready whole before
anything changes; then new requests are served by it and those under way end as they began (`Running.adopt`). One that
cannot be used changes nothing. Either way a line of the log, `/state` and two metrics say when and with what result;
errors are told as `sidestep check` tells them.

Whoever sends SIGHUP may have paid a bill: it takes keys that are off back into use, if the file is valid, changed or
not. A file that changes by itself does not.

Whoever asks while a reload is under way gets another one after it: the file may have changed since it was read.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Literal

from msgspec import Struct, structs

from proxy.clock import Clock
from proxy.config.errors import ConfigErrors
from proxy.config.followed import Followed
from proxy.config.values import Config
from proxy.filters.observe import place_of
from proxy.server.descriptors import too_few
from proxy.server.running import Running
from proxy.telemetry.names import RELOAD

LOOK_S: Final = 1.0
"""Between two looks at the file."""
NOTHING: Final = "these are scripted providers: there is no configuration to read again"

Trigger = Literal["signal", "watch"]


class Outcome(Struct, frozen=True):
    """What became of one reload."""

    applied: bool
    errors: tuple[str, ...] = ()
    """Why it is not applied, each with its path."""
    warnings: tuple[str, ...] = ()


class Reloader:
    """Reads `followed` again for `running`; None: there is nothing to read, and whoever asks is told so."""

    def __init__(self, running: Running, followed: Followed | None, asked: asyncio.Event, clock: Clock) -> None:
        """`asked` is set by whoever wants a reload."""
        self._running = running
        self._followed = followed
        self._asked = asked
        self._clock = clock

    async def run(self) -> None:
        """Until it is cancelled. Whatever is wrong with a configuration does not end it."""
        while True:
            trigger = await self._next()
            if self._followed is None:
                self._running.app.log.events.warning(RELOAD, trigger=trigger, applied=False, errors=[NOTHING])
            else:
                outcome = await self._reload(self._followed)
                if trigger == "signal" and outcome.applied:
                    self._running.app.free_keys()
                self._tell(trigger, outcome)

    async def _next(self) -> Trigger:
        """Waits until somebody asks, or the file has changed."""
        while not self._asked.is_set():
            watched = self._followed if self._running.config.server.watch else None
            with suppress(TimeoutError):
                async with asyncio.timeout(None if watched is None else LOOK_S):
                    await self._asked.wait()
            if watched is not None and watched.changed():
                return "watch"
        self._asked.clear()
        return "signal"

    async def _reload(self, followed: Followed) -> Outcome:
        running = self._running
        try:
            loaded = await asyncio.to_thread(followed.reload, running.config)
            await running.adopt(loaded.config)
        except ConfigErrors as refused:
            return Outcome(applied=False, errors=tuple(str(error) for error in refused.errors))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, what serves goes on
            own = f"internal error: {type(error).__name__} at {place_of(error)}; please report it"
            return Outcome(applied=False, errors=(own,))
        few = filter(None, [too_few(running.config.limits.in_flight)])
        unpriced = await asyncio.to_thread(_unpriced, running.config, self._clock)
        return Outcome(applied=True, warnings=(*loaded.warnings, *few, *unpriced))

    def _tell(self, trigger: Trigger, outcome: Outcome) -> None:
        running, at = self._running, self._clock.wall()
        told = {"trigger": trigger, **structs.asdict(outcome)}
        running.app.metrics.configured = outcome.applied, at
        running.reload = {"at": datetime.fromtimestamp(at, UTC), **told}
        log = running.app.log.events
        (log.info if outcome.applied else log.error)(RELOAD, source=running.config.source, **told)


def _unpriced(config: Config, clock: Clock) -> list[str]:
    if not config.spending.limits_money:
        return []
    from proxy.budgets.unpriced import warnings_of  # noqa: PLC0415 - a start without limits loads none of it

    return warnings_of(config, clock.wall)
