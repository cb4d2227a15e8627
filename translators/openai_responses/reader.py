"""Events of a Responses stream as deltas, and whole answers by the same steps.

All message items are one choice. A message whose phase is `commentary` is what the model says on its way, and counts as
reasoning. Items that a provider's own tools made have no neutral word and are kept whole.

What servers do differently, and what comes of it:
- Text or arguments without deltas are told when they are known (see `output`). Empty deltas say nothing.
- Events without an `event:` line are known by their type; `[DONE]` at the end is passed over.
- A failure comes as an `error` event, as a failed response, or as both; the first one counts.
"""

from collections.abc import Callable, Sequence

from translators.faults import Fault, ProtocolFault, Truncated
from translators.ir import Delta, Ended, Event, Failed, Json, Started, Usage, Used
from translators.openai.answers import decode, passed_over
from translators.openai_responses.faults import classify
from translators.openai_responses.output import Output
from translators.openai_responses.wire import (
    DONE,
    EVENT,
    WireEvent,
    WireResponse,
    guessed,
    read_finish,
    read_usage,
    searched,
)
from translators.profile import Profile


class ResponsesReader:
    """Upstream events in, deltas out. `quiet` says of the last event that a client need not see it; `started` and
    `sequence` are what an event of failure must fit."""

    __slots__ = ("_failed", "_output", "done", "quiet", "sequence", "started")

    def __init__(self, profile: Profile) -> None:
        self._output = Output(profile)
        self._failed = False
        self.started: Started | None = None
        self.sequence = -1
        self.done = False
        self.quiet = False

    def feed(self, event: Event) -> Sequence[Delta]:
        """Raises ProtocolFault on what is no event of this dialect."""
        data = event.data
        self.quiet = False
        if data == DONE or not data or self.done or self._failed:
            self.quiet = True
            return ()
        wire = decode(data, EVENT, "an event of its stream")
        if type(wire.sequence_number) is int:
            self.sequence = wire.sequence_number
        kind = wire.type or event.name
        if kind == "response.output_text.delta" and not wire.logprobs:
            said = self._output.words(wire.output_index, wire.content_index, wire.delta)
            if said is not None:  # as nearly always
                return (said,)
        deltas: list[Delta] = []
        read = _READ.get(kind)
        if read is None:
            self._rare(kind, wire, deltas)
        else:
            read(self._output, wire, deltas)
        return deltas

    def whole(self, response: WireResponse) -> Sequence[Delta]:
        """Deltas of a whole answer. Raises ProtocolFault for one that is not finished."""
        deltas: list[Delta] = []
        if response.status not in _ENDED:
            raise ProtocolFault("its answer is not finished")
        self._begin(response, deltas)
        self._end(response, deltas)
        return deltas

    def close(self) -> Sequence[Delta]:
        """Raises Truncated unless the answer's last event was seen."""
        if not self.done:
            raise Truncated("it ended its stream before its answer was finished")
        return ()

    def _rare(self, kind: str, wire: WireEvent, deltas: list[Delta]) -> None:
        """The answer's life."""
        response = wire.response
        if kind in _LAST:
            if response is None:
                raise ProtocolFault("the last event of its stream has no answer")
            if response.status not in _ENDED:
                response.status = kind.removeprefix("response.")
            self._begin(response, deltas)
            self._end(response, deltas)
        elif kind in _LIFE and response is not None:
            self._begin(response, deltas)
        elif kind == "error":
            flat = {"code": wire.code, "message": wire.message, "param": wire.param}
            self._fail(classify(wire.error or flat), deltas)
        elif kind not in _FRAMES and not _hosted(kind):
            deltas.append(passed_over(kind or "event", "an event that is not known"))

    def _begin(self, response: WireResponse, deltas: list[Delta]) -> None:
        if self.started is None:
            tier = response.service_tier
            self.started = Started(response.id or "", response.model or "", tier if isinstance(tier, str) else None)
            deltas.append(self.started)

    def _end(self, response: WireResponse, deltas: list[Delta]) -> None:
        fault, counted = fault_of(response), usage_of(response)
        if fault is None:
            self._output.rest(response.output or [], deltas)
        if counted is not None:
            deltas.append(Used(counted))
        if fault is not None:
            self._fail(fault, deltas)
            return
        lost = guessed(response)
        if lost is not None:
            deltas.append(lost)
        deltas.append(Ended(read_finish(response, called=self._output.calls > 0)))
        self.done = True

    def _fail(self, fault: Fault, deltas: list[Delta]) -> None:
        self._failed = True
        self.quiet = True
        deltas.append(Failed(fault))


def fault_of(response: WireResponse) -> Fault | None:
    """What a whole answer that failed says of it; None for one that did not."""
    if response.error or response.status in ("failed", "cancelled"):
        return classify(response.error or {"message": f"its answer was {response.status}"})
    return None


def usage_of(response: WireResponse) -> Usage | None:
    """What a whole answer says of its counts, failed or not."""
    if response.usage is None:
        return None
    items = response.output or []
    searches = sum(searched(item.get("type"), item.get("action")) for item in items if isinstance(item, dict))
    return read_usage(response.usage, response.service_tier, searches or None)


# -- events of items ---------------------------------------------------------------------------------------------


def _added(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    if isinstance(wire.item, dict):
        output.add(wire.output_index, wire.item, deltas)
    else:
        deltas.append(passed_over("item", "an item without content"))


def _finished(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    if isinstance(wire.item, dict):
        output.close(wire.output_index, wire.item, deltas)
    else:
        deltas.append(passed_over("item", "an item without content"))


def _text(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    item = output.item(wire.output_index, "message")
    if wire.delta:
        output.tell(item, _index(wire.content_index), _string(wire.delta), deltas, wire.logprobs)


def _text_done(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    item = output.item(wire.output_index, "message")
    output.say(item, _index(wire.content_index), _string(wire.text or ""), deltas, wire.logprobs)


def _refusal(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    item = output.item(wire.output_index, "message")
    if wire.delta:
        output.tell(item, _index(wire.content_index), _string(wire.delta), deltas, refuses=True)


def _refusal_done(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    item = output.item(wire.output_index, "message")
    output.say(item, _index(wire.content_index), _string(wire.refusal or ""), deltas, refuses=True)


def _noted(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    output.note(output.item(wire.output_index, "message"), _index(wire.content_index), wire.annotation, deltas)


def _thought(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    """Reasoning text of its own, or of a part of its summary."""
    item = output.item(wire.output_index, "reasoning")
    if wire.delta:
        output.tell(item, _thread(wire), _string(wire.delta), deltas)


def _thought_done(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    output.say(output.item(wire.output_index, "reasoning"), _thread(wire), _string(wire.text or ""), deltas)


def _arguments(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    item = output.item(wire.output_index, "function_call")
    if wire.delta:
        output.tell(item, 0, _string(wire.delta), deltas)


def _arguments_done(output: Output, wire: WireEvent, deltas: list[Delta]) -> None:
    """Of a call that began; those of another come with the finished item."""
    item = output.item(wire.output_index, "function_call")
    if item.call >= 0:
        output.say(item, 0, _string(wire.input or wire.arguments or ""), deltas)


def _index(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _thread(wire: WireEvent) -> int:
    """The part of a reasoning item that an event speaks of; those of its summary count downwards from -1."""
    return _index(wire.content_index) if wire.summary_index is None else -1 - _index(wire.summary_index)


def _string(value: Json) -> str:
    if isinstance(value, str):
        return value
    raise ProtocolFault("an event of its stream has a field of the wrong type")


_LIFE = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDED = frozenset({"completed", "incomplete", "failed", "cancelled"})
_LAST = frozenset(f"response.{status}" for status in _ENDED)
_FRAMES = _LIFE | {
    "response.content_part.added",
    "response.content_part.done",
    "response.reasoning_part.added",
    "response.reasoning_part.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "keepalive",
    "ping",
}
"""Events that say nothing that others do not."""


def _hosted(kind: str) -> bool:
    """Whether an event tells of a tool of the provider's own at work; its item comes whole."""
    return kind.startswith("response.") and ("_call" in kind or "mcp_list_tools" in kind)


_READ: dict[str, Callable[[Output, WireEvent, list[Delta]], None]] = {
    "response.output_item.added": _added,
    "response.output_item.done": _finished,
    "response.output_text.delta": _text,
    "response.output_text.done": _text_done,
    "response.output_text.annotation.added": _noted,
    "response.refusal.delta": _refusal,
    "response.refusal.done": _refusal_done,
    "response.reasoning_text.delta": _thought,
    "response.reasoning_text.done": _thought_done,
    "response.reasoning_summary_text.delta": _thought,
    "response.reasoning_summary_text.done": _thought_done,
    "response.function_call_arguments.delta": _arguments,
    "response.function_call_arguments.done": _arguments_done,
    "response.custom_tool_call_input.delta": _arguments,
    "response.custom_tool_call_input.done": _arguments_done,
}
