"""What of a conversation that passes as it came a server of the same dialect refuses, though another took it.

OpenAI's clients send back what an answer had (`refusal: null`, `annotations`, the `reasoning_content` of DeepSeek), and
some vendors answer a 400 to any field they do not know: those they do know are in `message_fields`. What says something
is said in another way where there is one (a name before the text), and noted; what is empty goes without a word. Later
system messages and an answer begun by the client are not for every chat template either. Sources: the vendors' API
references, and the 400s and 422s that their users report.
"""

from collections.abc import Sequence

from translators.ir import Json
from translators.openai.markers import FIELD as BREAKPOINT
from translators.profile import Profile
from translators.report import Report

Message = dict[str, Json]

GO_ON = "Continue."
NO_PREFILL = "the model takes no assistant message at the end"
LATE = "a system message in the middle is told by the user"
_MARKERS = (BREAKPOINT, "cache_control")
_THOUGHT = frozenset(("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks"))
_CALL = frozenset(("id", "type", "function", "custom", "index", "extra_content"))
_EMPTY: tuple[Json, ...] = (None, "", [], {})


def narrowed(messages: list[Json], profile: Profile, report: Report) -> list[Json]:
    """The messages as `profile`'s target takes them; the same list where it takes all. Those that change are copied."""
    narrowing = _Narrowing(profile, report)
    out = [narrowing.message(message, i) for i, message in enumerate(messages)]
    if not profile.prefill and begins_answer(messages):
        report.refused(f"messages[{len(messages) - 1}]", NO_PREFILL)
        out.append({"role": "user", "content": GO_ON})
    elif all(one is other for one, other in zip(out, messages, strict=True)):
        return messages
    return out


def begins_answer(messages: Sequence[Message]) -> bool:
    """Whether the last message is the assistant's, to be gone on with, and does not say so in Mistral's own way."""
    last = messages[-1]
    return last["role"] == "assistant" and not last.get("tool_calls") and not last.get("prefix")


class _Narrowing:
    def __init__(self, profile: Profile, report: Report) -> None:
        self._fields = profile.message_fields
        self._system_anywhere = profile.system_anywhere
        self._report = report
        self._replied = False
        """Whether a turn was taken: a system message from here on stands in the middle."""
        self._told: set[str] = set()
        """What every turn may have, and is told of once."""

    def message(self, message: Message, i: int) -> Message:
        system = message["role"] in ("system", "developer")
        self._replied = self._replied or not system
        if system and self._replied and not self._system_anywhere:
            self._report.approximated(f"messages[{i}].role", LATE)
            message = {**message, "role": "user", "content": _as_told(message.get("content"))}
        if not self._fields:
            return message
        if not message.keys() <= self._fields:
            message = self._known(message, i)
        if isinstance(message.get("content"), list):
            message = self._unmarked(message, i)
        calls = message.get("tool_calls")
        if isinstance(calls, list) and not all(isinstance(call, dict) and call.keys() <= _CALL for call in calls):
            message = {**message, "tool_calls": [_call(call) for call in calls]}
        return message

    def _known(self, message: Message, i: int) -> Message:
        """The message without the fields that are not known."""
        known = {name: value for name, value in message.items() if name in self._fields}
        for name, value in message.items():
            if name in known or value in _EMPTY:
                continue
            if name == "name" and isinstance(value, str):
                if message["role"] != "tool":
                    known["content"] = _led(f"{value}: ", known.get("content"))
                    self._report.approximated(f"messages[{i}].name", "said as a prefix of the text")
            elif name == "refusal" and isinstance(value, str) and not known.get("content"):
                known["content"] = value
                self._report.approximated(f"messages[{i}].refusal", "sent as plain text")
            elif name in _THOUGHT:
                self._once("reasoning", f"messages[{i}].{name}", "reasoning of another provider")
            elif name in _MARKERS:
                self._once("marker", f"messages[{i}].{name}", "the model takes no cache markers")
            else:
                self._report.dropped(f"messages[{i}].{name}", "the provider's messages have no such field")
        if known["role"] == "assistant" and "content" not in known and "tool_calls" not in known:
            known["content"] = ""
        return known

    def _unmarked(self, message: Message, i: int) -> Message:
        """The message with parts that bear no cache markers, nor a refusal that is a part of its own."""
        parts = [self._part(part, f"messages[{i}].content[{j}]") for j, part in enumerate(message["content"])]
        same = all(one is other for one, other in zip(parts, message["content"], strict=True))
        return message if same else {**message, "content": parts}

    def _part(self, part: Json, path: str) -> Json:
        if not isinstance(part, dict):
            return part
        if part.get("type") == "refusal":
            self._report.approximated(path, "sent as plain text")
            return {"type": "text", "text": part.get("refusal")}
        found = next((name for name in _MARKERS if name in part), None)
        if found is None:
            return part
        self._once("marker", f"{path}.{found}", "the model takes no cache markers")
        return {name: value for name, value in part.items() if name not in _MARKERS}

    def _once(self, kind: str, path: str, why: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self._report.dropped(path, why)


def _call(call: Json) -> Json:
    return {name: value for name, value in call.items() if name in _CALL} if isinstance(call, dict) else call


def _led(lead: str, content: Json) -> Json:
    """A content with words before it."""
    if isinstance(content, list):
        return [{"type": "text", "text": lead}, *content]
    return lead + content if isinstance(content, str) else lead


def _as_told(content: Json) -> str:
    """What the system said, as words of the user's."""
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return f"<system>{''.join(text for text in texts if isinstance(text, str))}</system>"
