"""Game day: the primary is down for five minutes under load, and clients do not notice.

Every setting is a default, and every time is its own: the loop's clock jumps over the waiting (`tests.virtual`), so
that a day takes seconds. All days are played side by side, each with a proxy of its own. The clients are plain ones
that never retry, so that each failure would be seen; they ask for whole answers and for streams in turn.
"""

import asyncio
import io
import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

from proxy.app import build
from proxy.config.profiles import vendors
from proxy.config.values import Config, ModelRoute, Provider, ServerSettings, Step
from proxy.drill.demo import attempts
from proxy.drill.exercise.asking import KINDS, Outcome, ask
from proxy.drill.exercise.watching import Timeline
from proxy.drill.load import Result, judged, once
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import html, ok, silence, stall, status
from proxy.server import serving
from proxy.telemetry.names import READ_TIMEOUT
from tests import virtual
from translators.ir import Dialect

vendors()  # read before a loop runs, as a start does

BEFORE_S, DOWN_S, LONGEST_S = 60, 300, 900
PROGRESS_S, UNARY_S = 30, 120
CLIENTS, PAUSE_S = 5, 5
LOOK_S = 1.0
ALPHA, BETA = "alpha/large", "beta/claude"


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

    @property
    def openings(self) -> int:
        return "".join(sign for _, sign in self.timeline.changes[ALPHA]).count("X")

    def under(self, outcomes=None):
        """Whoever came and went while the primary was down."""
        return [one for one in outcomes or self.outcomes if self.down_at < one.sent and one.ended < self.up_at]

    def errors(self):
        return [one.result.error for one in self.outcomes if one.end != "ok"]

    def slow(self):
        """Answers that somebody waited a whole timeout for."""
        return [one for one in self.outcomes if one.waited_s >= PROGRESS_S]

    def met(self):
        """Requests that were tried at the primary while it was down."""
        return [one for one in self.under() if any(told[0] == ALPHA for told in attempts(one.result))]


async def ask_in_haste(url, kind, waits_s, clock):
    """A client whose SDK tells its own timeout, and keeps to it."""
    sent = clock.now()
    body = {"model": "gpt", "messages": [{"role": "user", "content": "Hello."}], "stream": kind == "stream"}
    try:
        async with asyncio.timeout(waits_s):
            answered = await once(f"{url}/v1", "/chat/completions", body, {READ_TIMEOUT: str(waits_s)}, clock)
    except TimeoutError:
        return Outcome(kind, "error", sent, clock.now(), Result(ok=False, error="it left", seconds=waits_s))
    result = judged(kind, answered, sent)
    return Outcome(kind, "ok" if result.ok else "error", sent, answered.ended, result)


@asynccontextmanager
async def clients(url, kept, clock, count=CLIENTS, waits_s=None):
    """So many of them, each with one request at a time, and none in step with another. `waits_s` is the time of those
    in haste."""

    def asked(kind):
        if waits_s is not None:
            return ask_in_haste(url, kind, waits_s, clock)
        return ask(url, "gpt", kind, timeout_s=600, clock=clock)

    async def one(place):
        kinds = itertools.cycle(KINDS)
        await clock.sleep(place * PAUSE_S / count)
        while True:
            kept.append(await asked(next(kinds)))
            await clock.sleep(PAUSE_S)

    load = [asyncio.create_task(one(place)) for place in range(count)]
    try:
        yield
    finally:
        for task in load:
            task.cancel()
        await asyncio.gather(*load, return_exceptions=True)


async def a_day(script, *, alone=False, waits_s=None):
    """The primary does `script` for five minutes; the day ends a minute after it is whole again."""
    clock = virtual.VirtualClock()
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, heard=0) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES, heard=0) as beta,
    ):
        steps = (Step("alpha", "large"),) if alone else (Step("alpha", "large"), Step("beta", "claude"))
        providers = {one.name: Provider(one.name, one.dialect, one.base_url) for one in (alpha, beta)}
        here = ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0")
        config = Config(providers, {"gpt": ModelRoute("gpt", steps)}, server=here)
        async with serving(config, partial(build, log=io.BytesIO()), clock=clock) as running:
            day = Day(timeline=Timeline((ALPHA, BETA), clock.now()))
            watcher = asyncio.create_task(watched(day.timeline, running.app.state, clock))
            direct = clients(alpha.url, day.direct, clock, CLIENTS * alone)
            async with clients(running.data_url, day.outcomes, clock, waits_s=waits_s), direct:
                await clock.sleep(BEFORE_S)
                day.down_at, alpha.script = clock.now(), script
                await clock.sleep(DOWN_S)
                day.up_at, alpha.script = clock.now(), ok()
                while day.timeline.now(ALPHA) != "." and clock.now() < day.up_at + LONGEST_S:
                    await clock.sleep(LOOK_S)
                await clock.sleep(BEFORE_S)
            watcher.cancel()
            return day


async def watched(timeline, state, clock):
    while True:
        timeline.see(clock.now(), state())
        await clock.sleep(LOOK_S)


HURRIED = {"silence and 20 s": 20, "silence and 60 s": 60}
DAYS = {
    "503": (status(503), False),
    "429": (status(429, retry_after=30), False),
    "silence": (silence(), False),
    "garbage": (html(), False),
    "stall": (stall(), False),
    "alone": (status(503), True),
    "401 and alone": (status(401), True),
    "quota and alone": (status(429, "insufficient_quota"), True),
    "flaky and alone": (status(500).then(ok()).then(ok()).times(1_000), True),
}


async def all_days():
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(a_day(script, alone=alone)) for name, (script, alone) in DAYS.items()}
        tasks |= {name: group.create_task(a_day(silence(), waits_s=waits_s)) for name, waits_s in HURRIED.items()}
    return {name: task.result() for name, task in tasks.items()}


@pytest.fixture(scope="module")
def days():
    return virtual.played(all_days())


@pytest.mark.parametrize("name", ["503", "429", "silence", "garbage", *HURRIED])
def test_no_client_sees_an_error_and_the_second_target_serves_the_outage(days, name):
    day = days[name]
    assert day.errors() == []
    assert len(day.under()) > 40
    assert {one.result.served_by for one in day.under()} == {BETA}


@pytest.mark.parametrize("name", ["503", "silence", "garbage"])
def test_five_requests_pay_for_the_breaker_to_open_and_then_nobody_but_probes(days, name):
    day = days[name]
    paid = [one for one in day.met() if one.ended <= day.opened_at]
    later = [one for one in day.met() if one.sent > day.opened_at]
    assert len(paid) <= 5
    assert len(later) <= day.openings
    assert day.opened_at - day.down_at <= (UNARY_S + PROGRESS_S if name == "silence" else 10)


def test_a_silent_primary_makes_five_requests_slow_before_its_breaker_opens(days):
    """Others that were already waiting then have waited in vain, too; after it only probes do."""
    day = days["silence"]
    assert 1 <= len([one for one in day.slow() if one.ended <= day.opened_at]) <= 5
    assert len([one for one in day.slow() if one.sent <= day.opened_at]) <= 5 + CLIENTS - 1
    assert len([one for one in day.slow() if one.sent > day.opened_at]) <= day.openings


@pytest.mark.parametrize("name", HURRIED)
def test_clients_that_wait_less_than_the_configuration_open_the_breaker_together(days, name):
    """None of their waits would do by itself: they add up. From then on nobody but probes meets it."""
    day = days[name]
    assert day.opened_at - day.down_at <= UNARY_S
    assert len([one for one in day.met() if one.sent > day.opened_at]) <= 4 * day.openings


def test_streams_that_stall_after_their_first_content_are_told_so_and_whole_answers_are_served(days):
    """What was sent cannot be taken back. A probe passes with its first content, and a stall shows a `progress_s`
    later, when the ramp is over: so such a target comes back now and then, and goes out again. Each time two probes
    pay, the five failures that open it, and whoever waits beside the last of them."""
    day = days["stall"]
    ends = {kind: {one.end for one in day.outcomes if one.kind == kind} for kind in KINDS}
    assert ends == {"unary": {"ok"}, "stream": {"ok", "told"}}
    assert {one.result.served_by for one in day.under() if one.end == "ok"} == {BETA}
    told = [one for one in day.under() if one.end == "told"]
    assert 0 < len(told) < len(day.under()) / 4
    assert day.openings >= 2
    assert len({id(one) for one in (*told, *day.slow())}) <= day.openings * (2 + 5 + CLIENTS - 1)


def test_a_wait_that_is_asked_for_is_kept(days):
    """Each 30 s at most as many requests learn that it goes on as there are clients; nobody waits for it."""
    day = days["429"]
    waits = DOWN_S / 30
    assert len(day.met()) <= CLIENTS * (waits + 1)
    assert "X" not in {sign for at, sign in day.timeline.changes[ALPHA] if at < day.up_at}
    assert day.slow() == []


@pytest.mark.parametrize("name", ["503", "silence", "garbage", "alone", *HURRIED])
def test_the_primary_comes_back_by_a_ramp(days, name):
    """Probes first, then a growing share, then all of it."""
    day = days[name]
    after = [sign for at, sign in day.timeline.changes[ALPHA] if at >= day.up_at]
    ramp = [int(sign) for sign in after if sign.isdigit()]
    assert ramp == sorted(ramp)
    assert len(ramp) >= 4
    assert after[-1] == "."
    closed = day.timeline.changes[ALPHA][-1][0]
    assert {one.result.served_by for one in day.outcomes if one.sent > closed} == {ALPHA}


def test_in_the_ramp_the_second_target_still_serves_a_part(days):
    day = days["503"]
    began = day.timeline.first(ALPHA, "123456789", day.up_at)
    closed = day.timeline.changes[ALPHA][-1][0]
    assert {one.result.served_by for one in day.outcomes if began < one.sent < closed} == {ALPHA, BETA}


def test_a_chain_of_one_fails_no_longer_than_its_provider_does(days):
    """Never worse than direct: with no other target, a call a second finds out that it is back. Until then its clients
    are told at once, and to try again."""
    day = days["alone"]
    assert {one.end for one in day.under()} == {one.end for one in day.under(day.direct)} == {"error"}
    late = [one for one in day.outcomes if one.sent > day.up_at + 4]
    assert [one.result.error for one in late if one.end != "ok"] == []
    told = [one for one in day.outcomes if one.sent > day.opened_at and one.end == "error"]
    assert max(one.waited_s for one in told) < PROGRESS_S
    refused = [one for one in told if "its breaker is open" in one.result.error]
    assert refused
    assert {one.result.headers["x-should-retry"] for one in refused} == {"true"}


def test_a_chain_of_one_mends_what_a_second_try_mends(days):
    """A provider that fails each third call, at which the same clients without a proxy see every failure."""
    day = days["flaky and alone"]
    direct = [one for one in day.under(day.direct) if one.end != "ok"]
    assert len(direct) > 20
    assert len(day.errors()) < len(direct) / 4


@pytest.mark.parametrize("name", ["401 and alone", "quota and alone"])
def test_a_chain_of_one_finds_out_that_its_key_is_good_again(days, name):
    """It is off for five minutes or half an hour: a call in ten seconds costs the provider next to nothing, and the
    clients no more than the time between two of them."""
    day = days[name]
    late = [one for one in day.outcomes if one.sent > day.up_at + 10 + PAUSE_S]
    assert len(late) > 10
    assert [one.result.error for one in late if one.end != "ok"] == []
    assert {one.end for one in day.under()} == {"error"}
    assert DOWN_S / 20 < len(day.met()) <= DOWN_S / 10 + CLIENTS
    assert "X" not in {sign for _, sign in day.timeline.changes[ALPHA]}
    assert day.slow() == []
