"""The shape of Responses answers and events on the wire, and the small values both directions share.

From OpenAI's API reference (the response object, streaming events), with what compatible servers do: events without an
`event:` line, errors nested in `error` or flat, counts that are missing. Fields that are not named here are skipped
without being built; what an event or an item holds is looked at by its kind only, so that tomorrow's kinds pass.

In the neutral form citations and probabilities have the chat dialect's shape: here they are flat, and the offsets of a
citation count from its own part.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from translators.counts import Count, whole
from translators.ir import Dialect, Finish, Json, Lost, Usage
from translators.usage import priced

DIALECT = Dialect.OPENAI_RESPONSES
DONE = b"[DONE]"
PICTURE = "image_generation_call"
"""Kind of an item that is a picture which the model made."""


class WireDetails(Struct, gc=False):
    cached_tokens: Count = None
    cache_write_tokens: Count = None
    reasoning_tokens: Count = None


class WireUsage(Struct, gc=False):
    input_tokens: Count = None
    input_tokens_details: WireDetails | None = None
    output_tokens: Count = None
    output_tokens_details: WireDetails | None = None


class WireResponse(Struct, gc=False):
    """A whole answer, and what every event of its life carries of it."""

    id: str | None = None
    object: Json = None
    model: str | None = None
    status: str | None = None
    error: Json = None
    incomplete_details: Json = None
    output: list[Json] | None = None
    usage: WireUsage | None = None
    service_tier: Json = None


class WireEvent(Struct, gc=False):
    """Any event: the fields of those that mean something here."""

    type: str = ""
    sequence_number: Json = None
    response: WireResponse | None = None
    output_index: Json = None
    content_index: Json = None
    summary_index: Json = None
    item: Json = None
    delta: Json = None
    logprobs: Json = None
    text: Json = None
    refusal: Json = None
    arguments: Json = None
    input: Json = None
    annotation: Json = None
    error: Json = None
    code: Json = None
    message: Json = None
    param: Json = None


EVENT = msgspec.json.Decoder(WireEvent)
RESPONSE = msgspec.json.Decoder(WireResponse)

_NO_DETAILS = WireDetails()


# -- counts and ends -----------------------------------------------------------------------------------------------


def read_usage(usage: WireUsage, tier: Json = None, searches: int | None = None) -> Usage | None:
    """Counts with their one meaning; one of the two totals that is missing is zero. None where both are."""
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    said, made = usage.input_tokens_details or _NO_DETAILS, usage.output_tokens_details or _NO_DETAILS
    return Usage(
        input=whole(usage.input_tokens) or 0,
        output=whole(usage.output_tokens) or 0,
        cached=whole(said.cached_tokens),
        cache_write=whole(said.cache_write_tokens),
        reasoning=whole(made.reasoning_tokens),
        tier=priced(tier),
        searches=searches,
    )


def searched(kind: Json, action: Json) -> bool:
    """Whether an item is a search of the web. To open a page that it found, or to look for something there, is told as
    another item of that kind, and costs nothing."""
    if kind != "web_search_call":
        return False
    return not isinstance(action, dict) or action.get("type", "search") == "search"


def render_usage(usage: Usage) -> dict[str, Json]:
    """The dialect knows no count that was not said: those are zero."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached or 0, "cache_write_tokens": usage.cache_write or 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": usage.total,
    }


def read_finish(response: WireResponse, *, called: bool) -> Finish:
    """Of an answer that is completed or incomplete; a reason nobody knows is still an answer that was cut."""
    if response.status != "incomplete":
        return Finish.TOOL_CALLS if called else Finish.STOP
    details = response.incomplete_details
    reason = details.get("reason") if isinstance(details, dict) else None
    return Finish.CONTENT_FILTER if reason == "content_filter" else Finish.LENGTH


def guessed(response: WireResponse) -> Lost | None:
    """What to tell of the reason of an answer that is incomplete, where that is not known."""
    details = response.incomplete_details
    reason = details.get("reason") if isinstance(details, dict) else None
    if response.status != "incomplete" or reason in CUT.values():
        return None
    said = f"{reason[:40]} is not known" if isinstance(reason, str) else "it did not say why"
    return Lost("answer.finish_reason", f"{said}, and it was told as cut by its length", guessed=True)


CUT = {Finish.LENGTH: "max_output_tokens", Finish.CONTENT_FILTER: "content_filter"}
"""Finish -> why an answer is incomplete."""


# -- texts of items ------------------------------------------------------------------------------------------------

PARAGRAPH = "\n\n"
"""Stands between the parts of one reasoning item."""


def word(holder: Mapping[str, Json], name: str) -> str:
    """A field that should be text; empty where it is not."""
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def reasoning_text(item: Mapping[str, Json]) -> str:
    """What a reasoning item says in words: its own text, then its summary."""
    texts = [word(part, "text") for name in ("content", "summary") for part in parts(item, name)]
    return PARAGRAPH.join(text for text in texts if text)


def parts(item: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    """The objects in a list of an item; none where it is no list."""
    value = item.get(name)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


# -- citations and probabilities -----------------------------------------------------------------------------------


def chat_annotation(note: Json, offset: int) -> dict[str, Json] | None:
    """A citation of a page in the neutral form, its part beginning at `offset` of the answer's text; None for other
    notes, which are about files of the provider's own."""
    if not isinstance(note, dict) or note.get("type") != "url_citation":
        return None
    start, end = (value if isinstance(value := note.get(name), int) else 0 for name in ("start_index", "end_index"))
    cited = {"start_index": start + offset, "end_index": end + offset, "title": word(note, "title")}
    return {"type": "url_citation", "url_citation": {**cited, "url": word(note, "url")}}


def own_annotation(note: Mapping[str, Json], offset: int) -> dict[str, Json]:
    """The other way round."""
    cited = note.get("url_citation")
    cited = cited if isinstance(cited, dict) else {}
    start, end = (value if isinstance(value := cited.get(name), int) else 0 for name in ("start_index", "end_index"))
    return {
        "type": "url_citation",
        "start_index": max(0, start - offset),
        "end_index": max(0, end - offset),
        "title": word(cited, "title"),
        "url": word(cited, "url"),
    }


def chat_logprobs(entries: Json) -> Json:
    """Probabilities in the neutral form; None where there are none."""
    return {"content": entries, "refusal": None} if isinstance(entries, list) and entries else None


def own_logprobs(logprobs: Json) -> list[Json]:
    """The other way round, each entry whole."""
    entries = logprobs.get("content") if isinstance(logprobs, dict) else None
    return [_likely(entry) for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _likely(entry: Mapping[str, Json]) -> dict[str, Json]:
    token = word(entry, "token")
    read = entry.get("bytes")
    return {
        "token": token,
        "logprob": entry.get("logprob"),
        "bytes": read if isinstance(read, list) else list(token.encode("utf-8", "replace")),
        "top_logprobs": [_likely(top) for top in parts(entry, "top_logprobs")] if "top_logprobs" in entry else [],
    }


# -- ids -----------------------------------------------------------------------------------------------------------

MINTED = "_sidestep_"
"""Stands in every item's id that is made here: no provider has an item of that id."""
ID_BASE = 40
"""Characters taken of an answer's id: vendors take ids of 64."""


def item_id(kind: str, answer: str, index: int) -> str:
    """The id of output item `index` of an answer; `kind` is the prefix of its type, e.g. `msg`."""
    base = "".join(c for c in answer.removeprefix("resp_")[:ID_BASE] if c.isascii() and (c.isalnum() or c in "-_"))
    return f"{kind}{MINTED}{base}_{index}"


def is_minted(identifier: Json) -> bool:
    return isinstance(identifier, str) and MINTED in identifier
