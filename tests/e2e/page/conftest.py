"""A browser for all tests of the live page, and worlds to look at."""

from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from proxy.config.values import AdminSettings, BreakerSettings, RetrySettings
from tests.e2e.page.chromium import FOUND, Chromium, running

TOKEN = "st-a-token-of-the-admin-port"
HURRIED = BreakerSettings(consecutive_failures=1, open_s=300.0)
ONCE = RetrySettings(attempts_per_target=1)


@pytest.fixture(scope="session")
async def chromium(anyio_backend: object, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    if FOUND is None:
        pytest.skip("no browser is installed: apt-get install chromium")
    async with running(tmp_path_factory.mktemp("chromium")) as one:
        yield one


@pytest.fixture(scope="session")
def frail(configured, provider):
    """The usual chains, with breakers that open at the first failure."""

    def configure(*scripted, **more):
        return configured(*(provider(one, breaker=HURRIED, retry=ONCE) for one in scripted), **more)

    return configure


@pytest.fixture
def guarded(frail):
    """The same behind a token."""
    settings = AdminSettings(token_sha256=(sha256(TOKEN.encode()).hexdigest(),))
    return lambda *scripted: frail(*scripted, admin=settings)


@pytest.fixture
def token():
    return TOKEN
