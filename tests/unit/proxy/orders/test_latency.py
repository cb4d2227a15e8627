"""The quickest first, without starving the others or changing at every measurement."""

import heapq
import itertools
import math
import random  # noqa: TID251 - by its seed, the same each time
from dataclasses import dataclass, field

import pytest

from proxy.orders.latency import EXPLORED, HOLD_S, MARGIN, NEW, NEW_REST_S, REST_S, Lead, Seen, by_latency, leading
from proxy.resilience.observed import Observed

START_S = 30.0
SPREAD = 0.5
"""Of times to the first token, as a part of their mean: a heavy one."""


@dataclass
class Played:
    mean: float
    """Seconds of a request, once the first half minute is over: until then nobody knows anything."""
    served: list[int]
    changes: list[tuple[float, str]] = field(default_factory=list)
    asked: list[tuple[float, int]] = field(default_factory=list)


def play(means, rate, seconds, change=lambda _now, means: means):
    """Requests at `rate` a second, each answer noted when it is there; what targets need may `change`."""
    chance = random.Random(20_261_122)
    observed, names = [Observed() for _ in means], [str(place) for place in range(len(means))]
    played, pending, lead, now, times = Played(0.0, [0] * len(means)), [], None, 0.0, []
    while now < seconds:
        now += chance.expovariate(rate)
        while pending and pending[0][0] <= now:
            at, place, took = heapq.heappop(pending)
            observed[place].served(at, took, stream=True)
        seen = [Seen(one.pace(stream=True), one.asked_at) for one in observed]
        before, lead = lead, leading(names, seen, lead, now)
        if before is not None and before.name != lead.name:
            played.changes.append((now, lead.name))
        place = by_latency(seen, names.index(lead.name), now, chance.random())[0]
        observed[place].asked_at = now
        took = change(now, means)[place] * math.exp(chance.gauss(0, SPREAD) - SPREAD * SPREAD / 2)
        heapq.heappush(pending, (now + took, place, took))
        played.served[place] += 1
        played.asked.append((now, place))
        if now > START_S:
            times.append(took)
    played.mean = sum(times) / len(times)
    return played


@pytest.mark.parametrize("rate", [0.1, 1, 10, 100])
@pytest.mark.parametrize("means", [(1.0, 0.5, 0.8), (2.0, 1.0, 0.2), (0.4, 0.9, 0.9), (5.0, 0.3)])
def test_requests_take_hardly_longer_than_at_the_best_target_for_all_of_them(means, rate):
    played = play(means, rate, max(100, 4_000 / rate))
    assert played.mean < 1.08 * min(means)
    assert played.served[means.index(min(means))] > 0.94 * sum(played.served)


@pytest.mark.parametrize("rate", [1, 10])
def test_of_targets_that_are_much_alike_none_is_worse_than_the_margin_allows(rate):
    means = (0.5, 0.45, 0.6)
    assert play(means, rate, 10_000 / rate).mean < 1.1 * min(means)


@pytest.mark.parametrize("rate", [1, 10, 100])
def test_targets_that_are_alike_do_not_take_turns(rate):
    seconds = max(100, 6_000 / rate)
    assert len(play((0.4, 0.4, 0.4), rate, seconds).changes) <= 1 + seconds / 60


@pytest.mark.parametrize("rate", [1, 10])
def test_no_target_starves(rate):
    played = play((1.0, 0.5, 0.8), rate, 10_000 / rate)
    for place in range(3):
        moments = [at for at, asked in played.asked if asked == place]
        assert max(b - a for a, b in itertools.pairwise(moments)) < 500 / rate + 100


def test_it_leaves_a_target_that_becomes_slow_within_seconds_and_returns_within_minutes():
    played = play((0.4, 0.9, 0.9), 10, 1200, lambda now, means: (3.0, 0.9, 0.9) if 300 < now < 600 else means)
    slow = [place for now, place in played.asked if 315 < now < 600]
    assert slow.count(0) < 0.05 * len(slow)
    late = [place for now, place in played.asked if now > 840]
    assert late.count(0) > 0.95 * len(late)


KNOWN = [Seen(1.0, 0.0), Seen(0.5, 0.0), Seen(None, None), Seen(0.8, 0.0)]


def test_while_nobody_is_measured_the_chain_stands_as_it_is():
    nobody = [Seen(None, None)] * 3
    assert leading(["a", "b", "c"], nobody, None, 1.0) == Lead("a", 1.0)
    assert by_latency(nobody, 0, 1.0, 0.99) == [0, 1, 2]


def test_behind_the_leader_the_quicker_come_first_and_the_unmeasured_last():
    assert by_latency(KNOWN, 0, 1.0, 0.99) == [0, 1, 3, 2]


@pytest.mark.parametrize(
    ("its", "now", "name"),
    [
        (MARGIN - 0.01, HOLD_S, "b"),
        (MARGIN + 0.01, HOLD_S, "a"),
        (MARGIN - 0.01, HOLD_S - 1, "a"),
        (0.49, 1.0, "b"),
        (None, HOLD_S, "a"),
    ],
)
def test_a_lead_is_taken_by_a_margin_and_early_only_by_half_the_time(its, now, name):
    assert leading(["a", "b"], [Seen(1.0, 0.0), Seen(its, 0.0)], Lead("a", 0.0), now).name == name


def test_a_leader_that_this_request_may_not_ask_gives_way_to_the_quickest_left():
    assert leading(["b", "c"], [Seen(0.9, 0.0), Seen(0.7, 0.0)], Lead("a", 0.0), 5.0) == Lead("c", 5.0)


def test_a_request_goes_exploring_by_chance_the_seldomer_the_slower_it_was_there():
    seen = [Seen(0.5, 0.0), Seen(1.0, 0.0), Seen(0.5, 0.0)]
    first = [by_latency(seen, 0, REST_S, chance / 10_000)[0] for chance in range(10_000)]
    wanted = [10_000 * EXPLORED / 4, 10_000 * EXPLORED / 2]
    assert [first.count(1), first.count(2)] == pytest.approx(wanted, abs=2)


def test_nobody_explores_who_was_asked_just_now_and_the_unmeasured_are_tried_sooner():
    asked = [Seen(0.5, 0.0), Seen(None, 5.0)]
    assert by_latency(asked, 0, 5.0 + NEW_REST_S - 0.1, 0.0)[0] == 0
    assert by_latency(asked, 0, 5.0 + NEW_REST_S, NEW - 0.01)[0] == 1
    assert by_latency([Seen(0.5, 0.0), Seen(0.5, 5.0)], 0, 5.0 + REST_S - 0.1, 0.0)[0] == 0
