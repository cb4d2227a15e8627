"""Other providers' thinking in an Anthropic client's history, and which thinking a relayed request may bring.

A client of this dialect keeps thinking blocks and sends them back whole. So what another dialect's model thought is
shown to it as a thinking block whose signature begins with `sidestep.` and carries the form, the maker and the blob;
thinking without text is a `redacted_thinking` block with the same in its `data`. When the block comes back it is taken
apart again, and no Anthropic-dialect provider is ever sent one.

What such a provider signed itself passes as it came, without a mark: a client that keeps its history on disk may go on
with it when no proxy stands in between any more.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast, get_args

from translators.anthropic_messages.wire import DIALECT
from translators.ir import Json, Opaque, Reasoning
from translators.profile import Profile
from translators.remember import Turn
from translators.report import Report

PREFIX = "sidestep."
PLAIN = f"{PREFIX}plain.."
"""The mark of thinking without a blob."""
_THINKING = ("thinking", "redacted_thinking")
_Form = Literal["signature", "redacted", "encrypted"]


def marked(opaque: Opaque | None) -> str:
    """What stands for a signature."""
    if opaque is None:
        return PLAIN
    origin = base64.urlsafe_b64encode(opaque.origin.encode()).decode()
    return f"{PREFIX}{opaque.form}.{origin}.{opaque.data}"


def unmarked(signature: str) -> Opaque | None:
    """The blob behind a mark; None for thinking without one, and for a mark that is none of ours."""
    _, form, origin, data = (*signature.split(".", 3), "", "", "")[:4]
    if form not in get_args(_Form) or not data:
        return None
    try:
        return Opaque(cast("_Form", form), data, base64.urlsafe_b64decode(origin).decode())
    except (binascii.Error, ValueError):
        return None


def is_native(opaque: Opaque) -> bool:
    """Whether a provider of this dialect made it."""
    return opaque.origin.startswith(f"{DIALECT}|")


def signature(opaque: Opaque | None) -> str:
    """What ends a thinking block with text."""
    return opaque.data if opaque is not None and is_native(opaque) and opaque.form == "signature" else marked(opaque)


def thinking_block(item: Reasoning) -> dict[str, Any] | None:
    """The block for a client; None where there is nothing to show or to bring back."""
    opaque = item.opaque
    if item.text or (opaque is not None and is_native(opaque) and opaque.form == "signature"):
        return {"type": "thinking", "thinking": item.text, "signature": signature(opaque)}
    if opaque is None:
        return None
    return {"type": "redacted_thinking", "data": opaque.data if is_native(opaque) else marked(opaque)}


def earlier_thinking(text: str, blob: Json, form: str) -> Reasoning:
    """A block of a client's history; what no mark tells of has no origin, for the format does not say who signed it."""
    if not isinstance(blob, str) or not blob:
        return Reasoning(text)
    if blob.startswith(PREFIX):
        return Reasoning(text, unmarked(blob))
    return Reasoning(text, Opaque("redacted" if form == "redacted_thinking" else "signature", blob, ""))


# -- relayed requests --------------------------------------------------------------------------------------------


def without_marked(body: dict[str, Json], report: Report) -> dict[str, Json]:
    """The body without other dialects' thinking, which is noted once."""
    return _rid(body, lambda _, block: _is_marked(block), report)


def replayed(body: dict[str, Json], turns: Sequence[Turn | None], profile: Profile, report: Report) -> dict[str, Json]:
    """The body without the thinking that another target is known to have signed, which is noted once: `turns` are those
    of its messages with calls, in order. A client of this dialect keeps its thinking itself, so nothing is put back."""
    places = [at for at, message in enumerate(body["messages"]) if _calls(message)]
    if len(places) != len(turns):
        return body
    own = profile.origin(DIALECT)
    foreign = {at for at, turn in zip(places, turns, strict=True) if turn is not None and turn.origin != own}
    return _rid(body, lambda at, _: at in foreign, report) if foreign else body


def unbound(body: dict[str, Json], profile: Profile) -> dict[str, Json] | None:  # noqa: ARG001 - the Codec's signature
    """The body without any thinking; None where it had none. A loop whose thinking is left out must not be told to
    think by a budget, as its last turn would have to begin with a thinking block."""
    out = _without(body, lambda *_: True)
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") == "enabled" and any(map(_calls, body["messages"])):
        return {name: value for name, value in out.items() if name != "thinking"}
    return None if out is body else out


def _rid(body: dict[str, Json], drops: Callable[[int, dict[str, Json]], bool], report: Report) -> dict[str, Json]:
    """The body without what `drops` names; the first block that goes is noted."""
    rest = _without(body, drops)
    if rest is not body:
        first = next(
            f"messages.{at}.content.{place}"
            for at, message in enumerate(body["messages"])
            for place, block in enumerate(_blocks(message))
            if _is_thinking(block) and drops(at, block)
        )
        report.dropped(first, "thinking is bound to the model that wrote it")
    return rest


def _without(body: dict[str, Json], drops: Callable[[int, dict[str, Json]], bool]) -> dict[str, Json]:
    """The body without the thinking blocks that `drops` names by message and block; an emptied message goes, too. The
    body itself where none are."""
    changed: dict[int, list[Json]] = {}
    for at, message in enumerate(body.get("messages", ())):
        blocks = _blocks(message)
        kept = [block for block in blocks if not (_is_thinking(block) and drops(at, block))]
        if len(kept) < len(blocks):
            changed[at] = kept
    if not changed:
        return body
    messages = [
        {**message, "content": changed[at]} if at in changed else message
        for at, message in enumerate(body["messages"])
        if changed.get(at, True)
    ]
    return {**body, "messages": messages}


def _blocks(message: Json) -> list[Json]:
    content = message.get("content") if isinstance(message, dict) and message.get("role") == "assistant" else None
    return content if isinstance(content, list) else []


def _calls(message: Json) -> bool:
    return any(isinstance(block, dict) and block.get("type") == "tool_use" for block in _blocks(message))


def _is_thinking(block: Json) -> bool:
    return isinstance(block, dict) and block.get("type") in _THINKING


def _is_marked(block: dict[str, Json]) -> bool:
    blob = block.get("signature") or block.get("data")
    return isinstance(blob, str) and blob.startswith(PREFIX)
