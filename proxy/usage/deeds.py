"""What each model that was called for a request did, as records of their own: see `proxy.usage.tried`."""

from collections.abc import Iterator

from msgspec import structs

from proxy.usage.record import Record
from proxy.usage.tried import calls


def model_of(record: Record) -> str:
    """Who answered, else who was called last, else what was asked for."""
    return record.model or (calls(record.tried)[-1].model if record.tried else record.asked)


def deeds(record: Record) -> Iterator[Record]:
    """The record as what each model did: `model` is whose it is. Whoever answered, or was called last, has the request
    with its cost; the others what came of their calls."""
    if not record.tried:
        yield record if record.model else structs.replace(record, model=record.asked)
        return
    *before, last = calls(record.tried)
    if record.provider:
        yield structs.replace(record, ms=_own(record, last.ms))
    else:
        yield structs.replace(record, model=last.model, outcome=last.kind, ms=last.ms)
    for one in before:
        yield structs.replace(record, model=one.model, outcome=one.kind, ms=one.ms, cost=None, signal="")


def _own(record: Record, call: int) -> int:
    """A call that streams is timed to its first content, any other to its end."""
    return call if record.first_token_ms is None else record.ms - max(0, record.first_token_ms - call)
