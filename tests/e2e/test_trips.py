"""An operator takes a target out while clients ask: nobody sees an error, and it comes back as after an outage.

On real sockets; the loop's clock jumps over the waiting (`tests.virtual`).
"""

import asyncio
import io
import itertools
import json
import re
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

import httpx2
import pytest

from proxy.app import build
from proxy.cli import main
from proxy.config.profiles import vendors
from proxy.config.values import AdminSettings, BreakerSettings, Config, ModelRoute, Provider, ServerSettings, Step
from proxy.drill.exercise.asking import KINDS, Outcome, ask
from proxy.drill.load import once
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import ok
from proxy.server import serving
from tests import virtual
from translators.ir import Dialect

vendors()  # read before a loop runs, as a start does

ALPHA, BETA = "alpha/demo-large", "beta/demo-claude"
TRIP, TOKEN = "/targets/trip", "adm-canary-79"
BRISK = BreakerSettings(open_s=6.0, ramp_s=6.0)
CLIENTS, PAUSE_S, TAKES_S = 4, 0.5, 0.75
BEFORE_S, LONGEST_S = 2, 60


@dataclass
class Trip:
    outcomes: list[Outcome] = field(default_factory=list)
    at: float = 0.0
    answer: dict = field(default_factory=dict)
    """What the admin port answered."""
    states: list[tuple[float, str]] = field(default_factory=list)
    """Each state of alpha's breaker, and since when, from then on."""
    late: int = 0
    metrics: str = ""

    def since(self, state):
        return next(at for at, one in self.states if one == state)

    def sent(self, after, before):
        return [one for one in self.outcomes if after <= one.sent < before]

    def served(self, after, before):
        return {one.result.served_by for one in self.sent(after, before)}


async def a_trip(*names):
    """Of a chain's first target; ends when its breaker has closed for some seconds."""
    clock, trip = virtual.VirtualClock(), Trip()
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, ok(first_s=TAKES_S), heard=0) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES, ok(first_s=TAKES_S), heard=0) as beta,
    ):
        providers = {one.name: Provider(one.name, one.dialect, one.base_url, breaker=BRISK) for one in (alpha, beta)}
        chain = tuple(Step(*name.split("/")) for name in names)
        here = ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0")
        config = Config(providers, {"m": ModelRoute("m", chain)}, server=here)
        async with serving(config, partial(build, log=io.BytesIO()), clock=clock) as running:

            async def client(place):
                await clock.sleep(place * PAUSE_S / CLIENTS)
                for kind in itertools.cycle(KINDS):
                    trip.outcomes.append(await ask(running.data_url, "m", kind, timeout_s=60, clock=clock))
                    await clock.sleep(PAUSE_S)

            def breaker():
                return next(one["breaker"] for one in running.app.state()["targets"] if one["target"] == ALPHA)

            load = [asyncio.create_task(client(place)) for place in range(CLIENTS)]
            await clock.sleep(BEFORE_S)
            trip.at = clock.now()
            trip.answer = json.loads((await once(running.admin_url, TRIP, {"target": ALPHA}, clock=clock)).body)
            while not trip.states or (trip.states[-1][1] != "CLOSED" and clock.now() < trip.at + LONGEST_S):
                if not trip.states or trip.states[-1][1] != breaker()["state"]:
                    trip.states.append((clock.now(), breaker()["state"]))
                await clock.sleep(0.2)
            await clock.sleep(BEFORE_S)
            for task in load:
                task.cancel()
            await asyncio.gather(*load, return_exceptions=True)
            trip.late = breaker()["late"]
            trip.metrics = (await once(running.admin_url, "/metrics", clock=clock)).body.decode()
    return trip


@pytest.fixture(scope="module")
def tripped():
    return virtual.played(a_trip(ALPHA, BETA))


def test_no_client_sees_any_of_it(tripped):
    assert {(one.end, one.result.error) for one in tripped.outcomes} == {("ok", "")}
    assert {one.kind for one in tripped.outcomes} == set(KINDS)
    assert tripped.served(0.0, tripped.at - TAKES_S) == {ALPHA}


def test_the_next_target_serves_from_that_moment_until_the_time_that_was_told(tripped):
    told = tripped.answer["breaker"]
    assert (told["state"], told["reason"]) == ("OPEN", "manual")
    assert 6.0 <= told["admits_in_s"] <= 6.6
    until = tripped.at + told["admits_in_s"] - 0.1
    assert len(tripped.sent(tripped.at, until)) > 10
    assert tripped.served(tripped.at, until) == {BETA}


def test_what_was_under_way_ends_as_it_began_and_is_told_as_late(tripped):
    under_way = [one for one in tripped.outcomes if one.sent < tripped.at < one.ended]
    assert tripped.answer["in_flight"] == len(under_way) > 0
    assert {one.result.served_by for one in under_way} == {ALPHA}
    assert tripped.late == len(under_way) + 2, "two probes counted at their commits"
    counted = re.search(r'sidestep_late_results_total\{model="demo-large",provider="alpha"\} (\S+)', tripped.metrics)
    assert float(counted[1]) == tripped.late


def test_it_comes_back_by_probes_and_a_ramp(tripped):
    assert [state for _, state in tripped.states] == ["OPEN", "PROBE", "RAMP", "CLOSED"]
    ramp, closed = tripped.since("RAMP"), tripped.since("CLOSED")
    assert tripped.served(ramp, closed) == {ALPHA, BETA}
    first, last = (tripped.sent(*half) for half in ((ramp, ramp + 2), (closed - 2, closed)))
    assert sum(one.result.served_by == ALPHA for one in first) < len(first) / 2
    assert sum(one.result.served_by == ALPHA for one in last) > len(last) / 2
    assert tripped.served(closed, closed + BEFORE_S) == {ALPHA}


def test_a_chain_of_one_is_never_worse_than_direct_and_so_its_target_comes_back_at_once():
    trip = virtual.played(a_trip(ALPHA))
    assert trip.answer["breaker"]["state"] == "OPEN"
    assert trip.since("RAMP") < trip.at + 5
    told = [one.result for one in trip.outcomes if one.end != "ok"]
    assert {one.headers["x-should-retry"] for one in told} <= {"true"}
    assert [one.end for one in trip.sent(trip.since("RAMP"), 1e12) if one.end != "ok"] == []


async def test_the_command_takes_out_what_the_port_knows_and_tells_what_there_is(make_world, capfd):
    said = ""

    async def trip(target, admin):
        nonlocal said
        code = await asyncio.to_thread(main, ["trip", target, "--admin", admin])
        told = capfd.readouterr()
        said += told.out
        return code, told

    async with make_world() as world:
        code, told = await trip(ALPHA, world.admin)
        assert code == 0
        assert re.search(rf"(?m)^{ALPHA} is out for 3[1-3] s; then single requests try it, ", told.out)
        code, told = await trip("alpha/none", world.admin)
        assert code == 1
        assert "There is no target 'alpha/none' here, as PROVIDER/MODEL; known: alpha/demo-large, beta/" in told.err
        code, told = await trip(ALPHA, world.url.removesuffix("/v1"))
        assert code == 1
        assert "give the admin address" in told.err, "the data port has no such page"
    said += capfd.readouterr().out
    log = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert [(one["target"], one["by"]) for one in log if one["event"] == "trip"] == [(ALPHA, "127.0.0.1")]


async def test_where_an_admin_token_is_configured_nobody_takes_a_target_out_without(make_world, configured):
    admin = AdminSettings((sha256(TOKEN.encode()).hexdigest(),))
    async with make_world(lambda *three: configured(*three, admin=admin)) as world, httpx2.AsyncClient() as http:
        bearer = {"authorization": f"Bearer {TOKEN}"}
        for sent, status in (({}, 401), ({"authorization": "Bearer other"}, 401), (bearer, 200)):
            answer = await http.post(f"{world.admin}{TRIP}", json={"target": ALPHA}, headers=sent)
            assert answer.status_code == status
            states = [one["breaker"]["state"] for one in world.app.state()["targets"]]
            assert states == ["OPEN"] * (status == 200)
