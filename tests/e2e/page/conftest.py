"""A browser for all tests of the live page, and worlds to look at."""

from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from proxy.config.selection import Experiment, Levels, Selection, Strategy
from proxy.config.spending import Budget, LedgerSettings, Price, Spending
from proxy.config.values import AdminSettings, BreakerSettings, RetrySettings
from tests.e2e.page.chromium import FOUND, Chromium, running

TOKEN = "st-a-token-of-the-admin-port"
HURRIED = BreakerSettings(consecutive_failures=1, open_s=300.0)
CHEAP = Price(input=20, output=20)
DUO = Levels("duo", "duo", "duo")
BOTH = {name: Strategy(name, DUO) for name in ("balanced", "cost")}
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
async def full(make_world, frail, tmp_path):
    """A world with all that the page can show: strategies and an experiment, a budget, records of usage."""
    prices = {f"{name}/{model}": CHEAP for name, model in (("alpha", "demo-large"), ("beta", "demo-claude"))}
    budget = Budget("daily", "usd", 5_000_000_000, "day")
    spending = Spending((budget,), prices=prices, ledger=LedgerSettings(f"sqlite:///{tmp_path}/ledger.db"))
    rollout = Experiment("rollout", (("balanced", 9000), ("cost", 1000)))
    selection = Selection("balanced", strategies=BOTH, experiments={"rollout": rollout}, folder=str(tmp_path))
    async with make_world(lambda *three: frail(*three, spending=spending, selection=selection)) as one:
        yield one


@pytest.fixture
def both():
    return BOTH


@pytest.fixture
def guarded(frail):
    """The same behind a token."""
    settings = AdminSettings(token_sha256=(sha256(TOKEN.encode()).hexdigest(),))
    return lambda *scripted: frail(*scripted, admin=settings)


@pytest.fixture
def token():
    return TOKEN
