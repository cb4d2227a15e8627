"""What a running proxy's state means for a target: called now or not, why, and until when."""

import msgspec
import orjson
import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.routing.live import Standing, in_order, read, standing
from translators.ir import Dialect
from translators.profile import Profile


def target(**provider) -> Target:
    alpha = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test", **provider)
    return Target(alpha, "large", Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings())


def state(*, breaker=None, keys=None, in_flight=0, throttled=None):
    shut = {"state": "CLOSED", "reason": None, "failures": 0, "openings": 0, "opens_for_s": None, "ramp": None}
    entry = {"target": "alpha/large", "in_flight": in_flight, "throttled_for_s": throttled}
    page = {
        "source": "c.toml",
        "demo": False,
        "targets": [entry | {"breaker": shut | {"admits_in_s": None} | (breaker or {})}],
        "providers": {} if keys is None else {"alpha": keys},
    }
    return read(orjson.dumps(page))


def key(source="env:A", *, off=None, off_for_s=None, throttled=None, in_flight=0):
    return {
        "key": "0011aabb",
        "source": source,
        "in_flight": in_flight,
        "off": off,
        "off_for_s": off_for_s,
        "throttled_for_s": throttled,
    }


def stood(state, **provider) -> Standing:
    return standing(target(**provider), state)


def test_a_target_that_nobody_called_yet_is_free():
    found = standing(target(), read(b'{"source": "x", "targets": [], "providers": {}}'))
    assert found == Standing("CLOSED", 0, "", of_breaker=False, free_in_s=0.0, notes=())


def test_what_is_tried_all_the_same_is_told_but_for_calls_in_flight():
    page = msgspec.structs.replace
    off = state(keys=[key(off="auth", off_for_s=200)])
    off = page(off, targets=[page(off.targets[0], forced_in_s=4.2)])
    found = stood(off)
    assert (found.of_keys, found.forced_in_s) == (True, 4.2)
    assert found.notes[0] == "one request may try it in 5 s, if nobody else can be called"
    full = page(off, targets=[page(off.targets[0], in_flight=5)])
    assert stood(full, per_target=5).forced_in_s is None


def test_a_closed_breaker_tells_its_failures():
    assert stood(state(breaker={"failures": 1})).notes == ("1 failure in a row",)
    found = stood(state(breaker={"failures": 3}, in_flight=2))
    assert (found.blocked, found.in_flight, found.notes) == ("", 2, ("3 failures in a row",))


@pytest.mark.parametrize(
    ("reason", "note"),
    [
        ("consecutive", "opened by failures in a row"),
        ("probe", "opened by a probe that failed"),
        ("ramp", "opened by failures while it was let back in"),
        ("manual", "opened by an operator"),
        ("unheard of", "opened by its failures"),
    ],
)
def test_an_open_breaker_says_for_how_long_and_why(reason, note):
    found = stood(state(breaker={"state": "OPEN", "reason": reason, "opens_for_s": 20.2, "admits_in_s": 20.2}))
    assert (found.blocked, found.of_breaker, found.free_in_s) == ("its breaker is open for 21 s more", True, 20.2)
    assert found.notes == (note,)


def test_a_breaker_that_probes_takes_one_request_at_a_time():
    free = stood(state(breaker={"state": "PROBE"}))
    assert (free.blocked, free.notes) == ("", ("the next request tries it, others wait for that one's end elsewhere",))
    taken = stood(state(breaker={"state": "PROBE", "admits_in_s": 12.0}))
    assert (taken.blocked, taken.of_breaker) == ("its breaker is trying it with another request", True)


def test_a_breaker_that_lets_back_in_tells_the_share():
    found = stood(state(breaker={"state": "RAMP", "ramp": 0.42}))
    assert (found.blocked, found.notes) == ("", ("it gets 42% of the requests now, the next target the rest",))


def test_a_limit_that_is_reached_blocks_whatever_the_breaker_says():
    assert stood(state(in_flight=4), per_target=5).blocked == ""
    found = stood(state(in_flight=5, breaker={"state": "OPEN", "admits_in_s": 9.0}), per_target=5)
    assert (found.blocked, found.of_breaker) == ("its limit of 5 calls in flight is reached", False)


def test_a_wait_of_the_target_blocks():
    found = stood(state(throttled=7.5))
    assert (found.blocked, found.of_breaker, found.free_in_s) == ("asked to wait 8 s more", False, 7.5)


@pytest.mark.parametrize(
    ("keys", "blocked"),
    [
        ([], "alpha has no token now"),
        ([key()], ""),
        ([key(off="auth", off_for_s=280), key("env:B")], ""),
        ([key(throttled=3.2), key("env:B", throttled=1.1)], "asked to wait 2 s more"),
        ([key(off="quota", off_for_s=900), key("env:B", throttled=4.0)], "asked to wait 4 s more"),
        (
            [key(off="quota", off_for_s=900), key("env:B", off="auth", off_for_s=280)],
            "every key of alpha is refused or out of quota, for 280 s more",
        ),
    ],
)
def test_keys_that_cannot_be_used_block(keys, blocked):
    assert stood(state(keys=keys)).blocked == blocked


def test_callers_own_keys_block_nothing():
    assert stood(state(keys=[]), client_key=True).blocked == ""


def test_every_key_is_told_by_its_source():
    keys = [
        key(in_flight=2),
        key("env:B", off="auth", off_for_s=280),
        key("file:/k", off="quota", off_for_s=9.5),
        key("", throttled=3.2),
    ]
    assert stood(state(keys=keys)).notes == (
        "env:A: free, 2 in flight",
        "env:B: refused, off for 280 s",
        "file:/k: out of quota, off for 10 s",
        "no key: asked to wait 4 s",
    )


@pytest.mark.parametrize("page", [b"", b"[]", b'{"error": {}}', b'{"source": 1, "targets": [], "providers": {}}'])
def test_another_page_is_none(page):
    with pytest.raises(msgspec.DecodeError):
        read(page)


def rows(configured, *called):
    entries = [
        {"target": name, "in_flight": 0, "throttled_for_s": None, "breaker": {"state": "CLOSED"}} for name in called
    ]
    page = {"source": "x", "targets": entries, "providers": {}, "configured": configured}
    return [f"{one.target}{'' if called else '?'}" for one, called in in_order(read(orjson.dumps(page)))]


def test_targets_are_told_in_the_configurations_order_called_or_not():
    assert rows(["b/m", "a/m"]) == ["b/m?", "a/m?"]
    assert rows(["b/m", "a/m"], "z/m", "a/m", "c/m") == ["b/m?", "a/m", "c/m", "z/m"]
    assert rows([], "z/m", "a/m") == ["a/m", "z/m"], "an older proxy names none"


def test_any_model_of_a_provider_stands_until_one_of_them_was_called():
    assert rows(["a/*", "b/*"], "b/y", "b/x") == ["a/*?", "b/y", "b/x"]
    assert rows(["a/*", "a/m"], "a/m", "a/n") == ["a/m", "a/n"]
    assert rows(["a/*"], "a/passthrough") == ["a/*?", "a/passthrough"]
