"""What is kept of targets and provider keys, and what is forgotten."""

import pytest
from msgspec import structs

from proxy.config.hidden import Secret
from proxy.config.values import BreakerSettings, Provider, ProviderKey, RetrySettings, Target, TimeoutSettings
from proxy.resilience.breaker import Reason, State
from proxy.resilience.targets import IDLE_CAP, TOTAL_CAP, Registry
from translators.ir import Dialect
from translators.profile import Profile

T = 1000.0
ACME = Provider(
    "acme", Dialect.OPENAI_CHAT, "https://acme.test/v1", keys=tuple(ProviderKey(f"env:{n}", Secret(n)) for n in "AB")
)
LONE = structs.replace(ACME, name="lone", keys=ACME.keys[:1])


def target(model="m", provider=ACME, breaker=BreakerSettings(), retry=RetrySettings()):  # noqa: B008 - frozen
    return Target(provider, model, Profile(), breaker, retry, TimeoutSettings())


@pytest.fixture
def changes():
    return []


@pytest.fixture
def registry(chance, changes):
    return Registry(chance, b"hash key", lambda *change: changes.append(change))


def fill(registry, count, prefix="x"):
    return [registry.target(target(f"{prefix}{n}"), T) for n in range(count)]


class TestForced:
    def test_keys_at_every_address_are_taken_back_into_use(self, registry):
        moved = structs.replace(LONE, base_url="https://b.test/v1")
        registry.renew(LONE, LONE.keys)
        registry.renew(moved, moved.keys)
        for provider in (LONE, moved, ACME):
            pool = registry.keys(provider)
            pool.disable(pool.choose(T), T, "auth")
        assert sorted(name for name, _ in registry.free_keys(T)) == ["acme", "lone", "lone"]
        assert registry.free_keys(T) == []

    def test_a_targets_keys_are_those_for_its_address(self, registry):
        moved = structs.replace(LONE, base_url="https://b.test/v1")
        assert registry.pool_of(registry.target(target(provider=LONE), T)) is None
        registry.renew(LONE, LONE.keys)
        registry.renew(moved, moved.keys)
        for provider in (LONE, moved):
            assert registry.pool_of(registry.target(target(provider=provider), T)) is registry.keys(provider)


class TestTargets:
    def test_a_target_has_one_state_whatever_leads_to_it(self, registry):
        assert registry.target(target(), T) is registry.target(target(), T)

    @pytest.mark.parametrize(
        "other",
        [target("n"), target(provider=LONE), target(provider=structs.replace(ACME, base_url="https://b.test/v1"))],
    )
    def test_provider_address_and_model_tell_targets_apart(self, registry, other):
        assert registry.target(target(), T) is not registry.target(other, T)

    def test_a_new_configuration_replaces_the_settings_and_keeps_the_state(self, registry):
        before = registry.target(target(), T)
        before.breaker.trip(T)
        strict = BreakerSettings(consecutive_failures=1)
        frugal = RetrySettings(budget_min_per_s=0.1)
        after = registry.target(target(breaker=strict, retry=frugal), T)
        assert after.breaker.state(T) is State.OPEN
        assert (after.breaker.settings, after.budget.settings) == (strict, frugal)

    def test_a_change_of_a_breaker_is_told_with_its_targets_name(self, registry, changes):
        registry.target(target(), T).breaker.trip(T)
        assert changes == [("acme/m", State.CLOSED, State.OPEN, Reason.MANUAL, T)]

    def test_a_late_result_is_told_with_its_provider_and_model(self, chance):
        told = []
        registry = Registry(chance, b"hash key", on_late=lambda *whose: told.append(whose))
        breaker = registry.target(target(), T).breaker
        permit = breaker.admit(T, 30)
        breaker.trip(T)
        breaker.settle(permit, "fail", T)
        assert told == [("acme", "m")]

    def test_nobody_need_listen(self, chance):
        state = Registry(chance, b"hash key").target(target(), T)
        state.breaker.trip(T)
        assert state.breaker.state(T) is State.OPEN

    def test_every_state_can_be_seen(self, registry):
        fill(registry, 3)
        assert [state.name for state in registry.targets()] == ["acme/x0", "acme/x1", "acme/x2"]


class TestForgetting:
    def test_no_more_idle_targets_are_kept_than_the_cap(self, registry):
        fill(registry, IDLE_CAP + 50)
        assert len(list(registry.targets())) == IDLE_CAP

    def test_the_one_longest_unused_is_forgotten_first(self, registry):
        first, second, *_ = fill(registry, IDLE_CAP)
        registry.target(target("x0"), T)
        fill(registry, 1, "y")
        kept = list(registry.targets())
        assert first in kept
        assert second not in kept

    def test_a_target_with_a_call_in_flight_is_kept(self, registry):
        busy = registry.target(target("busy"), T)
        busy.enter()
        fill(registry, IDLE_CAP + 50)
        assert registry.target(target("busy"), T) is busy
        busy.leave()
        fill(registry, IDLE_CAP + 50, "y")
        assert registry.target(target("busy"), T) is not busy

    def test_a_target_whose_breaker_is_not_closed_is_kept(self, registry):
        down = registry.target(target("down"), T)
        down.breaker.trip(T)
        fill(registry, IDLE_CAP + 50)
        assert registry.target(target("down"), T) is down

    def test_targets_in_use_do_not_shield_the_idle_behind_them(self, registry):
        for state in fill(registry, 600, "down"):
            state.breaker.trip(T)
        fill(registry, IDLE_CAP + 200)
        idle = sum(state.idle(T) for state in registry.targets())
        assert idle <= IDLE_CAP - 500

    def test_a_new_target_is_never_the_one_forgotten(self, registry):
        for state in fill(registry, IDLE_CAP):
            state.enter()
        new = registry.target(target("new"), T)
        assert registry.target(target("new"), T) is new

    def test_however_many_are_out_of_order_what_is_kept_is_bounded(self, registry):
        busy = registry.target(target("busy"), T)
        busy.enter()
        for n in range(TOTAL_CAP + 20):
            registry.target(target(f"down{n}"), T).breaker.trip(T)
        assert len(list(registry.targets())) == TOTAL_CAP
        assert registry.target(target("busy"), T) is busy


class TestKeeping:
    def test_targets_that_nothing_leads_to_are_forgotten_once_no_call_is_in_flight(self, registry):
        """Whatever their breakers say: nobody will probe them again."""
        stays, busy, down = (registry.target(target(name), T) for name in ("stays", "busy", "down"))
        busy.enter()
        down.breaker.trip(T)
        registry.keep(lambda key: key[2] == "stays", [ACME])
        assert list(registry.targets()) == [stays, busy]
        busy.leave()
        registry.keep(lambda key: key[2] == "stays", [ACME])
        assert list(registry.targets()) == [stays]

    def test_keys_of_providers_that_are_gone_are_forgotten(self, registry):
        kept, _ = registry.keys(ACME), registry.keys(LONE)
        registry.keep(lambda _: True, [ACME])
        assert registry.pools() == {"acme": kept}


class TestKeys:
    def test_a_provider_has_one_pool(self, registry):
        assert registry.keys(ACME) is registry.keys(ACME)
        assert registry.pools() == {"acme": registry.keys(ACME)}

    def test_a_new_configuration_replaces_the_keys_and_keeps_what_is_known_of_the_old(self, registry):
        pool = registry.keys(ACME)
        pool.disable(pool.choose(T), T, "quota")
        rotated = structs.replace(ACME, keys=(ACME.keys[0], ProviderKey("env:C", Secret("C"))))
        registry.renew(rotated, rotated.keys)
        assert registry.keys(ACME) is pool
        assert [(s.source, s.off_kind) for s in pool.snapshot(T)] == [("env:A", "quota"), ("env:C", None)]

    def test_keys_of_one_address_are_never_those_of_another(self, registry):
        """A provider that moved has other keys there, and its old address gets none of them."""
        moved = structs.replace(ACME, base_url="https://b.test/v1", keys=(ProviderKey("env:C", Secret("C")),))
        before = registry.keys(ACME)
        registry.renew(moved, moved.keys)
        after = registry.keys(moved)
        assert registry.keys(ACME) is before
        assert [s.source for s in before.snapshot(T)] == ["env:A", "env:B"]
        assert [s.source for s in after.snapshot(T)] == ["env:C"]
        assert registry.pools() == {"acme": after}
        registry.renew(ACME, ACME.keys)
        assert (registry.keys(ACME), registry.keys(moved)) == (before, after)
        assert registry.pools() == {"acme": before}

    def test_who_still_asks_for_an_address_that_is_given_up_gets_its_own_keys(self, registry):
        """A request of an older configuration may be the first that needs them."""
        moved = structs.replace(ACME, base_url="https://b.test/v1", keys=(ProviderKey("env:C", Secret("C")),))
        registry.renew(moved, moved.keys)
        late = registry.keys(ACME)
        assert registry.keys(ACME) is late
        assert [s.source for s in late.snapshot(T)] == ["env:A", "env:B"]
        registry.keep(lambda _: True, [moved])
        assert registry.keys(ACME) is not late

    def test_a_wait_blocks_the_key_where_the_provider_has_others(self, registry):
        state, pool = registry.target(target(), T), registry.keys(ACME)
        key = pool.choose(T)
        assert registry.throttle(state, pool, key, T, 20.0) == T + 20
        assert (key.throttle.free_at(T), state.throttle.free_at(T)) == (T + 20, T)

    def test_a_wait_blocks_the_target_where_the_provider_has_one_key(self, registry):
        state, pool = registry.target(target(provider=LONE), T), registry.keys(LONE)
        key = pool.choose(T)
        assert registry.throttle(state, pool, key, T, 20.0) == T + 20
        assert (key.throttle.free_at(T), state.throttle.free_at(T)) == (T, T + 20)

    def test_only_the_longest_wait_says_why_a_target_is_left_alone(self, registry):
        state = registry.target(target(provider=LONE), T)
        state.rest(T, 5.0, lambda: 0.0)
        assert state.overloaded_until == state.throttle.until == T + 5
        state.throttle.block(T, 60.0, lambda: 0.0)
        state.rest(T, 50.0, lambda: 0.0)
        assert (state.overloaded_until, state.throttle.until) == (T + 5, T + 60)


def test_the_targets_at_an_address_are_those_that_were_called_there(registry):
    moved = structs.replace(ACME, base_url="https://b.test/v1")
    one, other = registry.target(target(), T), registry.target(target("n"), T)
    registry.target(target(provider=LONE), T)
    there = registry.target(target(provider=moved), T)
    assert (registry.at(ACME), registry.at(moved)) == ([one, other], [there])


def test_who_only_looks_gets_the_same_states_and_new_ones_for_new_targets():
    registry = Registry(lambda: 0.0, b"k")
    first = registry.target(target("a"), 1.0)
    first.in_flight = 3
    assert [one.in_flight for one in registry.seen([target("a"), target("b")], 2.0)] == [3, 0]
    assert [one.name for one in registry.targets()] == ["acme/a", "acme/b"]
