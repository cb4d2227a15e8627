"""What every test shares."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from blockbuster import blockbuster_ctx

from proxy.server.lifecycle import load_the_rest
from tests.recorded.each import PASSED_OVER
from tests.redis_server import PROGRAM, RedisServer

TOO_SLOW = hypothesis.HealthCheck.too_slow  # says more of what else the machine does than of a test
hypothesis.settings.register_profile(
    "suite", max_examples=50, deadline=None, print_blob=True, suppress_health_check=[TOO_SLOW]
)
hypothesis.settings.load_profile("suite")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why recorded exchanges were passed over inside a test that plays many of them."""
    reports = terminalreporter.stats.get("passed", [])
    told = [why for report in reports for name, why in report.user_properties if name == PASSED_OVER]
    counted = Counter(str(why).partition(": ")[2] for why in told)
    if counted:
        terminalreporter.section("recorded exchanges passed over")
    for why, times in counted.most_common():
        terminalreporter.line(f"{times}: {why}")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Async tests run on asyncio with uvloop, as the server does."""
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="session", autouse=True)
def nothing_blocks_the_loop() -> Iterator[None]:
    """Fails a test whose coroutine, in our own code, makes a call that would stop the event loop."""
    load_the_rest()
    with blockbuster_ctx("proxy", excluded_modules=["proxy.drill"]) as guard:
        for function in guard.functions.values():
            # The first act of a process and the last: data files and certificates are read before anything is served,
            # and what is left of the log is written, for a bounded time, when nothing is served any more.
            function.can_block_in("proxy/app.py", "__init__")
            function.can_block_in("proxy/telemetry/logs.py", "close")
            # One look at one file a second, which takes microseconds.
            function.can_block_in("proxy/config/followed.py", "changed")
        yield


@pytest.fixture
async def make_redis(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[RedisServer]]]:
    """`await make_redis("--appendonly", "no")`: a server of the test's own; without words one that is fit for hard
    budgets."""
    if PROGRAM is None:
        pytest.skip("needs redis-server or valkey-server (Debian's package redis-server)")
    made: list[RedisServer] = []

    async def make(*words: str) -> RedisServer:
        folder = tmp_path / f"redis-{len(made)}"
        folder.mkdir()
        made.append(RedisServer(folder, *words))
        return await made[-1].start()

    yield make
    for one in made:
        await one.stop()


@pytest.fixture
async def redis_server(make_redis: Callable[..., Awaitable[RedisServer]]) -> RedisServer:
    return await make_redis()
