"""Responses in, Responses out: the content passes, and only what must change does.

Of a request: the model, the output bound, what the profile refuses, and items bound to somebody else. Of a stream: the
blobs of items, which get the mark that brings them back to their maker; an event of failure, which the proxy tells in
its own words; and a `[DONE]`, which this dialect has not. Ids pass as they came, so that what is stored at the provider
can be named by them.
"""

from collections.abc import Sequence

import orjson

from translators import sse
from translators.codec import Context
from translators.faults import Fault
from translators.ir import Delta, Event, Json, ReasoningDelta
from translators.openai.text import dumps
from translators.openai_responses.able import shown
from translators.openai_responses.faults import error_event
from translators.openai_responses.fit import BOUND_MIN, Fit
from translators.openai_responses.marks import BOUND, mark_item, own_item
from translators.openai_responses.reader import ResponsesReader
from translators.openai_responses.response import broken, echo, head
from translators.openai_responses.wire import DIALECT, PICTURE, is_minted
from translators.profile import Profile
from translators.report import Report

_BOUND = BOUND.encode()


def relay_request(body: dict[str, Json], profile: Profile, bound: int | None) -> tuple[dict[str, Json], Report]:
    """`body` must have passed `check_envelope`; it is not changed."""
    report = Report()
    out = {**body, "model": profile.model or body["model"]}
    if bound is not None and out.get("max_output_tokens") is None:
        most = bound if profile.max_output is None else min(bound, profile.max_output)
        out["max_output_tokens"] = max(BOUND_MIN, most)
    if isinstance(out.get("input"), list):
        out["input"] = _own(shown(out["input"], profile, report), profile.origin(DIALECT), report)
    Fit(out, profile, report, {}).run()
    return out, report


def _own(items: list[Json], origin: str, report: Report) -> list[Json]:
    """The items that this target may be sent. Where reasoning is left out, so are the ids that tie the rest to it; ids
    made here name nothing anywhere."""
    own = [own_item(item, origin) for item in items]
    bare = False
    for i, (item, kept) in enumerate(zip(items, own, strict=True)):
        if kept is not None:
            continue
        bare = True
        if item.get("type") == "reasoning":
            report.dropped(f"input[{i}]", "reasoning of another provider")
        elif item.get("type") == PICTURE:
            report.dropped(f"input[{i}]", "a picture that a model of another provider made")
        else:
            report.refused(f"input[{i}]", "only the provider that made it can read it")
    return [without_id(item) if bare or is_minted(item.get("id")) else item for item in own if item is not None]


def without_id(item: dict[str, Json]) -> dict[str, Json]:
    """An item by its content alone; one that a provider's own tool made keeps its id, which is all that names it, as
    does reasoning that the provider stores and so gave no blob for."""
    kind = item.get("type", "message")
    if kind not in _NAMELESS or "id" not in item or (kind == "reasoning" and not item.get(BOUND)):
        return item
    return {name: value for name, value in item.items() if name != "id"}


_NAMELESS = ("message", "function_call", "custom_tool_call", "reasoning")


def as_stream(body: dict[str, Json], profile: Profile) -> dict[str, Json] | None:
    """The dialect itself never needs it. An answer that is kept at the provider must keep its id, which a fold does
    not."""
    if not profile.upstream_stream or body.get("store") is not False or body.get("background"):
        return None
    return {**body, "stream": True}


class Relay:
    """A Pipe: upstream events as they came, watched by a reader."""

    __slots__ = ("_context", "_origin", "_reader")

    def __init__(self, profile: Profile, context: Context) -> None:
        self._reader = ResponsesReader(profile)
        self._origin = profile.origin(DIALECT)
        self._context = context

    @property
    def done(self) -> bool:
        return self._reader.done

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        """Raises ProtocolFault as the reader does. An event that tells of a failure gives no bytes."""
        deltas = self._reader.feed(event)
        if self._reader.quiet:
            return deltas, b""
        data = event.data
        return deltas, sse.encode(self._marked(data) if data.find(_BOUND) >= 0 else data, event.name)

    def close(self) -> tuple[Sequence[Delta], bytes]:
        """Raises Truncated."""
        return self._reader.close(), b""

    def fault(self, fault: Fault) -> bytes:
        """The error, and the failed answer by the id that the client knows it by."""
        sequence, started = self._reader.sequence + 1, self._reader.started
        error = error_event(fault, sequence)
        if started is None:
            return error
        known = {"id": started.id, "model": started.model}
        failed = {**head(self._context), **broken(fault, ()), **echo(self._context), **known}
        event = {"type": "response.failed", "response": failed, "sequence_number": sequence + 1}
        return error + sse.encode(dumps(event), "response.failed")

    def shows(self, delta: Delta) -> bool:
        """The client sees everything, thinking included."""
        return delta.commits or isinstance(delta, ReasoningDelta)

    def _marked(self, data: bytes) -> bytes:
        value = orjson.loads(data)
        if isinstance(value.get("item"), dict):
            value["item"] = mark_item(value["item"], self._origin)
        response = value.get("response")
        if isinstance(response, dict) and isinstance(response.get("output"), list):
            response["output"] = [
                mark_item(item, self._origin) if isinstance(item, dict) else item for item in response["output"]
            ]
        return orjson.dumps(value)
