"""The key pool, rule by rule, and against a model over any order of events."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.config.hidden import Secret
from proxy.config.values import ProviderKey
from proxy.resilience.keys import KeyPool

T = 1000.0
URL = "https://acme.test/v1"
HASH_KEY = b"a key for hashes"


def key(name):
    return ProviderKey(f"env:{name}", Secret(f"secret-of-{name}"))


def pool_of(names, uniform=lambda: 0.0):
    return KeyPool(URL, tuple(key(name) for name in names), uniform, HASH_KEY)


def use(pool, now=T, exclude=frozenset()):
    chosen = pool.choose(now, exclude)
    pool.acquire(chosen)
    return chosen


class TestChoice:
    def test_the_key_with_the_fewest_calls_in_flight_is_next(self):
        pool = pool_of("ABC")
        a, b, c = (use(pool) for _ in "ABC")
        pool.release(b)
        assert pool.choose(T) is b
        pool.release(a)
        pool.release(c)

    def test_among_equals_keys_take_turns(self):
        pool = pool_of("ABC")
        order = []
        for _ in range(6):
            chosen = use(pool)
            pool.release(chosen)
            order.append(chosen.source)
        assert order == ["env:A", "env:B", "env:C"] * 2

    def test_a_key_already_tried_is_not_chosen_again(self):
        pool = pool_of("AB")
        first = use(pool)
        assert use(pool, exclude={first.index}).source == "env:B"
        assert pool.choose(T, {0, 1}) is None

    def test_choosing_alone_changes_nothing(self):
        pool = pool_of("AB")
        assert pool.choose(T) is pool.choose(T)

    def test_a_provider_without_keys_has_one_keyless_entry(self):
        pool = pool_of("")
        only = use(pool)
        assert (only.secret, only.fingerprint, len(pool)) == (None, "", 1)


class TestThrottled:
    def test_a_throttled_key_rests_for_its_wait_while_others_serve(self):
        pool = pool_of("AB")
        assert pool.throttle(use(pool), T, 20.0) == T + 20
        assert {use(pool).source for _ in range(3)} == {"env:B"}
        assert pool.choose(T + 20, {1}).source == "env:A"

    def test_the_wait_is_stretched_by_up_to_a_tenth(self, chance):
        pool = pool_of("A", chance)
        chance.value = 1.0
        assert pool.throttle(pool.choose(T), T, 20.0) == T + 22

    def test_a_pool_is_free_when_its_first_key_is(self):
        pool = pool_of("AB")
        assert pool.free_at(T) == T
        pool.throttle(use(pool), T, 20.0)
        pool.throttle(use(pool), T, 10.0)
        assert pool.choose(T) is None
        assert pool.free_at(T) == T + 10


def offs(*refused):
    """For how long a key is off that is refused so (kind, daily), each time as soon as it is looked at again."""
    pool = pool_of("A")
    only, now, lengths = pool.choose(T), T, []
    for kind, daily in refused:
        pool.disable(only, now, kind, daily=daily)
        lengths.append(only.off_until - now)
        now = only.off_until
    return lengths


class TestOff:
    @pytest.mark.parametrize(("daily", "off_s"), [(False, 1800), (True, 3600)])
    def test_a_key_out_of_quota_is_off_for_its_time(self, daily, off_s):
        pool = pool_of("A")
        pool.disable(pool.choose(T), T, "quota", daily=daily)
        assert pool.choose(T + off_s - 1) is None
        assert pool.choose(T + off_s) is not None

    @pytest.mark.parametrize(
        ("kind", "lengths"), [("auth", [300, 600, 1200, 2400, 3600, 3600]), ("quota", [1800, 3600, 7200, 14400, 14400])]
    )
    def test_a_key_that_is_refused_again_is_off_for_twice_as_long_up_to_a_bound(self, kind, lengths):
        assert offs(*[(kind, False)] * len(lengths)) == lengths

    def test_a_daily_quota_is_tried_hourly_for_ever(self):
        assert offs(*[("quota", True)] * 5) == [3600] * 5

    def test_another_cause_starts_the_doubling_again(self):
        found = offs(("auth", False), ("auth", False), ("quota", False), ("quota", False), ("auth", False))
        assert found == [300, 600, 1800, 3600, 300]

    def test_a_success_starts_the_doubling_again(self):
        pool = pool_of("A")
        only = pool.choose(T)
        pool.disable(only, T, "auth")
        pool.ok(only)
        pool.disable(only, T + 300, "auth")
        assert only.off_until == T + 600

    def test_a_key_that_is_taken_back_into_use_is_free_and_starts_the_doubling_again(self):
        pool = pool_of("A")
        only = pool.choose(T)
        pool.disable(only, T, "auth")
        assert pool.free(only, T + 1)
        assert pool.choose(T + 1) is only
        assert not pool.free(only, T + 1), "it was in use"
        pool.disable(only, T + 1, "auth")
        assert only.off_until == T + 301

    def test_calls_refused_together_count_once(self):
        pool = pool_of("A")
        only = pool.choose(T)
        assert [pool.disable(only, T + n, "auth") for n in range(5)] == [True, False, False, False, False]
        assert only.off_until == T + 300

    def test_a_pool_whose_keys_are_all_off_is_free_at_no_known_time(self):
        pool = pool_of("AB")
        pool.disable(use(pool), T, "quota")
        assert pool.free_at(T) == T
        pool.disable(use(pool), T, "auth")
        assert pool.free_at(T) is None

    def test_a_keyless_entry_can_be_off_too(self):
        pool = pool_of("")
        pool.disable(pool.choose(T), T, "auth")
        assert pool.choose(T) is None


class TestSight:
    def test_a_snapshot_tells_each_key_and_why_it_rests(self):
        pool = pool_of("ABC")
        pool.throttle(use(pool), T, 20.0)
        pool.disable(use(pool), T, "quota")
        seen = pool.snapshot(T)
        assert [(s.source, s.in_flight, s.throttled_until, s.off_until, s.off_kind) for s in seen] == [
            ("env:A", 1, T + 20, None, None),
            ("env:B", 1, None, T + 1800, "quota"),
            ("env:C", 0, None, None, None),
        ]
        later = pool.snapshot(T + 1800)
        assert {(s.throttled_until, s.off_until, s.off_kind) for s in later} == {(None, None, None)}

    def test_no_secret_shows(self):
        pool = pool_of("A")
        assert "secret-of" not in repr((pool.choose(T), pool.snapshot(T)))

    def test_a_fingerprint_is_eight_hex_digits_that_depend_on_the_hash_key(self):
        one, two = pool_of("AB").snapshot(T)
        other = KeyPool(URL, (key("A"),), lambda: 0.0, b"another").snapshot(T)[0]
        assert len(one.fingerprint) == 8
        assert int(one.fingerprint, 16) >= 0
        assert len({one.fingerprint, two.fingerprint, other.fingerprint}) == 3
        assert pool_of("A").snapshot(T)[0].fingerprint == one.fingerprint


class TestReplacement:
    def test_a_key_kept_by_a_new_configuration_keeps_its_state(self):
        pool = pool_of("AB")
        pool.disable(use(pool), T, "quota")
        pool.renew((key("C"), key("A")))
        assert [(s.source, s.off_kind) for s in pool.snapshot(T)] == [("env:C", None), ("env:A", "quota")]

    def test_a_new_secret_is_a_new_key_with_a_new_index(self):
        pool = pool_of("A")
        pool.disable(use(pool), T, "auth")
        pool.renew((ProviderKey("env:A", Secret("rotated")),))
        fresh = pool.choose(T, {0})
        assert (fresh.source, fresh.index) == ("env:A", 1)

    def test_a_secret_named_twice_is_one_key(self):
        pool = KeyPool(URL, (key("A"), ProviderKey("file:/a", key("A").secret)), lambda: 0.0, HASH_KEY)
        assert [s.source for s in pool.snapshot(T)] == ["env:A"]

    def test_a_provider_may_lose_and_gain_all_keys(self):
        pool = pool_of("A")
        pool.renew(())
        assert pool.choose(T).secret is None
        pool.renew((key("A"),))
        assert pool.choose(T).secret == key("A").secret


class KeyMachine(RuleBasedStateMachine):
    """Against a plain record of each key: blocked until, off until, refusals, calls in flight, last turn."""

    def __init__(self):
        super().__init__()
        self.pool = pool_of("ABC")
        self.now = T
        self.turn = 0
        self.record = {
            n: {"blocked": 0.0, "off": 0.0, "refusals": 0, "kind": None, "flight": 0, "turn": 0} for n in range(3)
        }
        self.calls = []

    def usable(self):
        return {n: r for n, r in self.record.items() if r["blocked"] <= self.now and r["off"] <= self.now}

    @rule(seconds=st.sampled_from([1.0, 30.0, 300.0, 1800.0, 3600.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(exclude=st.sets(st.integers(0, 2), max_size=2))
    def a_call_begins(self, exclude):
        chosen = self.pool.choose(self.now, exclude)
        candidates = {n: (r["flight"], r["turn"]) for n, r in self.usable().items() if n not in exclude}
        if not candidates:
            assert chosen is None
            return
        assert chosen.index == min(candidates, key=candidates.get)
        self.pool.acquire(chosen)
        self.turn += 1
        self.record[chosen.index]["flight"] += 1
        self.record[chosen.index]["turn"] = self.turn
        self.calls.append(chosen)

    @precondition(lambda self: self.calls)
    @rule(
        at=st.integers(0, 99),
        how=st.sampled_from(["ok", "wait", "quota", "auth", "other"]),
        wait_s=st.sampled_from([1.0, 40.0, 600.0]),
    )
    def a_call_ends(self, at, how, wait_s):
        ended = self.calls.pop(at % len(self.calls))
        record = self.record[ended.index]
        self.pool.release(ended)
        record["flight"] -= 1
        if how == "ok":
            self.pool.ok(ended)
            record["refusals"] = 0
        elif how == "wait":
            self.pool.throttle(ended, self.now, wait_s)
            record["blocked"] = max(record["blocked"], self.now + wait_s)
        elif how != "other":
            newly = self.pool.disable(ended, self.now, how)
            assert newly == (record["off"] <= self.now)
            if newly:
                record["refusals"] = record["refusals"] + 1 if how == record["kind"] else 1
                record["kind"] = how
                lengths = [1800, 3600, 7200, 14400] if how == "quota" else [300, 600, 1200, 2400, 3600]
                length = lengths[min(record["refusals"], len(lengths)) - 1]
                record["off"] = self.now + length

    @invariant()
    def the_pool_is_free_when_its_first_key_that_is_not_off_is(self):
        waits = [max(self.now, r["blocked"]) for r in self.record.values() if r["off"] <= self.now]
        assert self.pool.free_at(self.now) == min(waits, default=None)

    @invariant()
    def calls_in_flight_are_counted(self):
        assert [s.in_flight for s in self.pool.snapshot(self.now)] == [r["flight"] for r in self.record.values()]


TestKeyMachine = KeyMachine.TestCase
TestKeyMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
