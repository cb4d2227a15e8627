"""Which arm of an experiment somebody is in."""

from collections import Counter

import pytest

from proxy.config.selection import Experiment
from proxy.selection.splitting import arm_of

ROLLOUT = Experiment(
    "rollout", (("cost_optimized", 2500), ("balanced", 5000), ("quality_optimized", 2000), ("experimental", 500))
)
USERS = [f"user-{n}" for n in range(20_000)]


def test_the_arms_have_their_shares_within_one_percent_over_20000_users():
    counted = Counter(arm_of(ROLLOUT, user) for user in USERS)
    for arm, share in ROLLOUT.arms:
        assert abs(counted[arm] / len(USERS) - share / 10_000) < 0.01, (arm, counted)


def test_a_user_stays_in_an_arm():
    assert [arm_of(ROLLOUT, user) for user in USERS[:50]] == [arm_of(ROLLOUT, user) for user in USERS[:50]]


def test_another_experiment_mixes_its_users_anew():
    """Whoever is in the small arm of one is not in that of all."""
    again = Experiment("again", ROLLOUT.arms)
    small = [user for user in USERS if arm_of(ROLLOUT, user) == "experimental"]
    assert 0.02 < sum(arm_of(again, user) == "experimental" for user in small) / len(small) < 0.08


def test_a_larger_share_keeps_those_who_had_it():
    grown = Experiment("rollout", (("cost_optimized", 4000), ("balanced", 6000)))
    assert all(arm_of(grown, user) == "cost_optimized" for user in USERS if arm_of(ROLLOUT, user) == "cost_optimized")


@pytest.mark.parametrize("subject", ["", "ü", "\udc80", "a" * 9_999])
def test_any_name_has_an_arm(subject):
    assert arm_of(ROLLOUT, subject) in dict(ROLLOUT.arms)


def test_an_arm_without_a_share_has_nobody():
    none = Experiment("e", (("a", 0), ("b", 10_000)))
    assert {arm_of(none, user) for user in USERS[:2_000]} == {"b"}
