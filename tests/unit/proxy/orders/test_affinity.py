"""Requests that stay together."""

import functools

import pytest

from proxy.orders.affinity import draws, key_of
from proxy.orders.weighted import by_weight

KEYS = [f"user-{number}" for number in range(10_000)]
DRAWN = [0.8498988, 0.5748660]
NAMES = ("a/large", "b/large", "c/large")


@functools.cache
def heads(names, weights=(1, 1, 1, 1)):
    return [names[by_weight(weights[: len(names)], draws(key, names))[0]] for key in KEYS]


def test_a_key_draws_the_same_in_every_process_and_wherever_a_target_stands():
    assert draws("u", ["a/m", "b/m"]) == pytest.approx(DRAWN, abs=1e-7)
    assert draws("u", ["b/m", "a/m"]) == draws("u", ["a/m", "b/m"])[::-1]


def test_keys_are_spread_evenly():
    found = heads(NAMES)
    for name in NAMES:
        assert found.count(name) / len(KEYS) == pytest.approx(1 / 3, abs=0.01)


def test_a_target_that_is_added_takes_its_share_and_moves_no_other_key():
    before, after = heads(NAMES), heads((*NAMES, "d/large"))
    moved = [now for then, now in zip(before, after, strict=True) if then != now]
    assert set(moved) == {"d/large"}
    assert len(moved) / len(KEYS) == pytest.approx(1 / 4, abs=0.01)


def test_a_target_that_goes_leaves_only_its_own_keys_to_the_others():
    before, after = heads(NAMES), heads(NAMES[:2])
    assert {then for then, now in zip(before, after, strict=True) if then != now} == {"c/large"}
    left = [now for then, now in zip(before, after, strict=True) if then != now]
    assert left.count("a/large") / len(left) == pytest.approx(1 / 2, abs=0.02)


def test_keys_are_shared_by_weight_and_a_higher_weight_only_draws_keys_in():
    before, after = heads(NAMES), heads(NAMES, (2, 1, 1))
    assert after.count("a/large") / len(KEYS) == pytest.approx(1 / 2, abs=0.01)
    assert {now for then, now in zip(before, after, strict=True) if then != now} == {"a/large"}


@pytest.mark.parametrize(
    ("affinity", "headers", "payload", "key"),
    [
        ("none", {"x-sidestep-session": "s"}, {"prompt_cache_key": "p"}, ""),
        ("user", {}, {"user": "not asked here"}, "the user"),
        ("session", {"x-sidestep-session": "s"}, {"conversation": "c"}, "s"),
        ("session", {}, {"conversation": "c"}, "c"),
        ("session", {}, {"conversation": {"id": "c"}}, "c"),
        ("session", {}, {"conversation": {"id": 3}}, ""),
        ("session", {}, {}, ""),
        ("cache_key", {}, {"prompt_cache_key": "p"}, "p"),
        ("cache_key", {}, {"prompt_cache_key": 7}, ""),
        ("cache_key", {"x-sidestep-session": "s"}, None, ""),
    ],
)
def test_what_a_request_stays_by(affinity, headers, payload, key):
    assert key_of(affinity, "the user" if affinity == "user" else "", headers, payload) == key


def test_a_key_of_half_a_character_is_a_key():
    assert len(draws("\ud800", NAMES)) == 3
