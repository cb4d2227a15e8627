"""The response object that this proxy makes of an answer of another dialect.

Every event of its life carries it whole, and strict clients want all of it: beside the answer it repeats what the
client asked for. What a translation does not do is said so: nothing is stored, nothing goes on in the background.
Source: OpenAI's API reference (the response object).
"""

from collections.abc import Mapping, Sequence

from translators.codec import Context
from translators.faults import Fault
from translators.ir import Finish, Image, Json, Opaque, Usage
from translators.openai.answers import TIERS
from translators.openai_responses.faults import failed_error
from translators.openai_responses.marks import BOUND, Rides, marked
from translators.openai_responses.wire import CUT, PICTURE, render_usage

_REPEATED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "prompt_cache_key",
    "safety_identifier",
    "temperature",
    "top_p",
)
"""Fields of a request that an answer repeats, null where they were not given."""

Item = dict[str, Json]


def head(context: Context) -> dict[str, Json]:
    """What opens the object."""
    return {"id": context.id, "object": "response", "created_at": context.created}


def echo(context: Context) -> dict[str, Json]:
    """What does not change while an answer is made."""
    asked = context.echo
    text, reasoning, parallel = asked.get("text"), asked.get("reasoning"), asked.get("parallel_tool_calls")
    return {
        "model": context.model,
        **{name: asked.get(name) for name in _REPEATED},
        "background": False,
        "metadata": asked.get("metadata") or {},
        "parallel_tool_calls": True if parallel is None else parallel,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None, **_given(reasoning)},
        "store": False,
        "text": {"format": {"type": "text"}, **_given(text)},
        "tool_choice": asked.get("tool_choice") or "auto",
        "tools": [_tool(tool) for tool in asked.get("tools") or ()],
        "top_logprobs": asked.get("top_logprobs") or 0,
        "truncation": "disabled",
        **({"user": asked["user"]} if asked.get("user") else {}),
    }


def _given(value: Json) -> dict[str, Json]:
    return {name: one for name, one in value.items() if one is not None} if isinstance(value, Mapping) else {}


def _tool(tool: Json) -> Json:
    """A tool as it is told: of a function, what the request may leave out is not left out here."""
    if isinstance(tool, Mapping) and tool.get("type") == "function":
        return {"description": None, "parameters": None, "strict": None, **tool}
    return tool


def opened(status: str = "in_progress") -> dict[str, Json]:
    """What an answer that has only begun says of its end."""
    return {"status": status, "error": None, "incomplete_details": None, "output": [], "usage": None}


def ended(finish: Finish, output: Sequence[Item], usage: Usage | None, tier: str | None) -> dict[str, Json]:
    reason = CUT.get(finish)
    ending: dict[str, Json] = {
        "status": "completed" if reason is None else "incomplete",
        "error": None,
        "incomplete_details": None if reason is None else {"reason": reason},
        "output": list(output),
        "usage": None if usage is None else render_usage(usage),
    }
    return {**ending, "service_tier": tier} if tier in TIERS else ending


def broken(fault: Fault, output: Sequence[Item]) -> dict[str, Json]:
    return {**opened("failed"), "error": failed_error(fault), "output": list(output)}


# -- items -------------------------------------------------------------------------------------------------------


def message(identifier: str, content: Sequence[Json], status: str) -> Item:
    return {"id": identifier, "type": "message", "status": status, "role": "assistant", "content": list(content)}


def output_text(text: str, annotations: Sequence[Json] = (), logprobs: Sequence[Json] = ()) -> Item:
    return {"type": "output_text", "annotations": list(annotations), "logprobs": list(logprobs), "text": text}


def refusal(text: str) -> Item:
    return {"type": "refusal", "refusal": text}


def summary_text(text: str) -> Item:
    return {"type": "summary_text", "text": text}


def reasoning(identifier: str, text: str, opaque: Opaque | None, rides: Rides = "") -> Item:
    """Thinking is told as a summary, which is what clients of this dialect look for."""
    item: Item = {"id": identifier, "type": "reasoning", "summary": [summary_text(text)] if text else []}
    return item if opaque is None else {**item, BOUND: marked(opaque, rides)}


def picture(identifier: str, image: Image) -> Item:
    """A picture that the model made, told as what OpenAI's own tool for that gives."""
    return {
        "id": identifier,
        "type": PICTURE,
        "status": "completed",
        "result": image.data,
        "output_format": image.media_type.rpartition("/")[2],
    }


def call(identifier: str, call_id: str, name: str, arguments: str, status: str) -> Item:
    return {
        "id": identifier,
        "type": "function_call",
        "status": status,
        "arguments": arguments,
        "call_id": call_id,
        "name": name,
    }


def custom_call(identifier: str, call_id: str, name: str, text: str, status: str) -> Item:
    return {
        "id": identifier,
        "type": "custom_tool_call",
        "status": status,
        "call_id": call_id,
        "input": text,
        "name": name,
    }
