"""Who made which answer of `/responses`, and what its items were, for requests that go on from one.

A provider keeps its own answers for a while and nobody else has them: `previous_response_id`, `conversation` and what
else names stored things is a request to one provider, and never fails over. An entry is found only by the client whose
answer it was. The store is bounded in number and in time; what it no longer knows is no loss where the chain has one
provider alone that could have made it.

Clients that take their answers to be stored name earlier items by their ids alone (Vercel's AI SDK does unless it is
told otherwise), which no other provider could answer, nor any at all where the answer was translated. So the items of
every answer that its client did not ask not to store are held for an hour, within a bound of bytes, and put back in
full: then the request is bound to nobody.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import orjson

from proxy.config.values import Target
from translators.codec import Around, Pipe
from translators.faults import Malformed
from translators.ir import Delta, Json
from translators.openai_responses.references import items_streamed, items_told

TTL_S = 86_400.0
ENTRIES_CAP = 32_768
ID_CAP = 128
"""Characters of an id worth keeping."""
_ANSWERS = "/v1/responses/"
ITEM_TTL_S = 3600.0
ITEMS_BYTES_CAP = 64 * 1024 * 1024
ITEM_CAP = 4 * 1024 * 1024
"""Bytes of one item worth keeping."""
_PLACE = 512
"""About what an entry takes in memory beside its item."""


class Pins:
    """Answers' ids and their makers, by client. A maker is a provider's name, empty where nobody keeps the answer."""

    def __init__(self) -> None:
        self._makers: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    def remember(self, client: str, answer: str, maker: str, now: float) -> None:
        """`now` in seconds of any clock, the same for every call."""
        if not answer or len(answer) > ID_CAP:
            return
        self._makers[client, answer] = maker, now + TTL_S
        self._makers.move_to_end((client, answer))
        if len(self._makers) > ENTRIES_CAP:
            self._makers.popitem(last=False)

    def maker(self, client: str, answer: str, now: float) -> str | None:
        """None for an answer that is not known."""
        maker, until = self._makers.get((client, answer), (None, 0.0))
        return maker if now < until else None


def answer_named(path: str) -> str:
    """The id of the one answer that a path speaks of (`/v1/responses/ID`, and what is below it); empty for none."""
    return path[len(_ANSWERS) :].partition("/")[0] if path.startswith(_ANSWERS) else ""


class Items:
    """What clients were told, item by item, as JSON."""

    def __init__(self, *, bytes_cap: int = ITEMS_BYTES_CAP) -> None:
        self._items: OrderedDict[tuple[str, str], tuple[bytes, float]] = OrderedDict()
        """The oldest first, which is also the order in which they expire."""
        self._bytes_cap = bytes_cap
        self.size = 0

    def keep(self, client: str, item: Json, now: float) -> None:
        """`now` in seconds of any clock, the same for every call."""
        named = item.get("id") if isinstance(item, dict) else None
        if not isinstance(named, str) or not 0 < len(named) <= ID_CAP:
            return
        self._forget((client, named))
        try:
            said = orjson.dumps(item)
        except TypeError:  # an object of more levels than are written
            return
        if len(said) > ITEM_CAP:
            return
        self._items[client, named] = said, now + ITEM_TTL_S
        self.size += len(said) + _PLACE
        while self._items:
            oldest = next(iter(self._items))
            if self.size <= self._bytes_cap and now < self._items[oldest][1]:
                return
            self._forget(oldest)

    def find(self, client: str, named: str, now: float) -> bytes | None:
        said, until = self._items.get((client, named), (None, 0.0))
        return said if now < until else None

    def _forget(self, place: tuple[str, str]) -> None:
        said, _ = self._items.pop(place, (None, 0.0))
        if said is not None:
            self.size -= len(said) + _PLACE


class Hearing:
    """Keeps the items of one client's answer, whole or as it streams."""

    __slots__ = ("_keep",)

    def __init__(self, keep: Callable[[Json], None]) -> None:
        self._keep = keep

    def whole(self, body: bytes) -> None:
        for item in items_told(body):
            self._keep(item)

    def streamed(self, events: bytes) -> None:
        for item in items_streamed(events):
            self._keep(item)


class Heard(Around):
    """A Pipe whose client's bytes are heard by another, too."""

    __slots__ = ("_hear",)

    def __init__(self, pipe: Pipe, hear: Callable[[bytes], None]) -> None:
        super().__init__(pipe)
        self._hear = hear

    def hear(self, _: Sequence[Delta], data: bytes) -> None:
        if data:
            self._hear(data)


def keeper(keepers: Sequence[Target], maker: str | None, field: str) -> Target:
    """The one target to ask. `keepers` are those of the chain that keep answers, `maker` who made the one that `field`
    names, None when that is not known.

    Raises Malformed where it cannot be told, or nobody keeps it.
    """
    if maker == "":
        raise _not_kept(field, "was translated for another provider, and nobody keeps it")
    if maker is not None:
        keepers = [target for target in keepers if target.provider.name == maker]
        if not keepers:
            raise _not_kept(field, f"is kept by {maker}, which this model does not have")
    names = sorted({target.provider.name for target in keepers})
    if not names:
        raise _not_kept(field, "can only be answered by a provider that keeps answers, and this model has none")
    if len(names) > 1:
        raise _not_kept(field, f"may be kept by {' or '.join(names)}, and this proxy does not know by which")
    return keepers[0]


def _not_kept(field: str, problem: str) -> Malformed:
    message = f"What '{field}' asks for {problem}; send the whole conversation as 'input' instead."
    return Malformed(message, param=field, code="invalid_value")
