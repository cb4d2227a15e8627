"""Items that a request only names by their ids, and the answers they were items of.

A client that takes its answers to be stored sends the ids of earlier items and not the items. Whoever kept what its
clients were told puts the items in their places, and then any provider can answer, the one that stores nothing as well.

An id that was made here and is not kept any more means nothing to any provider. Of reasoning it is made a reasoning
item that says nothing, which is left out and reported as another's would be; of anything else it is Malformed, since
the conversation would be another one without it. Ids of a provider's own are left: the provider may keep them.
"""

from collections.abc import Callable, Iterator

import orjson

from translators.faults import Malformed
from translators.ir import Json
from translators.openai_responses.envelope import is_reference
from translators.openai_responses.wire import is_minted

DONE = b"response.output_item.done"
REASONING = "rs_"
SPELLED_CAP = 32 * 1024 * 1024
"""Bytes of items that are put into one request; it may name the same one over and over."""


def items_told(body: bytes) -> Iterator[Json]:
    """The items of a whole answer."""
    answer = _read(body)
    output = answer.get("output") if isinstance(answer, dict) else None
    return iter(output if isinstance(output, list) else ())


def items_streamed(events: bytes) -> Iterator[Json]:
    """The items that are finished in these bytes, which hold whole events."""
    if DONE in events:
        for line in events.splitlines():
            event = _read(line[5:]) if line.startswith(b"data:") and DONE in line else None
            if isinstance(event, dict) and event.get("type") == DONE.decode():
                yield event.get("item")


def _read(said: bytes) -> Json:
    """None for what cannot be read: its client was told it all the same."""
    try:
        return orjson.loads(said)
    except orjson.JSONDecodeError:
        return None


def spelled_out(body: dict[str, Json], find: Callable[[str], bytes | None]) -> dict[str, Json]:
    """The body with the items that `find` knows by their ids in the places of their names; itself where it names none.

    Raises Malformed for what nobody can know, and for more than SPELLED_CAP.
    """
    given = body.get("input")
    if not isinstance(given, list) or not any(map(is_reference, given)):
        return body
    known: dict[str, Json] = {}
    items: list[Json] = []
    size = 0
    for i, item in enumerate(given):
        named = item.get("id") if is_reference(item) else None
        if isinstance(named, str) and (said := find(named)) is not None:
            size += len(said)
            if size > SPELLED_CAP:
                raise _too_much(i)
            items.append(known.get(named) or known.setdefault(named, orjson.loads(said)))
        else:
            items.append(_lost(named, i) if is_minted(named) else item)
    return {**body, "input": items}


def _lost(named: Json, place: int) -> dict[str, Json]:
    if named.startswith(REASONING):
        return {"type": "reasoning", "id": named, "summary": []}
    raise Malformed(
        f"'input[{place}].id' names an item of an answer that no provider stores and that is not kept here any more;"
        " send the item itself, which clients do that are told 'store': false.",
        param=f"input[{place}].id",
        code="invalid_value",
    )


def _too_much(place: int) -> Malformed:
    return Malformed(
        f"The items that 'input' names by their ids are more than {SPELLED_CAP} bytes.",
        param=f"input[{place}].id",
        code="body_too_large",
        status=413,
    )
