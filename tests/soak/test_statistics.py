"""What the long runs make of their numbers: slopes and their intervals, recovery, and loads that follow a machine."""

import math
from collections import Counter
from random import Random  # noqa: TID251 - seeded

import pytest

from tests.soak import overload, soak
from tests.soak.load import Tally
from tests.soak.overload import SCENES, Looks, Phase, Run
from tests.soak.pace import Following, Mark
from tests.soak.trend import blocks, slope
from tests.soak.verdict import Claim, document, lines, ok
from tests.soak.watch import Held, Watch

MIB = 1024 * 1024


def noisy(per_s, noise=1.0, seconds=300, seed=7):
    chance = Random(seed)
    return [(at / 2, per_s * at / 2 + chance.gauss(0, noise)) for at in range(seconds * 2)]


def test_a_straight_line_has_its_slope_and_an_interval_around_it():
    found = slope([(float(at), 3.0 * at) for at in range(10)])
    assert found.per_s == found.low == found.high == 3.0


@pytest.mark.parametrize("per_s", [0.0, 0.02, -0.02])
def test_the_interval_holds_the_slope_that_is_there(per_s):
    inside = 0
    for seed in range(200):
        found = slope(blocks(noisy(per_s, seed=seed), min))
        inside += found.low <= per_s <= found.high
    assert inside >= 170, "nine times in ten"


def test_one_busy_moment_moves_no_slope():
    series = [(at, value + (500 if 100 < at < 110 else 0)) for at, value in noisy(0.0)]
    assert abs(slope(blocks(series, min)).per_s) < 0.005


def test_blocks_tell_each_stretch_of_time_by_one_number():
    assert blocks([(float(at), float(at)) for at in range(9)], min, 3) == [
        (pytest.approx(4 / 3), 0.0),
        (4.0, 3.0),
        (pytest.approx(20 / 3), 6.0),
    ]
    assert blocks([(0.0, 1.0), (9.0, 2.0)], max, 3) == [(1.5, 1.0), (7.5, 2.0)]
    assert blocks([], min) == []


@pytest.mark.parametrize(("per_s", "held"), [(0.05, False), (-0.05, True), (0.0101, None)])
def test_a_bound_is_broken_kept_or_left_open(per_s, held):
    assert slope(blocks(noisy(per_s), min)).within(0.01) is held


def test_of_three_points_nothing_is_known():
    found = slope([(0.0, 0.0), (1.0, 5.0), (2.0, 10.0)])
    assert (found.per_s, found.low, found.high) == (5.0, -math.inf, math.inf)
    assert found.within(1.0) is None


def test_growth_is_told_in_the_units_asked_for():
    found = slope([(float(at), 2.0 * MIB * at) for at in range(6)]).over(3600, MIB)
    assert found.per_s == 7200.0


# -- a soak


def soaked(*, grows=0.0, errors=0, files=0, tasks=0, slower=0.0, waited=0.0, kept=5_000):
    tally, watch = Tally(), Watch()
    tally.ends = Counter(ok=1_000, told=3, left=9, error=errors)
    chance = Random(3)
    for at in range(600):
        watch.held.append(Held(at / 2, int(60 * MIB + grows * at / 2 + chance.uniform(0, MIB / 50)), 40, 4, 7, 300_000))
        tally.times += [(at / 2, 0.01 * (1 + slower * at / 600) * chance.uniform(0.98, 1)) for _ in range(5)]
    before = Held(0, 60 * MIB, 20, 4, 0, 240_000)
    after = Held(300, 60 * MIB, 20 + files, 4 + tasks, 0, 240_000 + kept)
    return soak.claims(Run_(tally, watch, before, after, waited))


def Run_(tally, watch, before, after, waited):
    return soak.Run(tally, watch, 0.0, before, after, Mark(300.0, 100.0, waited))


def broken(claims):
    return {one.name for one in claims if one.held is False}


def test_a_proxy_that_holds_its_claims_breaks_none():
    assert broken(soaked()) == set()
    assert {one.held for one in soaked() if one.name != "growth of memory"} == {True}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"grows": 200_000.0}, "growth of memory"),
        ({"kept": 50_000}, "memory in use, from rest to rest"),
        ({"errors": 1}, "errors that clients saw"),
        ({"files": 1}, "open files, from rest to rest"),
        ({"tasks": 1}, "tasks, from rest to rest"),
        ({"slower": 0.5}, "drift of the p99"),
    ],
)
def test_what_leaks_fails_or_slows_down_breaks_its_claim(change, name):
    assert broken(soaked(**change)) == {name}


def crowded(at_s, then_grows):
    """A run whose largest crowd came after so long: it took 8 MiB that stayed."""
    watch = Watch()
    for at in range(300):
        rss = 60 * MIB + (8 * MIB + then_grows * (at - at_s) if at >= at_s else 0)
        watch.held.append(Held(at, int(rss), 40, 4, 7, 500_000 if at == at_s else 300_000))
    rest = Held(300, 60 * MIB, 20, 4, 0, 240_000)
    return soak.Run(Tally(), watch, 0.0, rest, rest, Mark(300.0, 100.0, 0.0))


@pytest.mark.parametrize(
    ("at_s", "then_grows", "held"), [(60, 0.0, True), (60, 20_000.0, False), (200, 0.0, True), (200, 20_000.0, None)]
)
def test_what_the_largest_crowd_needed_is_no_leak_and_what_comes_after_it_is(at_s, then_grows, held):
    assert soak.grown(crowded(at_s, then_grows))[1] is held


def test_times_say_nothing_where_neighbours_had_the_processor():
    [drift] = [one for one in soaked(slower=0.5, waited=200.0) if one.name == "drift of the p99"]
    assert drift.held is None


# -- an overload


def overloaded(*, good=900, well_again=3, **ends):
    """Ten seconds each; at the peak 1,000 answers."""
    phases = {}
    for began, name in ((0.0, "peak"), (100.0, "calm"), (200.0, "over"), (300.0, "after")):
        one = phases[name] = Phase(began, had=Mark(10.0, 5.0, 0.0))
        one.tally.served = [began + at / 100 for at in range(good if name == "over" else 1_000)]
        one.tally.times = [(at, 0.2) for at in one.tally.served]
    phases["over"].tally.ends = Counter({"ok": good, "shed": 2_000} | ends)
    phases["over"].tally.served += [215.0] * 500  # too late
    phases["after"].tally.sheds = [300.0 + at for at in range(well_again)]
    return Run(SCENES[0], phases["peak"], phases["calm"], phases["over"], phases["after"], Looks([0.1, 0.2]))


def test_an_overload_that_is_borne_breaks_no_claim():
    assert broken(overload.claims(overloaded())) == set()
    assert overloaded().recovery_s == 3.0


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"good": 890}, "goodput"),
        ({"error": 1}, "who is not served"),
        ({"shed": 0}, "who is not served"),
        ({"told": 1}, "admitted streams"),
        ({"short": 1}, "admitted streams"),
        ({"well_again": 10}, "recovery"),
    ],
)
def test_an_overload_that_is_not_borne_breaks_its_claim(change, name):
    [found] = broken(overload.claims(overloaded(**change)))
    assert name in found


def test_a_page_of_the_admin_port_that_did_not_come_breaks_its_claim():
    run = overloaded()
    run.looks.failed = 1
    assert [name for name in broken(overload.claims(run)) if "admin" in name]


def test_a_slow_second_after_the_load_fell_is_no_recovery():
    run = overloaded(well_again=0)
    run.after.tally.times += [(304.5, 5.0)] * 50
    assert run.recovery_s == 5.0


# -- loads that follow, and what is told


class Process:
    def __init__(self):
        self.cpu, self.waited = 0.0, 0.0

    def cpu_s(self):
        return self.cpu

    def waited_s(self):
        return self.waited


def test_a_load_follows_what_neighbours_leave():
    process, now = Process(), [0.0]
    following = Following(process, 1_000.0, lambda: now[0])
    assert following.rate() == 1_000.0
    now[0], process.cpu, process.waited = 1.0, 0.25, 0.75
    assert following.rate() == 250.0
    now[0], process.cpu = 2.0, 0.75
    assert following.rate() == 1_000.0, "it waited no more, though it did not use all"


def test_a_run_is_well_unless_a_claim_is_broken():
    held, left_open, missed = (Claim("a", "< 1", "0.5", value) for value in (True, None, False))
    assert ok([held, left_open])
    assert not ok([held, missed])
    assert lines([missed]) == ["BROKEN  a  < 1  0.5"]
    assert '"ok": false' in document({"seconds": 1}, [missed])
