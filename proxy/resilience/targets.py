"""What is known of every target and provider key, for the life of the process.

A target is a provider, its base URL and a model there; breaker, retry budget, throttle and how it fared of late belong
to it, whichever route or configuration leads to it. A new configuration replaces the settings and keeps the state.

Clients may name any model of a provider, so what is kept must be bounded. Beyond 1,024 targets those longest unused are
forgotten, if they are idle: nothing in flight and the breaker CLOSED. Should so many be out of order that 4,096 are
kept, one with nothing in flight goes, breaker or not: it would have to fail again to be refused. Each new target looks
at a few of the old ones only, so that no request pays for a long list.

Keys belong to a provider at its address: requests that began under an older configuration still call the old address,
and must not bring it a key that is meant for another.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from proxy.config.values import Provider, ProviderKey, Target
from proxy.resilience.breaker import Breaker, Reason, State
from proxy.resilience.forced import Forced
from proxy.resilience.keys import KeyPool, KeyState
from proxy.resilience.observed import Observed
from proxy.resilience.retry import Budget
from proxy.resilience.silence import Silence
from proxy.resilience.throttle import Throttle
from proxy.resilience.window import Window

IDLE_CAP = 1024
TOTAL_CAP = 4096
LOOKS = 8
"""Old targets that a new one looks at for a place."""
QUIET_S = 60.0
"""An operator who was told of what this machine lacks is not told again for so long."""

TargetKey = tuple[str, str, str]
"""Provider, its base URL, and a model there."""
OnTargetChange = Callable[[str, State, State, Reason | None, float], None]
"""The target's name, then what a breaker's hook is told."""
OnTargetLate = Callable[[str, str], None]
"""Is told the provider and the model of a result that came late for its breaker."""


class TargetState:
    """One target. The chain says `enter` before its call, or before several made side by side, and `leave` at their
    end, however they ended."""

    __slots__ = (
        "breaker", "budget", "forced", "in_flight", "key", "missing", "name", "observed", "overloaded_until", "silence",
        "throttle", "window",
    )  # fmt: skip

    def __init__(
        self,
        target: Target,
        uniform: Callable[[], float],
        on_change: OnTargetChange | None,
        on_late: OnTargetLate | None = None,
    ) -> None:
        self.key = target.key
        self.name = target.name
        self.breaker = Breaker(
            target.breaker,
            uniform,
            on_change and partial(on_change, target.name),
            on_late and partial(on_late, target.provider.name, target.model),
        )
        self.budget = Budget(target.retry)
        self.throttle = Throttle()
        self.forced = Forced()
        self.overloaded_until = 0.0
        """Where its throttle stands there, nobody's rate is why, but that it cannot serve."""
        self.window = Window()
        self.in_flight = 0
        self.observed: Observed | None = None
        """What an order goes by, once one has looked at it."""
        self.missing = False
        """Whether the operator was told that its provider has no such model, and it has not answered since."""
        self.silence: Silence | None = None
        """Waits that came to nothing, since the last answer."""

    def rest(self, now: float, wait_s: float, uniform: Callable[[], float]) -> None:
        """It asked for a wait because it cannot serve."""
        before = self.throttle.until
        until = self.throttle.block(now, wait_s, uniform)
        if until > before:
            self.overloaded_until = until

    def enter(self, calls: int = 1) -> None:
        self.in_flight += calls

    def leave(self, calls: int = 1) -> None:
        self.in_flight -= calls

    def idle(self, now: float) -> bool:
        return not self.in_flight and self.breaker.state(now) is State.CLOSED


class Registry:
    """Every target's state and every provider's keys. `hash_key` is what the keys' fingerprints are keyed with."""

    def __init__(
        self,
        uniform: Callable[[], float],
        hash_key: bytes,
        on_change: OnTargetChange | None = None,
        on_late: OnTargetLate | None = None,
    ) -> None:
        self._uniform = uniform
        self._hash_key = hash_key
        self._on_change = on_change
        self._on_late = on_late
        self._targets: OrderedDict[TargetKey, TargetState] = OrderedDict()
        """Longest unused first."""
        self._pools: dict[str, KeyPool] = {}
        """By the provider's name."""
        self._former: dict[tuple[str, str], KeyPool] = {}
        """Of providers that have moved, at their earlier addresses: by name and base URL."""
        self._quiet_until = 0.0

    def target(self, target: Target, now: float) -> TargetState:
        """The target's state, made when it is new, with the settings that `target` has now."""
        key = target.key
        state = self._targets.get(key)
        if state is None:
            state = self._targets[key] = TargetState(target, self._uniform, self._on_change, self._on_late)
            if len(self._targets) > IDLE_CAP:
                self._forget(now)
            return state
        self._targets.move_to_end(key)
        state.breaker.settings = target.breaker
        state.budget.settings = target.retry
        return state

    def seen(self, targets: Iterable[Target], now: float) -> list[TargetState]:
        """The same of several, for who only looks: a state that is there keeps its settings, and its place among the
        unused."""
        known = self._targets.get
        return [known(target.key) or self.target(target, now) for target in targets]

    def keys(self, provider: Provider) -> KeyPool:
        """The provider's keys, made when it is new."""
        pool = self._pools.get(provider.name)
        if pool is None:
            pool = self._pools[provider.name] = self._new(provider)
        if pool.base_url == provider.base_url:
            return pool
        place = provider.name, provider.base_url
        if place not in self._former:
            self._former[place] = self._new(provider)
        return self._former[place]

    def free_keys(self, now: float) -> list[tuple[str, KeyState]]:
        """Takes all keys that are off back into use; tells them, each with its provider's name."""
        pools = [*self._pools.items(), *((name, pool) for (name, _), pool in self._former.items())]
        return [(name, key) for name, pool in pools for key in pool.each() if pool.free(key, now)]

    def renew(self, provider: Provider, keys: tuple[ProviderKey, ...]) -> None:
        """The provider is where its base URL says, and has these keys."""
        pool = self._pools.get(provider.name)
        if pool is None or pool.base_url != provider.base_url:
            if pool is not None:
                self._former[provider.name, pool.base_url] = pool
            before = self._former.pop((provider.name, provider.base_url), None)
            pool = self._pools[provider.name] = self._new(provider) if before is None else before
        pool.renew(keys)

    def _new(self, provider: Provider) -> KeyPool:
        return KeyPool(provider.base_url, provider.keys, self._uniform, self._hash_key)

    def throttle(self, state: TargetState, pool: KeyPool, key: KeyState, now: float, wait_s: float) -> float:
        """An upstream asked for a wait: blocks the key, or only this target where the provider has no other key, since
        limits of one key are often per model. Gives the moment at which it is free.
        """
        if len(pool) > 1:
            return pool.throttle(key, now, wait_s)
        return state.throttle.block(now, wait_s, self._uniform)

    def exhausted(self, now: float) -> bool:
        """Notes that this machine cannot make a connection. True once a minute: the operator is to be told."""
        if now < self._quiet_until:
            return False
        self._quiet_until = now + QUIET_S
        return True

    def targets(self) -> Iterable[TargetState]:
        return self._targets.values()

    def at(self, provider: Provider) -> list[TargetState]:
        """Those that were called at the provider's address."""
        place = provider.name, provider.base_url
        return [state for state in self._targets.values() if state.key[:2] == place]

    def pool_of(self, state: TargetState) -> KeyPool | None:
        """The keys that are for a target's provider at its address; None where none were needed yet."""
        provider, address, _ = state.key
        pool = self._pools.get(provider)
        return pool if pool is not None and pool.base_url == address else self._former.get((provider, address))

    def pools(self) -> Mapping[str, KeyPool]:
        """By provider name; of one that has moved, the keys at its new address."""
        return self._pools

    def keep(self, leads_to: Callable[[TargetKey], bool], providers: Iterable[Provider]) -> None:
        """Forgets the targets that nothing `leads_to` any more, but for those with a call in flight, and the keys of
        all but `providers`."""
        for key in [key for key, state in self._targets.items() if not (state.in_flight or leads_to(key))]:
            del self._targets[key]
        places = {(provider.name, provider.base_url) for provider in providers}
        self._pools = {name: pool for name, pool in self._pools.items() if (name, pool.base_url) in places}
        self._former = {place: pool for place, pool in self._former.items() if place in places}

    def _forget(self, now: float) -> None:
        """Of the longest unused, the idle go; the others count as just used, so that the next look is at others."""
        targets = self._targets
        for _ in range(LOOKS):
            key, state = next(iter(targets.items()))
            if state.idle(now) or (len(targets) > TOTAL_CAP and not state.in_flight):
                del targets[key]
            else:
                targets.move_to_end(key)
            if len(targets) <= IDLE_CAP:
                return
