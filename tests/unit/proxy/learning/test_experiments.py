"""What an experiment has shown is told, and what it has not is said plainly."""

import pytest
from msgspec import structs

from proxy.learning.experiments import MINIMUM, plain, report
from proxy.usage.fares import Aged, Fare, Sample


def sample(count, mean, spread):
    """`count` values about `mean`, half of them `spread` above it and half below."""
    low, high = mean - spread, mean + spread
    return Sample(count, count * mean, count / 2 * (low * low + high * high))


def arm(name, requests=1000, ok=950, ms=(400, 100), cost=(2_000_000, 500_000), quality=(0.9, 0.1), cancelled=0):
    return Fare(
        (name,), requests, ok, requests - ok - cancelled, sample(ok, *ms), Sample(), sample(requests, *cost), 0, 0, 390,
        900,
        qualities=(Aged(0, given=False, quality=sample(requests // 2, *quality)),
                   Aged(9, given=True, quality=sample(requests - requests // 2, *quality))),
    )  # fmt: skip


def found(*arms):
    return {one.measure: one for one in report("x", arms).findings}


def test_arms_that_fare_alike_decide_nothing():
    told = found(arm("a"), arm("b", ok=952, ms=(401, 100), cost=(2_000_100, 500_000), quality=(0.901, 0.1)))
    assert {one.decided for one in told.values()} == {False}
    assert told["success"].told == ("success: the data do not decide between b and a: they differ by -1.7% to 2.1%.")


def test_a_difference_that_is_certain_is_told():
    told = found(arm("a"), arm("b", ok=800, ms=(300, 100), cost=(1_000_000, 500_000), quality=(0.7, 0.1)))
    assert {name: (one.best, one.decided) for name, one in told.items()} == {
        "success": ("a", True), "latency": ("b", True), "cost": ("b", True), "quality": ("a", True),
    }  # fmt: skip
    assert told["success"].told == "success: a succeeds most often, 95.0% against 80.0%."
    assert told["latency"].told == "latency: b is fastest, 300 ms against 400 ms."
    assert told["cost"].told == "cost: b costs least, 0.001000 dollars against 0.002000 dollars."
    assert told["quality"].told == "quality: a is best, 0.900 against 0.700."


def test_who_is_ahead_must_be_ahead_of_every_other_arm():
    told = found(arm("a", ok=955), arm("b"), arm("c", ok=500))
    assert (told["success"].best, told["success"].decided) == ("a", False)
    assert "between a and b" in told["success"].told


def test_more_arms_ask_for_more():
    """What decides between two does not where it is one of several comparisons."""
    one, other = arm("a", ok=956), arm("b", ok=933)
    assert found(one, other)["success"].decided
    assert not found(one, other, *(arm(name, ok=500) for name in "cdefgh"))["success"].decided


@pytest.mark.parametrize("few", [MINIMUM - 1, 1])
def test_few_samples_decide_nothing_however_far_apart(few):
    told = found(arm("a", requests=few, ok=0), arm("b", ok=1000))
    assert not told["success"].decided
    assert told["success"].told == f"success: the data do not decide: there are fewer than {MINIMUM} samples of a."


def test_one_arm_alone_is_compared_with_nobody():
    assert found(arm("a"))["cost"].told == "cost: the data do not decide: only a has samples."
    assert found()["cost"].told == "cost: the data do not decide: no arm has samples."
    quiet = Fare(("a",), 5, 0, 0, Sample(), Sample(), Sample(), 0, 0)
    assert found(quiet, arm("b"))["success"].told == "success: the data do not decide: only b has samples."


def test_no_interval_reaches_beyond_what_there_can_be():
    """Neither a quality above 1 nor a time or a cost below 0."""
    told = plain(report("x", [arm("a", requests=4, ok=4, ms=(10, 10), cost=(2_000, 2_000), quality=(0.9, 0.1))]))[
        "arms"
    ][0]
    assert (told["latency"]["interval"][0], told["cost"]["interval"][0], told["quality"]["interval"][1]) == (0, 0, 1)
    assert told["latency"]["interval"][1] > 10


def test_intervals_stand_beside_the_figures():
    told = plain(report("x", [arm("b"), arm("a", requests=1000, ok=81, cancelled=737)]))
    assert [one["arm"] for one in told["arms"]] == ["a", "b"]
    success = told["arms"][0]["success"]
    assert (success["samples"], success["value"]) == (263, 81 / 263)
    assert success["interval"] == [pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4)]
    assert told["arms"][1]["quality"]["samples"] == round(550**2 / 505)
    assert told["arms"][1]["quality"]["value"] == pytest.approx(0.9)
    assert (told["confidence"], told["minimum_samples"]) == (0.95, MINIMUM)
    assert [one["measure"] for one in told["findings"]] == ["success", "latency", "cost", "quality"]


def test_what_people_gave_weighs_ten_times_what_answers_showed():
    """As it does in the figures of models; and so many of unlike weight tell as much as fewer of equal weight."""
    shown, given = (
        Aged(0, given=False, quality=sample(100, 1.0, 0.0)),
        Aged(5, given=True, quality=sample(10, 0.5, 0.1)),
    )
    [one] = report("x", [structs.replace(arm("a"), qualities=(shown, given))]).arms
    assert one.quality.value == pytest.approx(0.75)
    assert one.quality.samples == round(20**2 / 11)
    ones = (Aged(0, given=False, quality=sample(199, 1.0, 0.0)), Aged(0, given=True, quality=sample(1, 0.5, 0.0)))
    lone = structs.replace(arm("a"), qualities=ones)
    assert not found(arm("b", quality=(1.0, 0.0)), lone)["quality"].decided, "one score decides nothing"
    for alike in (shown, given):
        [one] = report("x", [structs.replace(arm("a"), qualities=(alike,))]).arms
        assert (one.quality.value, one.quality.samples) == (pytest.approx(alike.quality.mean), alike.quality.count)
