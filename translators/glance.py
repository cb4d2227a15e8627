"""Whether a body is worth reading for what `translators.remember` cares for, told at a glance."""

import re
from collections.abc import Mapping

from translators.ir import Json

_BOUND = re.compile(
    rb'"(?:signature|redacted_thinking|encrypted_content|thought_?[sS]ignature|'
    rb'reasoning(?:_content|_details)?"\s*:\s*["[{])'
)


def may_bind(body: bytes) -> bool:
    """Whether a relayed answer is worth reading for what must be kept of it; rarely wrong, and then only slower."""
    return _BOUND.search(body) is not None


def shows_origin(body: Mapping[str, Json]) -> bool:
    """Whether a request, as its client wrote it, ends in results of calls and may say where its last turn came from:
    a glance, so that other requests need not be read."""
    turns = body.get("messages") or body.get("input")
    if not isinstance(turns, list) or not turns or not isinstance(turns[-1], dict):
        return False
    return _answers(turns[-1]) and any(isinstance(turn, dict) and _is_marked(turn) for turn in turns[-LOOK_BACK:])


LOOK_BACK = 32
"""Turns at the end of a request among which its last calls are looked for."""


def _answers(turn: dict[str, Json]) -> bool:
    content = turn.get("content")
    blocks = content if isinstance(content, list) else ()
    return (
        turn.get("role") == "tool"
        or str(turn.get("type")).endswith("_call_output")
        or any(isinstance(block, dict) and block.get("type") == "tool_result" for block in blocks)
    )


def _is_marked(turn: dict[str, Json]) -> bool:
    content, calls = turn.get("content"), turn.get("tool_calls")
    blocks = content if isinstance(content, list) else ()
    return (
        "reasoning_details" in turn
        or turn.get("type") == "reasoning"
        or any(isinstance(block, dict) and "thinking" in str(block.get("type")) for block in blocks)
        or any(isinstance(c, dict) and "extra_content" in c for c in (calls if isinstance(calls, list) else ()))
    )
