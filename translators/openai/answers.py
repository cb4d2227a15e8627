"""Counts of tokens and reasons to finish, as OpenAI and those compatible with it tell them; and answers as JSON.

From OpenAI's API reference (completion usage) with the vendors' additions.
"""

import json
import re
from typing import TypeVar

import msgspec
from msgspec import Struct

from translators.counts import Count, uncounted, whole
from translators.faults import ProtocolFault
from translators.ir import Finish, Json, Lost, Usage
from translators.profile import Profile
from translators.usage import priced

TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
"""Service tiers that OpenAI's answers tell."""
SERVED = TIERS - {"auto"}
"""Those of them that say how a request was served, rather than what was asked."""
_T = TypeVar("_T")


class WireDetails(Struct, gc=False):
    cached_tokens: Count = None
    cache_write_tokens: Count = None
    reasoning_tokens: Count = None
    audio_tokens: Count = None


class WireUsage(Struct, gc=False):
    prompt_tokens: Count = None
    completion_tokens: Count = None
    prompt_tokens_details: WireDetails | None = None
    completion_tokens_details: WireDetails | None = None
    prompt_cache_hit_tokens: Count = None
    """DeepSeek's cached tokens."""
    num_cached_tokens: Count = None
    """Mistral's."""
    reasoning_tokens: Count = None
    """DeepSeek's on Azure AI Foundry."""


def decode(data: bytes, decoder: "msgspec.json.Decoder[_T]", what: str) -> _T:
    """`data` by `decoder`. Raises ProtocolFault, saying that `what` is not what it should be.

    Half a surrogate pair is no character, and no dialect's writer could pass it on. It can only stand in an escape, so
    only an answer that has one of that range is parsed twice. A refused text gets a second look from the tolerant
    parser of the standard library: some servers write NaN. What is skipped is not looked at by either, so that it is
    UTF-8 is seen to first: it may be passed on.
    """
    try:
        if not data.isascii():
            data.decode()
        if ESCAPE in data and b"\\u" in data and _SURROGATE.search(data) and not _in_pairs(data):
            raise ProtocolFault(f"{what} has half a character, an unpaired surrogate")
        return decoder.decode(data)
    except msgspec.ValidationError:
        read = uncounted(data, decoder.decode)
        if read is None:
            raise ProtocolFault(f"{what} has a field of the wrong type") from None
        return read
    except UnicodeDecodeError:
        raise ProtocolFault(f"{what} is not valid UTF-8") from None
    except msgspec.DecodeError:
        pass
    except RecursionError:
        raise ProtocolFault(f"{what} is nested too deeply") from None
    try:
        return msgspec.convert(json.loads(data.decode()), decoder.type)
    except (ValueError, RecursionError, msgspec.ValidationError):
        raise ProtocolFault(f"{what} is no valid JSON") from None


ESCAPE = ord("\\")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _in_pairs(data: bytes) -> bool:
    """Whether every surrogate in a text stands beside its other half; also where the text is no JSON at all."""
    try:
        json.dumps(json.loads(data), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    except ValueError:
        return True
    return True


def read_usage(usage: WireUsage, profile: Profile, tier: Json = None) -> Usage | None:
    """Counts with their one meaning; one of the two totals that is missing is zero. None where both are."""
    if usage.prompt_tokens is None and usage.completion_tokens is None:
        return None
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    entire = whole(usage.prompt_tokens) or 0
    output = whole(usage.completion_tokens) or 0
    written = audio = spoken = cached = reasoning = None
    if prompt is not None:
        cached, written, audio = prompt.cached_tokens, prompt.cache_write_tokens, prompt.audio_tokens
    if completion is not None:
        reasoning, spoken = completion.reasoning_tokens, completion.audio_tokens
    if cached is None:
        told = usage.prompt_cache_hit_tokens
        cached = usage.num_cached_tokens if told is None else told
    if reasoning is None:
        reasoning = usage.reasoning_tokens
    # Each only where it is there: what is not costs as much to ask about.
    cached = cached if cached is None else whole(cached)
    written = written if written is None else whole(written)
    audio = audio if audio is None else whole(audio)
    reasoning = reasoning if reasoning is None else whole(reasoning)
    spoken = spoken if spoken is None else whole(spoken)
    if profile.output_excludes_reasoning:
        output += reasoning or 0
    if cached is not None and cached > entire:
        entire += cached  # a vendor that counts the cached ones apart
    # By place, since names cost as much again: what was written for an hour, nobody here tells.
    served = None if tier is None else priced(tier)
    return Usage(entire, output, cached, written, reasoning, None, audio, spoken, served)


def render_usage(usage: Usage) -> dict[str, Json]:
    rendered: dict[str, Json] = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
    }
    cached, written, audio = usage.cached, usage.cache_write, usage.audio
    if cached is not None or written is not None or audio is not None:
        details = {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio}
        rendered["prompt_tokens_details"] = _given(details)
    reasoning, spoken = usage.reasoning, usage.audio_output
    if reasoning is not None or spoken is not None:
        rendered["completion_tokens_details"] = _given({"reasoning_tokens": reasoning, "audio_tokens": spoken})
    return rendered


def _given(details: dict[str, int | None]) -> dict[str, Json]:
    return {name: count for name, count in details.items() if count is not None}


_STOP, _TOOL_CALLS = Finish.STOP, Finish.TOOL_CALLS  # a member looked up in its class costs as much as a call
FINISHES: dict[str, Finish] = {
    "stop": Finish.STOP,
    "eos": Finish.STOP,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "length": Finish.LENGTH,
    "model_length": Finish.LENGTH,
    "content_filter": Finish.CONTENT_FILTER,
}

FAILED_FINISHES = frozenset({"error", "insufficient_system_resource", "aborted"})
"""Finish reasons that say the answer failed (Mistral and OpenRouter, DeepSeek)."""


def read_finish(reason: str, *, called: bool) -> Finish:
    """What a finish reason means. Vendors say `stop` beside tool calls and `tool_calls` beside none: the calls
    themselves decide. A reason nobody knows counts as a plain stop, which `guessed` tells of."""
    finish = FINISHES.get(reason, _STOP)
    if finish is _STOP or finish is _TOOL_CALLS:
        return _TOOL_CALLS if called else _STOP
    return finish


def guessed(reason: str) -> Lost | None:
    """What to tell of a finish reason that is not known."""
    if reason in FINISHES:
        return None
    return Lost("answer.finish_reason", f"{reason[:40]} is not known, and was told as a plain end", guessed=True)


def passed_over(name: str, why: str) -> Lost:
    """What to tell of something in an answer that nobody here knows, under its own name, e.g. `response.new`."""
    return Lost(f"answer.{name[:60]}", why)
