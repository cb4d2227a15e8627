"""Chat in, chat out: the content passes, and only what must change does.

Of a request: the model, the usage option, the output bound, what the profile refuses or renames (the role `developer`
among it), what its messages have no room for (`narrow`), reasoning that is bound to somebody else, and pictures of an
answer that the vendor does not take back. Of a stream: nothing but the chunk of usage alone when the client did not ask
for it, chunks that OpenAI's SDKs would stumble over (`reshape`), and OpenRouter-style reasoning blobs and thought
signatures, which get the mark that brings them back to their maker.
`[DONE]` is written by us, once the answer is known to be whole.
"""

from collections.abc import Mapping, Sequence

import orjson

from translators.codec import Context
from translators.faults import Fault
from translators.ir import Delta, Dialect, Event, Json
from translators.openai.text import END, error_event
from translators.openai_chat.able import shown
from translators.openai_chat.fit import fit
from translators.openai_chat.narrow import narrowed
from translators.openai_chat.offered import fit_tools
from translators.openai_chat.reader import ChatReader
from translators.openai_chat.reasoning import has_blob, marked, own
from translators.openai_chat.reshape import led, reshaped
from translators.openai_chat.signatures import is_signed, mark, own_signatures
from translators.openai_chat.turns import tool_id
from translators.openai_chat.writer import shows
from translators.profile import Profile
from translators.report import Report
from translators.sse import encode

BLOBS = ("reasoning_details", "thinking_blocks")


def relay_request(body: dict[str, Json], profile: Profile, bound: int | None) -> tuple[dict[str, Json], Report]:
    """`body` must have passed `check_envelope`; it is not changed."""
    report = Report()
    out = {**body, "model": profile.model or body["model"]}
    if body.get("stream"):
        _ask_for_usage(out, profile, report)
    if bound is not None or "max_tokens" in out or "max_completion_tokens" in out:
        _bound(out, profile, bound, report)
    _messages(out, profile, report)
    out["messages"] = shown(out["messages"], profile, report)
    if profile.message_fields or not (profile.system_anywhere and profile.prefill):
        out["messages"] = narrowed(out["messages"], profile, report)
    if "tools" in out and (profile.tool_name_max is not None or not profile.free_text_tools):
        fit_tools(out, profile, report)
    fit(out, profile, report)
    return out, report


def as_stream(body: dict[str, Json], profile: Profile) -> dict[str, Json] | None:
    """The dialect itself never needs it. Sound has no delta, and the deprecated `functions` are answered in a form that
    no other dialect has: what asks for them goes as it is."""
    if not profile.upstream_stream or body.get("audio") or body.get("functions"):
        return None
    out = {**body, "stream": True}
    if profile.stream_usage:
        out["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return out


def _ask_for_usage(out: dict[str, Json], profile: Profile, report: Report) -> None:
    options = out.get("stream_options") or {}
    if profile.stream_usage:
        out["stream_options"] = {**options, "include_usage": True}
    elif "include_usage" in options:
        out["stream_options"] = {name: one for name, one in options.items() if name != "include_usage"}
        if not out["stream_options"]:
            del out["stream_options"]
        if options["include_usage"]:
            report.dropped("stream_options.include_usage", "the provider does not take it")


def _bound(out: dict[str, Json], profile: Profile, bound: int | None, report: Report) -> None:
    """The output bound under the name the model takes: the client's, else ours, never above the model's own."""
    field, most = profile.max_tokens_field, profile.max_output
    if out.get("max_completion_tokens") is None and out.get("max_tokens") is None:
        if bound is not None:
            out[field] = bound if most is None or bound < most else most
        return
    given = [name for name in ("max_completion_tokens", "max_tokens") if out.get(name) is not None]
    if len(given) == 1 and given[0] != field and (field == "max_tokens" or given[0] in profile.rejects):
        out[field] = out.pop(given[0])
        given = [field]
    if most is not None:
        for name in given:
            if isinstance(out[name], int) and out[name] > most:
                out[name] = most
                report.clamped(name, f"the model writes at most {most} tokens")


def _messages(out: dict[str, Json], profile: Profile, report: Report) -> None:
    """Copies only the messages that must change, and the list only if one must."""
    changed: dict[int, dict[str, Json]] = {}
    own_ids = profile.tool_ids == "any"
    for i, message in enumerate(out["messages"]):
        role = message["role"]
        if role == "user" and own_ids:
            continue
        said = _said(message, i, profile, report) if role == "assistant" else message
        if role == "developer" and not profile.developer:
            said = {**message, "role": "system"}
        if not own_ids and ("tool_calls" in said or "tool_call_id" in said):
            said = _with_ids(said, profile)
        if said is not message:
            changed[i] = said
    if changed:
        out["messages"] = [changed.get(i, message) for i, message in enumerate(out["messages"])]


def _said(message: dict[str, Json], i: int, profile: Profile, report: Report) -> dict[str, Json]:
    """An assistant's message with what this target may be sent of its reasoning; the message itself where that is all
    of it."""
    if "reasoning_details" in message or "thinking_blocks" in message:
        message = _own_reasoning(message, profile.origin(Dialect.OPENAI_CHAT), i, report)
    if "images" in message and profile.vendor and not profile.pictures_back:
        message = {name: one for name, one in message.items() if name != "images"}
        report.dropped(f"messages[{i}].images", "chat's models take no pictures of their own")
    if is_signed(message):
        message, foreign = own_signatures(message, profile.origin(Dialect.OPENAI_CHAT), profile)
        if foreign:
            report.dropped(f"messages[{i}].extra_content", "bound to another provider")
    if profile.reasoning_replay and message.get("reasoning_content") is None:
        reasoning = message.get("reasoning")
        message = {**message, "reasoning_content": reasoning if isinstance(reasoning, str) else ""}
    return message


def _own_reasoning(message: dict[str, Json], origin: str, i: int, report: Report) -> dict[str, Json]:
    """The message without blobs of others. Text that this proxy put beside such a blob goes too, as strict vendors
    refuse fields they do not know; text that the client brought stays."""
    message = dict(message)
    for field in BLOBS:
        entries = message.get(field)
        if not isinstance(entries, list):
            continue
        kept = own(entries, origin)
        if kept:
            message[field] = kept
        else:
            del message[field]
            if any(isinstance(one, dict) and "origin" in one for one in entries):
                message.pop("reasoning_content", None)
        if sum(map(has_blob, kept)) < sum(map(has_blob, entries)):
            report.dropped(f"messages[{i}].{field}", "bound to another provider")
    return message


def _with_ids(message: dict[str, Json], profile: Profile) -> dict[str, Json]:
    """The ids of calls and results in the form this model takes."""
    message = dict(message)
    if isinstance(message.get("tool_call_id"), str):
        message["tool_call_id"] = tool_id(message["tool_call_id"], profile)
    if isinstance(message.get("tool_calls"), list):
        message["tool_calls"] = [
            {**call, "id": tool_id(call["id"], profile)}
            if isinstance(call, Mapping) and isinstance(call.get("id"), str)
            else call
            for call in message["tool_calls"]
        ]
    return message


class Relay:
    """A Pipe: upstream events as they came, watched by a reader."""

    __slots__ = ("_begun", "_head", "_origin", "_reader", "_usage")

    def __init__(self, profile: Profile, context: Context) -> None:
        self._reader = ChatReader(profile)
        self._usage = context.include_usage
        self._origin = profile.origin(Dialect.OPENAI_CHAT)
        self._begun = False
        self._head = b""
        """A leading chunk without choices."""

    @property
    def done(self) -> bool:
        return self._reader.done

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        """Raises ProtocolFault as the reader does. An event that tells of a failure gives no bytes."""
        reader = self._reader
        deltas = reader.feed(event)
        if reader.quiet or (reader.only_usage and not self._usage):
            return deltas, b""
        data = event.data
        if reader.empty or reader.undelta or self._head:
            if reader.empty and not self._begun:
                self._head = data
                return deltas, b""
            data = self._mended(data, deltas)
        self._begun = True
        return deltas, encode(self._marked(data) if reader.blobs else data, event.name)

    def close(self) -> tuple[Sequence[Delta], bytes]:
        """Raises Truncated."""
        return self._reader.close(), END

    def fault(self, fault: Fault) -> bytes:
        return error_event(fault)

    def shows(self, delta: Delta) -> bool:
        return shows(delta)

    def _mended(self, data: bytes, deltas: Sequence[Delta]) -> bytes:
        if self._reader.undelta:
            data = reshaped(data, deltas, self._reader.undelta)
        head, self._head = self._head, b""
        return led(head, data) if head else data

    def _marked(self, data: bytes) -> bytes:
        chunk = orjson.loads(data)
        for choice in chunk["choices"]:
            delta = choice.get("delta") or {}
            if delta.get("reasoning_details"):
                delta["reasoning_details"] = marked(delta["reasoning_details"], self._origin)
            mark(delta, self._origin)
        return orjson.dumps(chunk)
