"""Game day: the primary is down for five minutes under load, and clients do not notice. A second here is 100 seconds.

All days are played side by side, each with a proxy of its own. The clients are plain ones that never retry, so that
each failure would be seen; they ask for whole answers and for streams in turn.
"""

import asyncio
import io
import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

from proxy.app import build
from proxy.clock import SystemClock
from proxy.config.profiles import vendors
from proxy.config.values import (
    BreakerSettings,
    Config,
    ModelRoute,
    Provider,
    RetrySettings,
    ServerSettings,
    Step,
    TimeoutSettings,
)
from proxy.drill.demo import attempts
from proxy.drill.exercise.asking import KINDS, Outcome, ask
from proxy.drill.exercise.watching import Timeline
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import html, ok, silence, status
from proxy.server import serving
from translators.ir import Dialect

vendors()  # read before a loop runs, as a start does

SCALE = 100
CLOCK = SystemClock()
BEFORE_S, DOWN_S, LONGEST_S = 60 / SCALE, 300 / SCALE, 900 / SCALE
PROGRESS_S = 30 / SCALE
FORCED_S = 1 / SCALE
CLIENTS, PAUSE_S = 5, 0.06
ALPHA, BETA = "alpha/large", "beta/claude"


def scaled(settings, *kept):
    """Every time of these settings, scaled."""
    return type(settings)(
        **{name: getattr(settings, name) / SCALE for name in settings.__struct_fields__ if name.endswith("_s")}
        | {name: getattr(settings, name) for name in kept}
    )


def provider_of(scripted):
    return Provider(
        scripted.name,
        scripted.dialect,
        scripted.base_url,
        breaker=scaled(BreakerSettings()),
        retry=RetrySettings(
            base_s=0.5 / SCALE,
            cap_s=8 / SCALE,
            max_inline_wait_s=2 / SCALE,
            budget_min_per_s=SCALE,
            budget_window_s=10 / SCALE,
        ),
        # As by default, a whole answer has four times as long as a stream's progress. Connections take what they take.
        timeouts=TimeoutSettings(progress_s=PROGRESS_S, progress_unary_s=4 * PROGRESS_S, idle_s=2 * PROGRESS_S),
    )


@dataclass
class Day:
    outcomes: list[Outcome] = field(default_factory=list)
    direct: list[Outcome] = field(default_factory=list)
    """The same load at the primary itself."""
    timeline: Timeline | None = None
    down_at: float = 0.0
    up_at: float = 0.0

    @property
    def opened_at(self) -> float:
        opened = self.timeline.first(ALPHA, "X", self.down_at)
        assert opened is not None, "the breaker never opened"
        return opened

    def under(self, outcomes=None):
        return [one for one in outcomes or self.outcomes if self.down_at <= one.sent and one.ended <= self.up_at]

    def errors(self):
        return [one.result.error for one in self.outcomes if one.end != "ok"]

    def slow(self):
        """Answers that somebody waited a whole timeout for."""
        return [one for one in self.outcomes if one.waited_s >= 0.9 * PROGRESS_S]

    def met(self):
        """Requests that were tried at the primary while it was down."""
        return [one for one in self.under() if any(told[0] == ALPHA for told in attempts(one.result))]


@asynccontextmanager
async def clients(url, kept, count=CLIENTS):
    """So many of them, each with one request at a time."""

    async def one(kinds):
        while True:
            kept.append(await ask(url, "gpt", next(kinds), timeout_s=60, clock=CLOCK))
            await CLOCK.sleep(PAUSE_S)

    load = [asyncio.create_task(one(itertools.cycle(KINDS))) for _ in range(count)]
    try:
        yield
    finally:
        for task in load:
            task.cancel()
        await asyncio.gather(*load, return_exceptions=True)


async def played(script, *, alone=False):
    """A day on which the primary does `script` for five minutes; it ends a minute after it is whole again."""
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, heard=0) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES, heard=0) as beta,
    ):
        steps = (Step("alpha", "large"),) if alone else (Step("alpha", "large"), Step("beta", "claude"))
        providers = {one.name: provider_of(one) for one in (alpha, beta)}
        here = ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.1)
        config = Config(providers, {"gpt": ModelRoute("gpt", steps)}, server=here)
        async with serving(config, partial(build, log=io.BytesIO())) as running:
            day = Day(timeline=Timeline((ALPHA, BETA), CLOCK.now()))
            watcher = asyncio.create_task(watched(day.timeline, running.app.state))
            async with clients(running.data_url, day.outcomes), clients(alpha.url, day.direct, CLIENTS * alone):
                await CLOCK.sleep(BEFORE_S)
                day.down_at, alpha.script = CLOCK.now(), script
                await CLOCK.sleep(DOWN_S)
                day.up_at, alpha.script = CLOCK.now(), ok()
                while day.timeline.now(ALPHA) != "." and CLOCK.now() < day.up_at + LONGEST_S:
                    await CLOCK.sleep(0.01)
                await CLOCK.sleep(BEFORE_S)
            watcher.cancel()
            return day


async def watched(timeline, state):
    while True:
        timeline.see(CLOCK.now(), state())
        await CLOCK.sleep(0.005)


RETRY_AFTER = status(429, retry_after_ms=30_000 / SCALE)
FLAKY = status(500).then(ok()).then(ok()).times(500)
DAYS = {
    "503": (status(503), False),
    "429": (RETRY_AFTER, False),
    "silence": (silence(), False),
    "garbage": (html(), False),
    "alone": (status(503), True),
    "flaky and alone": (FLAKY, True),
}


@pytest.fixture(scope="module")
async def days():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proxy.resilience.breaker.FORCE_EVERY_S", FORCED_S)
        patch.setattr("proxy.resilience.breaker.FORGIVE_S", 60 / SCALE)
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(played(script, alone=alone)) for name, (script, alone) in DAYS.items()}
        return {name: task.result() for name, task in tasks.items()}


@pytest.mark.parametrize("name", ["503", "429", "silence", "garbage"])
async def test_no_client_sees_an_error_and_the_second_target_serves_the_outage(days, name):
    day = days[name]
    assert day.errors() == []
    assert len(day.under()) > 40
    assert {one.result.served_by for one in day.under()} == {BETA}


@pytest.mark.parametrize("name", ["503", "silence", "garbage"])
async def test_five_requests_pay_for_the_breaker_to_open_and_then_nobody_but_probes(days, name):
    day = days[name]
    paid = [one for one in day.met() if one.ended <= day.opened_at]
    later = [one for one in day.met() if one.sent > day.opened_at]
    assert len(paid) <= 5
    openings = "".join(sign for _, sign in day.timeline.changes[ALPHA]).count("X")
    assert len(later) <= openings
    assert day.opened_at - day.down_at < 4 * PROGRESS_S + 0.3


async def test_a_silent_primary_makes_five_requests_slow_before_its_breaker_opens(days):
    """Others that were already waiting then have waited in vain, too; after it only probes do."""
    day = days["silence"]
    assert 1 <= len([one for one in day.slow() if one.ended <= day.opened_at]) <= 5
    assert len([one for one in day.slow() if one.sent <= day.opened_at]) <= 5 + CLIENTS - 1
    openings = "".join(sign for _, sign in day.timeline.changes[ALPHA]).count("X")
    assert len([one for one in day.slow() if one.sent > day.opened_at]) <= openings


async def test_a_wait_that_is_asked_for_is_kept(days):
    """Each 30 s at most as many requests learn that it goes on as there are clients; nobody waits for it."""
    day = days["429"]
    waits = DOWN_S / (30 / SCALE)
    assert len(day.met()) <= CLIENTS * (waits + 1)
    assert "X" not in {sign for at, sign in day.timeline.changes[ALPHA] if at < day.up_at}
    assert day.slow() == []


@pytest.mark.parametrize("name", ["503", "silence", "garbage", "alone"])
async def test_the_primary_comes_back_by_a_ramp(days, name):
    """Probes first, then a growing share, then all of it."""
    day = days[name]
    after = [sign for at, sign in day.timeline.changes[ALPHA] if at >= day.up_at]
    ramp = [int(sign) for sign in after if sign.isdigit()]
    assert ramp == sorted(ramp)
    assert len(ramp) >= 4
    assert after[-1] == "."
    closed = day.timeline.changes[ALPHA][-1][0]
    assert {one.result.served_by for one in day.outcomes if one.sent > closed} == {ALPHA}


async def test_in_the_ramp_the_second_target_still_serves_a_part(days):
    day = days["503"]
    began = day.timeline.first(ALPHA, "123456789", day.up_at)
    closed = day.timeline.changes[ALPHA][-1][0]
    assert {one.result.served_by for one in day.outcomes if began < one.sent < closed} == {ALPHA, BETA}


async def test_a_chain_of_one_fails_no_longer_than_its_provider_does(days):
    """Never worse than direct: with no other target, a call a second finds out that it is back. Until then its clients
    are told at once, and to try again."""
    day = days["alone"]
    assert {one.end for one in day.under()} == {one.end for one in day.under(day.direct)} == {"error"}
    late = [one for one in day.outcomes if one.sent > day.up_at + 4 * FORCED_S + 0.05]
    assert [one.result.error for one in late if one.end != "ok"] == []
    told = [one for one in day.outcomes if one.sent > day.opened_at and one.end == "error"]
    assert max(one.waited_s for one in told) < PROGRESS_S
    refused = [one for one in told if "its breaker is open" in one.result.error]
    assert refused
    assert {one.result.headers["x-should-retry"] for one in refused} == {"true"}


async def test_a_chain_of_one_mends_what_a_second_try_mends(days):
    """A provider that fails each third call, at which the same clients without a proxy see every failure."""
    day = days["flaky and alone"]
    direct = [one for one in day.under(day.direct) if one.end != "ok"]
    assert len(direct) > 20
    assert len(day.errors()) < len(direct) / 4
