"""What only its maker can read, kept for clients that drop it: thinking signatures, thought signatures, reasoning.

`OpaqueStore` is the seam. Reading is asynchronous and asked for once a request, with all its turns in one batch, before
any target is chosen: a store across a network then costs one round trip, and everything after it has the turns in hand.
Writing is not awaited, so that no answer's end waits for a store: one across a network writes behind.

`MemoryStore` is the one there is. An entry is found only by its client, its call's id and the keyed hash of its turn,
so ids that repeat or are made up find nothing, and no client finds another's. It holds so many bytes and no more: the
least recently used goes first, and whatever was not used for an hour. Every operation takes the same time however much
it holds.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from translators.codec import Codec, Pipe
from translators.ir import Item, Json, Reasoning, Reply, Request
from translators.profile import Profile
from translators.remember import Held, Kept, Key, Notes, Span, Turn, loop_origin, remembered, restored, spans
from translators.report import Report
from translators.watching import Watching

TTL_S = 3600.0
"""Time since an entry was last used."""
BYTES_CAP = 64 * 1024 * 1024


class OpaqueStore(Protocol):
    secret: bytes
    """Key of the hashes that turns are found by: shared by all who share the store."""

    def holds(self, client: str) -> bool:
        """Whether anything may be kept for this client; a guess is allowed, and only costs time."""

    async def fetch(self, client: str, keys: Iterable[Key]) -> Mapping[Key, Turn]:
        """Those of the turns that are kept."""

    def put(self, client: str, kept: Kept) -> None: ...


class Past:
    """One request's earlier turns as they are kept, and where the turn that answers it is kept in its turn."""

    __slots__ = ("_client", "_spans", "_store", "_turns")

    def __init__(self, store: OpaqueStore, client: str) -> None:
        self._store = store
        self._client = client
        self._spans: list[Span] = []
        self._turns: dict[int, Turn] = {}

    @property
    def is_kept(self) -> bool:
        """Whether anything may be kept for this client, so that its history is worth reading."""
        return self._store.holds(self._client)

    async def recall(self, items: Sequence[Item]) -> None:
        """Fetches what is kept of the request's turns with calls."""
        self._spans = spans(items, self._store.secret)
        if self._spans:
            kept = await self._store.fetch(self._client, [span.key for span in self._spans])
            self._turns = {at: kept[span.key] for at, span in enumerate(self._spans) if span.key in kept}

    def __bool__(self) -> bool:
        """Whether any turn of the request was found."""
        return bool(self._turns)

    def origin(self, items: Sequence[Item]) -> str:
        """`translators.remember.loop_origin` of the request's items."""
        return loop_origin(items, self._turns, self._spans or spans(items, self._store.secret))

    def restored(self, request: Request, origin: str) -> Request:
        """The request as a target of another dialect than its client's must be sent it."""
        return restored(request, self._turns, self._spans, origin) if self._turns else request

    def replayed(self, body: dict[str, Json], codec: Codec, profile: Profile, report: Report) -> dict[str, Json]:
        """The same for a body that is relayed; what is taken out of it is noted."""
        if not self._turns:
            return body
        return codec.replayed(body, [self._turns.get(at) for at in range(len(self._spans))], profile, report)

    def watched(self, pipe: Pipe, origin: str, profile: Profile) -> Pipe:
        """The pipe, which keeps its answer's turn at its end."""
        if profile.thinking == "none" and not profile.hosted_tools:
            return pipe
        secret, plain = self._store.secret, profile.reasoning_replay
        return Watching(pipe, lambda: Notes(secret, origin, plain=plain), self._keep)

    def keep(self, reply: Reply, origin: str, profile: Profile) -> None:
        """Keeps a whole answer's turns."""
        for choice in reply.choices:
            kept = remembered(choice.items, self._store.secret, origin, plain=profile.reasoning_replay)
            if kept is not None:
                self._keep(kept)

    def _keep(self, kept: Kept) -> None:
        self._store.put(self._client, kept)


class _Entry(Struct):
    turn: Turn
    size: int
    used_at: float


class MemoryStore:
    """Implements OpaqueStore in this process."""

    def __init__(
        self, now: Callable[[], float], secret: bytes, *, ttl_s: float = TTL_S, bytes_cap: int = BYTES_CAP
    ) -> None:
        """`now` gives seconds that only grow; `secret` is 16 to 64 random bytes."""
        self.secret = secret
        self.size = 0
        """Bytes held, keys and bookkeeping included."""
        self._now = now
        self._ttl_s = ttl_s
        self._bytes_cap = bytes_cap
        self._entries: OrderedDict[tuple[str, Key], _Entry] = OrderedDict()
        """The least recently used first, which is also the order in which they expire."""
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def holds(self, client: str) -> bool:
        return client in self._counts

    async def fetch(self, client: str, keys: Iterable[Key]) -> Mapping[Key, Turn]:
        now = self._now()
        self._expire(now)
        found: dict[Key, Turn] = {}
        for key in keys:
            entry = self._entries.get((client, key))
            if entry is not None:
                entry.used_at = now
                self._entries.move_to_end((client, key))
                found[key] = entry.turn
        return found

    def put(self, client: str, kept: Kept) -> None:
        now = self._now()
        self._expire(now)
        place = client, kept.key
        size = _size(place, kept.turn)
        if place in self._entries:
            self._drop(place)
        if size > self._bytes_cap:
            return
        self._entries[place] = _Entry(kept.turn, size, now)
        self._counts[client] = self._counts.get(client, 0) + 1
        self.size += size
        while self.size > self._bytes_cap:
            self._drop(next(iter(self._entries)))

    def _expire(self, now: float) -> None:
        while self._entries:
            place, oldest = next(iter(self._entries.items()))
            if now - oldest.used_at < self._ttl_s:
                return
            self._drop(place)

    def _drop(self, place: tuple[str, Key]) -> None:
        self.size -= self._entries.pop(place).size
        left = self._counts[place[0]] - 1
        if left:
            self._counts[place[0]] = left
        else:
            del self._counts[place[0]]


_PLACE = 256
"""The dictionary's slot and link, the entry and its numbers, the tuples of the key."""


def _size(place: tuple[str, Key], turn: Turn) -> int:
    """Bytes of memory that an entry takes."""
    client, (call_id, digest) = place
    size = _PLACE + sum(map(sys.getsizeof, (client, call_id, digest, turn, turn.origin, turn.steps)))
    for step in turn.steps:
        size += sys.getsizeof(step)
        if isinstance(step, Reasoning):
            size += sys.getsizeof(step.text)
        if isinstance(step, Held):
            size += sys.getsizeof(step.data)
        elif step.opaque is not None:
            size += sum(map(sys.getsizeof, (step.opaque, step.opaque.data, step.opaque.origin)))
    return size
