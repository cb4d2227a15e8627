"""A relayed chat request that gets back what its client dropped, or is rid of what its target did not accept.

Most clients keep `content` and `tool_calls` of an assistant's message and nothing else. Models that must be given their
own reasoning back (DeepSeek's `reasoning_content`, OpenRouter's details, Google's thought signatures) get it here from
the turns that were kept, in the fields they wrote it in; fields that the client did keep stay its own.
"""

from collections.abc import Callable, Sequence

from translators.ir import Dialect, Json, Reasoning
from translators.openai_chat.reasoning import has_blob, render_blocks
from translators.openai_chat.signatures import FIELD, VENDOR, render_signature
from translators.profile import Profile
from translators.remember import Called, Said, Turn
from translators.report import Report

REASONING = ("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks")
UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""What Google takes for a signature on calls of another model: its documented word for that, in base64."""

_Message = dict[str, Json]


def replayed(
    body: dict[str, Json],
    turns: Sequence[Turn | None],
    profile: Profile,
    report: Report,  # noqa: ARG001 - the Codec's signature
) -> dict[str, Json]:
    """The body with what this target itself said in `turns`, those of its messages with calls, in order. What another
    target said is left to `relay_request`, which takes it out and notes it: in this dialect, blobs bear marks."""
    origin = profile.origin(Dialect.OPENAI_CHAT)
    places = [at for at, message in enumerate(body["messages"]) if _calls(message)]
    if len(places) != len(turns):
        return body
    found = {at: turn for at, turn in zip(places, turns, strict=True) if turn is not None and turn.origin == origin}
    return _changed(body, lambda at, message: _restored(message, found[at], profile) if at in found else message)


def unbound(body: dict[str, Json], profile: Profile) -> dict[str, Json] | None:
    """The body without provider-bound reasoning; None where it had none. Google's models are told that the first call
    of each turn has no signature."""
    unsigned = profile.vendor == VENDOR
    out = _changed(body, lambda _, message: _stripped(message, unsigned=unsigned))
    return None if out is body else out


def _changed(body: dict[str, Json], change: Callable[[int, _Message], _Message]) -> dict[str, Json]:
    """The body with its assistant's messages changed; the body itself where none is."""
    old = body["messages"]
    new = [change(at, one) if one.get("role") == "assistant" else one for at, one in enumerate(old)]
    same = all(one is other for one, other in zip(old, new, strict=True))
    return body if same else {**body, "messages": new}


def _calls(message: _Message) -> list[Json]:
    calls = message.get("tool_calls")
    return calls if isinstance(calls, list) else []


def _restored(message: _Message, turn: Turn, profile: Profile) -> _Message:
    fields: dict[str, Json] = {}
    blocks = [step for step in turn.steps if isinstance(step, Reasoning)]
    if blocks and not any(message.get(name) for name in REASONING):
        fields = render_blocks(blocks)
        if not any(map(has_blob, fields["reasoning_details"])):
            fields = {"reasoning_content": fields["reasoning_content"]} if profile.reasoning_replay else {}
    signatures = [step.opaque for step in turn.steps if isinstance(step, Said) and step.opaque is not None]
    if signatures and FIELD not in message:
        fields[FIELD] = render_signature(signatures[-1], marked=True)
    called = [step.opaque for step in turn.steps if isinstance(step, Called)]
    if any(called):
        fields["tool_calls"] = [
            call if opaque is None or FIELD in call else {**call, FIELD: render_signature(opaque, marked=True)}
            for call, opaque in zip(_calls(message), called, strict=True)
        ]
    return {**message, **fields} if fields else message


def _stripped(message: _Message, *, unsigned: bool) -> _Message:
    calls = _calls(message)
    signed = FIELD in message or any(isinstance(call, dict) and FIELD in call for call in calls)
    if not (
        signed or (unsigned and calls) or any(name in message for name in ("reasoning_details", "thinking_blocks"))
    ):
        return message
    out = {name: one for name, one in message.items() if name not in (FIELD, "reasoning_details", "thinking_blocks")}
    if calls:
        out["tool_calls"] = [
            {name: one for name, one in call.items() if name != FIELD} if isinstance(call, dict) else call
            for call in calls
        ]
        if unsigned and isinstance(calls[0], dict):
            out["tool_calls"][0][FIELD] = {"google": {"thought_signature": UNSIGNED}}
    return out
