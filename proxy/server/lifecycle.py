"""The process' life: both listeners up, signals, and the way down.

On SIGTERM or SIGINT the data port stops accepting and the admin port says so (`/readyz` 503) while open exchanges
finish. What is still open after `drain_s` is cancelled by us, so that every client is told in its own dialect that its
answer is incomplete, and everything below is closed and settled. A second signal ends the process at once. Once all is
settled the process ends within `EXIT_S`, even if some thread (a name's resolution, a log nobody reads) does not.

SIGHUP asks for a reload (`proxy.server.reload`). Where a terminal started the process and has gone, it means what it
once meant: the process ends as on SIGTERM.
"""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvloop

from proxy.clock import Clock, SystemClock
from proxy.config.followed import Followed
from proxy.config.profiles import families
from proxy.config.values import Config, ServerSettings
from proxy.filters.observe import last_resorts
from proxy.server.descriptors import raise_descriptors
from proxy.server.listener import CannotListen, Sockets, bind
from proxy.server.protocol import Bounds
from proxy.server.reload import Reloader
from proxy.server.running import App, Running

EXIT_S = 2.0
"""For threads to end, once everything is closed."""
YOUNG = 10_000
"""New objects that wake the collector. An exchange leaves no cycles, and with the usual 700 every few of them pay for a
look at all that are under way."""
_STDIN = 0

Build = Callable[[Config, Clock], App]
"""Called inside the running loop, once the sockets are bound."""


@asynccontextmanager
async def serving(
    config: Config,
    build: Build,
    *,
    clock: Clock | None = None,
    reuse_port: bool = False,
    bounds: Bounds | None = None,
) -> AsyncIterator[Running]:
    """Serves while the context is open. Raises CannotListen before anything is built."""
    clock = clock or SystemClock()
    sockets = _bind_both(config.server, reuse_port=reuse_port)
    try:
        app = build(config, clock)
    except BaseException:
        for bound in sockets:
            bound.close()
        raise
    running = Running(config, app, clock, sockets, bounds or Bounds(write_s=config.limits.client_write_s))
    try:
        await running.open()
        yield running
    finally:
        await running.close()


def run(
    config: Config,
    build: Build,
    *,
    reuse_port: bool = False,
    ready: Callable[[Running], None] | None = None,
    followed: Followed | None = None,
) -> int:
    """Serves until SIGTERM or SIGINT; the exit code. `ready` is called once both ports accept. `followed` is read again
    for a reload; None: there is nothing to read.

    The process is to end after this: it will, and any further signal ends it at once.
    """
    raise_descriptors()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_signalled(config, build, reuse_port=reuse_port, ready=ready, followed=followed))
    except CannotListen as error:
        sys.stderr.write(f"sidestep: {error}\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):  # the loop that heard them is gone
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return 0


async def _until_signalled(
    config: Config,
    build: Build,
    *,
    reuse_port: bool,
    ready: Callable[[Running], None] | None,
    followed: Followed | None,
) -> None:
    ending, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _signalled, ending, number)
    loop.add_signal_handler(signal.SIGHUP, _hung_up, ending, reload, os.isatty(_STDIN))
    clock = SystemClock()
    async with serving(config, build, clock=clock, reuse_port=reuse_port) as running:
        await asyncio.to_thread(load_the_rest)
        running.load_the_rest()
        gc.collect()
        gc.freeze()  # what is loaded now stays: the collector need not look at it again
        gc.set_threshold(YOUNG, 10, 10)
        gc.enable()
        if ready is not None:
            ready(running)
        reloading = asyncio.create_task(Reloader(running, followed, reload, clock).run())
        await ending.wait()
        reloading.cancel()
        await running.drain(running.config.server.drain_s)
    _end_within(EXIT_S)


def load_the_rest() -> None:
    """What few requests need, and none may wait for: half of all there is to load. Loaded while requests are served
    already, and before that is said: later there might be no file left to read it with."""
    import structlog  # noqa: F401, PLC0415 - see above

    from proxy.admin import feed, pages  # noqa: F401, PLC0415 - see above
    from proxy.telemetry import exposition  # noqa: F401, PLC0415 - see above

    families()
    last_resorts()  # which loads every dialect


def _end_within(seconds: float) -> None:
    end = threading.Timer(seconds, os._exit, (0,))
    end.daemon = True
    end.start()


def _signalled(ending: asyncio.Event, number: int) -> None:
    if ending.is_set():
        os._exit(128 + number)
    ending.set()


def _hung_up(ending: asyncio.Event, reload: asyncio.Event, terminal: bool) -> None:
    """`terminal`: whether one was there at the start."""
    if terminal and not os.isatty(_STDIN):
        ending.set()
    else:
        reload.set()


def _bind_both(settings: ServerSettings, *, reuse_port: bool) -> Sockets:
    data = bind(settings.listen, "--port", reuse_port=reuse_port)
    try:
        return data, bind(settings.admin, "--admin")
    except CannotListen:
        data.close()
        raise
