"""The keys of one provider: which to use next, and which to leave alone for how long.

A key is out of use for two causes. *Throttled*: the upstream asked for a wait; it heals by itself. *Off*: the key's
account is out of money or the key is not accepted; it is looked at again after a while, and an operator should know.

Rules:
- Of the keys free now, the one with the fewest calls in flight; among equals the one used longest ago.
- A refusal of a key that is already off changes nothing: many calls were on their way when the first was refused, and
  one that was made all the same (`proxy.resilience.forced`) makes the time neither longer nor shorter.
- An index is never used again, so that a call's list of tried keys stays true when the keys are replaced under it.
- A provider without keys (a local server) has one keyless entry, so that no caller needs to ask.
- A key whose token is not there (yet, or any more) is no entry at all.

The caller's own key (`keys = ["client"]`) is nobody's business here: nothing it meets is told to the pool.
"""

import hashlib
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from proxy.config.hidden import Secret
from proxy.config.values import ProviderKey
from proxy.resilience.throttle import Throttle

OffKind = Literal["quota", "auth"]

QUOTA_OFF_S = 1800.0
QUOTA_OFF_MAX_S = 14_400.0
DAILY_OFF_S = 3600.0
"""A daily quota is tried hourly: when its day ends is the vendor's knowledge."""
AUTH_OFF_S = 300.0
AUTH_OFF_MAX_S = 3600.0


@dataclass(slots=True, eq=False)  # msgspec's own way to set a field costs ten times as much
class KeyState:
    """One key and what is known of it. Its repr shows no secret."""

    index: int
    source: str
    """Where the key came from (`env:X`, `file:/path`); empty for the keyless entry."""
    secret: Secret | None
    """None: send no credentials."""
    fingerprint: str
    """Eight hex digits that tell keys apart in logs; empty for the keyless entry."""
    in_flight: int = 0
    throttle: Throttle = field(default_factory=Throttle)
    off_until: float = 0.0
    off_kind: OffKind | None = None
    refusals: int = 0
    """Times in a row that the key was turned off for one and the same cause; a daily quota is not counted."""
    used: int = 0
    """The pool's count of calls when this key was last used."""
    forced_at: float = -math.inf
    """When it was last called with though it was off."""

    def free(self, now: float) -> bool:
        return self.off_until <= now and self.throttle.until <= now


class KeySnapshot(Struct, frozen=True):
    index: int
    source: str
    fingerprint: str
    in_flight: int
    throttled_until: float | None
    off_until: float | None
    off_kind: OffKind | None


class KeyPool:
    """The keys are for `base_url`. `hash_key` (at most 64 bytes) keys the fingerprints: without it nobody can test a
    guessed key against a log."""

    __slots__ = ("_calls", "_hash_key", "_keys", "_next_index", "_uniform", "base_url")

    def __init__(
        self, base_url: str, keys: tuple[ProviderKey, ...], uniform: Callable[[], float], hash_key: bytes
    ) -> None:
        self.base_url = base_url
        self._uniform = uniform
        self._hash_key = hash_key
        self._calls = 0
        self._next_index = 0
        self._keys: dict[Secret | None, KeyState] = {}
        self.renew(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def renew(self, keys: tuple[ProviderKey, ...]) -> None:
        """Takes `keys` instead. One whose secret was there before keeps its state, and what a call under way knows of
        an old one stays with it; a secret named twice is one key."""
        there = [key for key in keys if key.secret is not None]
        wanted: dict[Secret | None, str] = {key.secret: key.source for key in reversed(there)}
        if not keys:
            wanted[None] = ""
        kept = self._keys
        self._keys = {}
        for secret, source in reversed(wanted.items()):
            state = kept.get(secret) or self._new(secret)
            state.source = source
            self._keys[secret] = state

    def choose(self, now: float, exclude: Collection[int] = frozenset()) -> KeyState | None:
        """The key for the next call, or None: every key whose index is not in `exclude` is throttled or off."""
        best: KeyState | None = None
        for key in self._keys.values():
            if key.index in exclude or not key.free(now):
                continue
            if best is None or (key.in_flight, key.used) < (best.in_flight, best.used):
                best = key
        return best

    def acquire(self, key: KeyState) -> None:
        """A call with `key` begins."""
        self._calls += 1
        key.used = self._calls
        key.in_flight += 1

    def release(self, key: KeyState) -> None:
        """Its call has ended, however."""
        key.in_flight -= 1

    def throttle(self, key: KeyState, now: float, wait_s: float) -> float:
        """Leaves `key` alone for the wait its upstream asked for; gives the moment at which it is free."""
        return key.throttle.block(now, wait_s, self._uniform)

    def disable(self, key: KeyState, now: float, kind: OffKind, *, daily: bool = False) -> bool:
        """Turns `key` off: 30 min doubling to 4 hours while its quota is used up (always an hour for a daily one), or
        5 min doubling to an hour while it is not accepted.

        True when this call turned it off, so that an alert is raised once.
        """
        if key.off_until > now:
            return False
        if kind != key.off_kind:
            key.refusals = 0
        if daily:
            off_s = DAILY_OFF_S
        else:
            first_s, longest_s = (AUTH_OFF_S, AUTH_OFF_MAX_S) if kind == "auth" else (QUOTA_OFF_S, QUOTA_OFF_MAX_S)
            off_s = min(longest_s, first_s * 2.0 ** min(key.refusals, 8))
            key.refusals += 1
        key.off_until = now + off_s
        key.off_kind = kind
        return True

    def ok(self, key: KeyState) -> None:
        """The upstream accepted `key`."""
        key.refusals = 0

    def free(self, key: KeyState, now: float) -> bool:
        """Takes `key` back into use. True when it was off."""
        off = key.off_until > now
        key.off_until, key.refusals = 0.0, 0
        return off

    def each(self) -> Iterable[KeyState]:
        """All keys, free or not."""
        return self._keys.values()

    def free_at(self, now: float) -> float | None:
        """When the first key that is not off is free, `now` at the earliest. None when every key is off."""
        return min((key.throttle.free_at(now) for key in self._keys.values() if key.off_until <= now), default=None)

    def resume(self, seen: Sequence[Mapping[str, Any]], now: float) -> None:
        """Stands as another pool stood: each key, by its place, off (`off`, `off_for_s`) or throttled
        (`throttled_for_s`) or, where nothing is said, free."""
        for key, told in zip(self._keys.values(), seen, strict=False):
            if "off" in told:
                key.off_kind, key.off_until = told["off"], now + told["off_for_s"]
            if "throttled_for_s" in told:
                key.throttle.block(now, told["throttled_for_s"], lambda: 0.0)

    def snapshot(self, now: float) -> list[KeySnapshot]:
        return [_snapshot(key, now) for key in self._keys.values()]

    def _new(self, secret: Secret | None) -> KeyState:
        index = self._next_index
        self._next_index += 1
        mark = b"" if secret is None else secret.reveal().encode()
        fingerprint = "" if secret is None else hashlib.blake2b(mark, key=self._hash_key, digest_size=4).hexdigest()
        return KeyState(index, "", secret, fingerprint)


def _snapshot(key: KeyState, now: float) -> KeySnapshot:
    free_at = key.throttle.free_at(now)
    off = key.off_until > now
    return KeySnapshot(
        index=key.index,
        source=key.source,
        fingerprint=key.fingerprint,
        in_flight=key.in_flight,
        throttled_until=free_at if free_at > now else None,
        off_until=key.off_until if off else None,
        off_kind=key.off_kind if off else None,
    )
