"""What both directions of the Gemini format share: names, counts, marks and the small conversions between them.

Source: Google's Gemini API reference (generateContent, Content, Candidate, UsageMetadata) and its thought signature
page. Gemini counts thinking beside `candidatesTokenCount`, the neutral form counts it inside the output; what its own
tools brought into the prompt counts as input.

A thought signature goes back only to its maker. The format has a place for what a client wants to remember of a part,
`partMetadata`; there the maker's origin stands beside the signature while it is in a client's hands.
"""

import functools
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from translators.counts import Count, count_in, whole
from translators.ir import Dialect, Finish, Json, Opaque, Usage
from translators.usage import priced

DIALECT = Dialect.GEMINI
DEPTH = 200
"""Nesting from which on the encoder is asked; it writes a little over 250 levels, the body's own included."""
ORIGIN = "sidestep_origin"
"""Member of `partMetadata` that names the maker of the part's signature."""
SKIP_SIGNATURE = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""Base64 of `skip_thought_signature_validator`, which Google takes in place of a signature it did not make."""
DECLINED = "The model declined to answer."
"""Said for a blocked answer that came without an explanation."""
MINTED = "gcall_"
"""How ids begin that were made up here for calls that came without one."""

FINISHES: dict[str, Finish] = {
    "STOP": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "MODEL_ARMOR",
            "ESCALATION",
        ),
        Finish.CONTENT_FILTER,
    ),
}
"""Finish reasons that end an answer; one listed nowhere counts as a stop."""

FAILED_FINISHES = frozenset(
    (
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MALFORMED_RESPONSE",
        "OTHER",
        "IMAGE_OTHER",
        "NO_IMAGE",
    )
)
"""Finish reasons that say the answer came to nothing and may come out well if asked for again."""
CONTINUATION = "CONTINUATION"
UNSIGNED_FINISH = "MISSING_THOUGHT_SIGNATURE"
SWITCHED_OFF_FINISH = "PUP_LIMITED_DISABLED"

_NUMBERED = (
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
)
"""Finish reasons by their number from 1, as answers with numbers for names have them."""

FINISH_REASONS = {
    Finish.STOP: "STOP",
    Finish.TOOL_CALLS: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.CONTENT_FILTER: "SAFETY",
}

TIERS = {"standard": "default"}
"""Gemini's word for the tier that served -> OpenAI's, where they differ."""

_OWN_ID = re.compile(r"[A-Za-z0-9]{8}")
"""The form of the ids that Gemini itself gives to calls."""


def finish_reason(value: str | int | None) -> str:
    """The reason's name; empty where there is none yet."""
    if isinstance(value, int):
        return _NUMBERED[value - 1] if 0 < value <= len(_NUMBERED) else ""
    return "" if value is None or value == "FINISH_REASON_UNSPECIFIED" else value


# -- names -------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=512)
def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def camel(value: Mapping[str, Json]) -> dict[str, Json]:
    """The object with its names in camel case: Gemini takes snake case as well."""
    if any("_" in name for name in value):
        return {_camel(name) if "_" in name[1:-1] else name: one for name, one in value.items()}
    return value if isinstance(value, dict) else dict(value)


def is_own_id(call_id: str) -> bool:
    """Whether Gemini gave this id; others are not sent to it, and calls without one match their results by order."""
    return _OWN_ID.fullmatch(call_id) is not None


# -- tool arguments ----------------------------------------------------------------------------------------------


def as_args(arguments: str) -> tuple[dict[str, Json], str | None]:
    """A tool call's JSON text as the object Gemini wants, and what was wrong with it (None when nothing was).

    No text is no arguments. Text that is no JSON, or too deep to be written again as part of a body, is kept under
    `_raw`, a value that is no object under `value`.
    """
    if not arguments.strip():
        return {}, None
    try:
        value = orjson.loads(arguments)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return {"_raw": arguments}, "not JSON"
    if too_deep(arguments, value):
        return {"_raw": arguments}, "nested too deeply"
    if isinstance(value, dict):
        return value, None
    return {"value": value}, "not an object"


def too_deep(text: str, value: Json) -> bool:
    """Whether the encoder would refuse the value; asked only where there are enough brackets."""
    if text.count("{") + text.count("[") < DEPTH:
        return False
    try:
        orjson.dumps([[[[[[[[[[[[value]]]]]]]]]]]])
    except TypeError:
        return True
    return False


def compact(raw: bytes) -> str:
    """JSON without the space between its values, which stay as they were written."""
    return msgspec.json.format(raw, indent=-1).decode()


def written(raw: bytes) -> str:
    """The arguments of a call in an answer as JSON text; an object that came as text is that object."""
    if raw in (b"", b"null"):
        return "{}"
    if raw[:1] == b'"':
        text = msgspec.json.decode(raw, type=str)
        if not text.strip():
            return "{}"
        if as_args(text)[1] is None:
            return compact(text.encode())
    return compact(raw)


def free_text(arguments: str) -> str:
    """The text a custom tool was called with, out of the `{"input": ...}` it was wrapped in."""
    value = as_args(arguments)[0]
    text = value.get("input")
    return text if isinstance(text, str) and len(value) == 1 else arguments


# -- signatures --------------------------------------------------------------------------------------------------


def signed(part: dict[str, Any], opaque: Opaque | None) -> dict[str, Any]:
    """The part of an answer with the blob it bears and the mark that brings it back; blobs of other dialects have no
    place here."""
    if opaque is not None and opaque.form == "signature" and opaque.origin.startswith(f"{DIALECT}|"):
        part["thoughtSignature"] = opaque.data
        part["partMetadata"] = {ORIGIN: opaque.origin}
    return part


def marked(part: dict[str, Any], origin: str) -> dict[str, Any]:
    """A part as it came from `origin`, with the mark if it is signed."""
    if "thoughtSignature" not in part:
        return part
    given = part.get("partMetadata")
    return {**part, "partMetadata": {**(given if isinstance(given, dict) else {}), ORIGIN: origin}}


def mark_of(part: Mapping[str, Json]) -> str:
    """The origin a part is marked with; empty for none."""
    given = part.get("partMetadata")
    origin = given.get(ORIGIN) if isinstance(given, dict) else None
    return origin if isinstance(origin, str) else ""


def unmarked(part: Mapping[str, Json]) -> dict[str, Json]:
    """The part as its maker wrote it."""
    given = part.get("partMetadata")
    if not isinstance(given, dict) or ORIGIN not in given:
        return dict(part)
    rest = {name: value for name, value in given.items() if name != ORIGIN}
    plain = {name: value for name, value in part.items() if name != "partMetadata"}
    return {**plain, "partMetadata": rest} if rest else plain


# -- usage -------------------------------------------------------------------------------------------------------


class WireUsage(Struct, gc=False, rename="camel"):
    """`usageMetadata`. In a stream it is a running total; before the first count it may say other things only."""

    prompt_token_count: Count = None
    candidates_token_count: Count = None
    thoughts_token_count: Count = None
    tool_use_prompt_token_count: Count = None
    cached_content_token_count: Count = None
    service_tier: Json = None
    prompt_tokens_details: Json = None
    candidates_tokens_details: Json = None

    def neutral(self, searches: int = 0) -> Usage | None:
        """None when neither input nor output was counted."""
        if self.prompt_token_count is None and self.candidates_token_count is None:
            return None
        thoughts = whole(self.thoughts_token_count)
        return Usage(
            input=(whole(self.prompt_token_count) or 0) + (whole(self.tool_use_prompt_token_count) or 0),
            output=(whole(self.candidates_token_count) or 0) + (thoughts or 0),
            cached=whole(self.cached_content_token_count),
            reasoning=thoughts,
            audio=_sound(self.prompt_tokens_details),
            audio_output=_sound(self.candidates_tokens_details),
            tier=priced(self.tier()),
            searches=searches or None,
        )

    def tier(self) -> str | None:
        tier = self.service_tier
        return TIERS.get(tier, tier) if isinstance(tier, str) and tier != "unspecified" else None


def _sound(details: Json) -> int | None:
    """The tokens that are sound, where any are told of."""
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict) and one.get("modality") == "AUDIO":
            return count_in(one, "tokenCount")
    return None


def wire_usage(usage: Usage) -> dict[str, Json]:
    """Neutral counts in Gemini's terms; what was written to a cache has no word of its own there."""
    said: dict[str, Json] = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": max(0, usage.output - (usage.reasoning or 0)),
        "totalTokenCount": usage.total,
    }
    if usage.cached is not None:
        said["cachedContentTokenCount"] = usage.cached
    if usage.reasoning is not None:
        said["thoughtsTokenCount"] = usage.reasoning
    for name, entire, sound in (
        ("promptTokensDetails", usage.input, usage.audio),
        ("candidatesTokensDetails", usage.output - (usage.reasoning or 0), usage.audio_output),
    ):
        if sound is not None:
            text = {"modality": "TEXT", "tokenCount": max(0, entire - sound)}
            said[name] = [text, {"modality": "AUDIO", "tokenCount": sound}]
    return said
