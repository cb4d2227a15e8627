"""What both directions of the Messages format share: names, counts and the small conversions between them.

Source: Anthropic's Messages API reference (usage, stop reasons). Anthropic counts cached input beside `input_tokens`,
the neutral form counts it inside; a stream's counts are cumulative, so the last one said wins and an explicit zero
counts as said.
"""

import re

import orjson
from msgspec import Struct

from translators.counts import Count, whole
from translators.ir import Dialect, Finish, Json, Usage
from translators.profile import Profile
from translators.usage import priced

DIALECT = Dialect.ANTHROPIC_MESSAGES
DEPTH = 200
"""Nesting from which on the encoder is asked; it writes a little over 250 levels, the body's own included."""
DECLINED = "The model declined to answer."
"""Said for a refusal that came without an explanation."""

PAUSE = "pause_turn"

FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    PAUSE: Finish.STOP,
    "compaction": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "refusal": Finish.CONTENT_FILTER,
}
"""Stop reason -> finish; one not listed is a stop."""

STOP_REASONS = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.CONTENT_FILTER: "refusal",
}

_STOP = Finish.STOP  # a member looked up in its class costs as much as a call

SERVICE_TIERS = {"standard": "default"}
"""Anthropic's word for the tier that served -> OpenAI's, where they differ."""
_TOLD_TIERS = {"default": "standard", "priority": "priority", "fast": "priority", "batch": "batch"}


def finish_of(stop_reason: str, profile: Profile) -> Finish:
    """A pause is the end for a client that goes on by itself; one whom the proxy should have spared it sees a cut."""
    if stop_reason == PAUSE and profile.hosted_tools:
        return Finish.LENGTH
    return FINISHES.get(stop_reason, _STOP)


def stop_reason_of(finish: Finish, stop_sequence: str | None, *, refused: bool) -> str:
    """`refused` says whether the answer holds a refusal: some dialects end such a one as any other."""
    if refused and finish is Finish.STOP:
        return "refusal"
    return "stop_sequence" if stop_sequence is not None and finish is Finish.STOP else STOP_REASONS[finish]


# -- tools -------------------------------------------------------------------------------------------------------

NAMES = "anthropic's names of tools are 1 to 64 letters, digits, underscores and hyphens"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNNAMABLE = re.compile(r"[^A-Za-z0-9_-]")


def is_tool_name(name: str) -> bool:
    """Whether a tool may have this name."""
    return _NAME.fullmatch(name) is not None


def tool_name(name: str) -> str:
    """The nearest name that a tool may have."""
    return _UNNAMABLE.sub("_", name)[:64] or "_"


# -- tool arguments ----------------------------------------------------------------------------------------------


def as_input(arguments: str) -> tuple[dict[str, Json], str | None]:
    """A tool call's JSON text as the object Anthropic wants, and what was wrong with it (None when nothing was).

    No text is no arguments. Text that is no JSON, or too deep to be written again as part of a body, is kept under
    `_raw`, a value that is no object under `value`.
    """
    if not arguments.strip():
        return {}, None
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return {"_raw": arguments}, "not JSON"
    if _too_deep(arguments, value):
        return {"_raw": arguments}, "nested too deeply"
    if isinstance(value, dict):
        return value, None
    return {"value": value}, "not an object"


def _too_deep(text: str, value: Json) -> bool:
    """Whether the encoder would refuse the value; asked only where there are enough brackets."""
    if text.count("{") + text.count("[") < DEPTH:
        return False
    try:
        orjson.dumps([[[[[[[[value]]]]]]]])
    except TypeError:
        return True
    return False


def free_text(arguments: str) -> str:
    """The text a custom tool was called with, out of the `{"input": ...}` it was wrapped in."""
    value = as_input(arguments)[0]
    text = value.get("input")
    return text if isinstance(text, str) and len(value) == 1 else arguments


# -- usage -------------------------------------------------------------------------------------------------------


class OutputDetails(Struct):
    thinking_tokens: Count = None


class CacheCreation(Struct):
    ephemeral_1h_input_tokens: Count = None


class ToolUse(Struct):
    web_search_requests: Count = None


class WireUsage(Struct):
    """`usage` of a message, of `message_start` and of `message_delta`."""

    input_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_read_input_tokens: Count = None
    output_tokens: Count = None
    output_tokens_details: OutputDetails | None = None
    service_tier: Json = None
    cache_creation: CacheCreation | None = None
    speed: Json = None
    server_tool_use: ToolUse | None = None

    def update(self, later: "WireUsage") -> None:
        """Takes over every count that `later` states."""
        for field in self.__struct_fields__:
            value = getattr(later, field)
            if value is not None:
                setattr(self, field, value)

    def neutral(self) -> Usage | None:
        """None when neither input nor output was counted."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        read, written = whole(self.cache_read_input_tokens), whole(self.cache_creation_input_tokens)
        details, created, used = self.output_tokens_details, self.cache_creation, self.server_tool_use
        return Usage(
            input=(whole(self.input_tokens) or 0) + (read or 0) + (written or 0),
            output=whole(self.output_tokens) or 0,
            cached=read,
            cache_write=written,
            reasoning=None if details is None else whole(details.thinking_tokens),
            cache_write_1h=None if created is None else whole(created.ephemeral_1h_input_tokens),
            tier=priced(self.speed),
            searches=None if used is None else whole(used.web_search_requests),
        )

    def tier(self) -> str | None:
        tier = self.service_tier
        return SERVICE_TIERS.get(tier, tier) if isinstance(tier, str) else None


def wire_usage(usage: Usage | None, tier: str | None = None) -> dict[str, Json]:
    """Neutral counts in Anthropic's terms, all zero when there are none, with the tier where it has a word for it."""
    told = _TOLD_TIERS.get(tier or "")
    return {**_counts(usage), "service_tier": told} if told else _counts(usage)


def _counts(usage: Usage | None) -> dict[str, Json]:
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    read, written = usage.cached or 0, usage.cache_write or 0
    said: dict[str, Json] = {
        "input_tokens": max(0, usage.input - read - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output,
    }
    if usage.cache_write_1h is not None:
        said["cache_creation"] = {
            "ephemeral_5m_input_tokens": max(0, written - usage.cache_write_1h),
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.searches:  # both counts are required; pages that a provider fetches are billed as nothing but tokens
        said["server_tool_use"] = {"web_search_requests": usage.searches, "web_fetch_requests": 0}
    if usage.tier == "fast":
        said["speed"] = usage.tier
    if usage.reasoning is not None:
        said["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return said
