"""The shape of completions on the wire, as far as anything here reads them, and their log probabilities.

Chat lists one object a token; completions have parallel lists, and the tops as objects of text to probability. What
only one of the two forms has (`bytes`, `text_offset`) is made anew.
"""

from typing import Any

import msgspec
from msgspec import Struct

from translators.ir import Json
from translators.openai.answers import WireUsage


class WireChoice(Struct, gc=False):
    index: int | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: Json = None
    error: Json = None


class WireAnswer(Struct, gc=False):
    """A chunk or a whole answer."""

    id: str | None = None
    model: str | None = None
    choices: list[WireChoice] | None = None
    usage: WireUsage | None = None
    error: Json = None


ANSWER = msgspec.json.Decoder(WireAnswer)


def chat_logprobs(logprobs: Json) -> Json:
    """Completions' probabilities in chat's form, which the neutral form carries; None when there are none."""
    if not isinstance(logprobs, dict) or not isinstance(logprobs.get("tokens"), list):
        return None
    chosen, tops = _list(logprobs, "token_logprobs"), _list(logprobs, "top_logprobs")
    content = []
    for place, token in enumerate(logprobs["tokens"]):
        top = tops[place] if place < len(tops) and isinstance(tops[place], dict) else {}
        likely = [_entry(str(text), value) for text, value in top.items()]
        value = chosen[place] if place < len(chosen) else None
        content.append({**_entry(str(token), value), "top_logprobs": likely})
    return {"content": content, "refusal": None}


def _list(logprobs: dict[str, Any], name: str) -> list[Json]:
    value = logprobs.get(name)
    return value if isinstance(value, list) else []


def _entry(token: str, logprob: Json) -> dict[str, Json]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}


def legacy_logprobs(logprobs: Json, offset: int) -> Json:
    """Chat's probabilities in completions' form; `offset` is how many characters of text came before."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return None
    entries = _entries(content)
    tokens = [str(entry.get("token", "")) for entry in entries]
    offsets: list[int] = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token)
    tops = [
        {str(top.get("token", "")): top.get("logprob") for top in _entries(entry.get("top_logprobs"))}
        for entry in entries
    ]
    return {
        "tokens": tokens,
        "token_logprobs": [entry.get("logprob") for entry in entries],
        "top_logprobs": tops if any(tops) else None,
        "text_offset": offsets,
    }


def _entries(value: Json) -> list[dict[str, Json]]:
    """What of a provider's list can be read."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
