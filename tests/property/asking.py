"""Requests to try the laws on, and how two readings of one request are compared."""

from hypothesis import strategies as st
from msgspec import structs

from translators.ir import (
    Dialect,
    Image,
    Message,
    OutputFormat,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from translators.profile import Profile

PROFILES = {
    Dialect.OPENAI_CHAT: Profile(provider="p", model="m", cache_breakpoints="parts"),
    Dialect.OPENAI_COMPLETIONS: Profile(provider="p", model="m"),
    Dialect.OPENAI_RESPONSES: Profile(provider="p", model="m", cache_breakpoints="parts"),
    Dialect.ANTHROPIC_MESSAGES: Profile(provider="p", model="m", max_output=8192, thinking="none"),
    Dialect.GEMINI: Profile(provider="p", model="m", rejects=frozenset({"labels"})),
}
"""A target of the dialect that takes everything the dialect can say."""

texts = st.text("abc é😀\n", min_size=1, max_size=10).filter(str.strip)
names = st.builds(str.__add__, st.sampled_from("abcdefgh_"), st.text("abcdefgh_123", max_size=7))
"""Of what every dialect takes for the name of a function."""
images = st.builds(Image, data=st.just("iVBORw0="), media_type=st.just("image/png")) | st.builds(
    Image, url=st.just("https://images.test/a.png")
)
schemas = st.sampled_from(
    [
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
    ]
)
tools = st.builds(Tool, names, st.none() | texts, schemas)


@st.composite
def turns(draw, number):
    """A question, and what the assistant did with it: an answer, or calls and their results."""
    parts = draw(st.lists(st.builds(Text, texts) | images, min_size=1, max_size=3))
    said = Message("assistant", (Text(draw(texts).strip()),))
    items = [Message("user", tuple(parts))]
    for i in range(draw(st.integers(0, 2))):
        items.append(ToolCall(f"call_{number}_{i}", draw(names), draw(st.sampled_from(["{}", '{"a":[1,"x"]}']))))
    results = [ToolResult(call.id, (Text(draw(texts)),)) for call in items[1:]]
    return [*items, *results, said]


@st.composite
def requests(draw):
    items = [Message("system", (Text(draw(texts)),))] if draw(st.booleans()) else []
    for number in range(draw(st.integers(0, 2))):
        items += draw(turns(number))
    items.append(Message("user", (Text(draw(texts)),)))
    offered = tuple(draw(st.lists(tools, max_size=2, unique_by=lambda tool: tool.name)))
    choice = None
    if offered:
        kinds = [ToolChoice("auto"), ToolChoice("required"), ToolChoice("named", (offered[0].name,))]
        choice = draw(st.none() | st.sampled_from(kinds))
    return Request(
        model="m",
        items=tuple(items),
        stream=draw(st.booleans()),
        max_output=draw(st.none() | st.integers(1, 4096)),
        temperature=draw(st.none() | st.sampled_from([0, 0.5, 1])),
        stop=tuple(draw(st.lists(texts.map(str.strip), max_size=2))),
        tools=offered,
        tool_choice=choice,
        output=draw(st.none() | st.builds(OutputFormat, st.just("json_schema"), schemas, st.just("n"))),
        seed=draw(st.none() | st.integers(0, 9)),
        user=draw(st.none() | names),
    )


def served(dialect, body, *, stream=False):
    """A body as the edge hands it on: of Gemini's, model and stream stand in the address and are put in there."""
    return {**body, "model": "m", "stream": stream} if dialect is Dialect.GEMINI else body


def numbered(items):
    """Items whose calls are named by their place: Gemini is sent no ids but its own, and pairs by order."""
    names = {item.id: f"call {at}" for at, item in enumerate(items) if isinstance(item, ToolCall)}
    return tuple(
        structs.replace(item, id=names[item.id])
        if isinstance(item, ToolCall)
        else structs.replace(item, call_id=names[item.call_id])
        if isinstance(item, ToolResult)
        else item
        for item in items
    )


# -- everything a request can say --------------------------------------------------------------------------------

FIELDS = {
    "top_p": st.sampled_from([0.3, 1]),
    "top_k": st.integers(1, 50),
    "presence_penalty": st.sampled_from([0, 0.5]),
    "frequency_penalty": st.sampled_from([0, 0.5]),
    "logit_bias": st.just({"17": -100}),
    "n": st.sampled_from([1, 2]),
    "logprobs": st.sampled_from([True]),
    "parallel_tool_calls": st.booleans(),
    "effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    "thinking_budget": st.sampled_from([1024, 9000]),
    "reasoning_summary": st.sampled_from(["auto", "concise"]),
    "verbosity": st.sampled_from(["low", "high"]),
    "safety_identifier": names,
    "service_tier": st.sampled_from(["auto", "default", "flex", "priority"]),
    "metadata": st.just({"a": "b"}),
    "prediction": st.just({"type": "content", "content": "x"}),
    "web_search": st.sampled_from([{}, {"search_context_size": "low"}]),
    "extra": st.sampled_from([{"made_up": 1}, {"store": True}, {"prompt_cache_key": "k"}, {"cachedContent": "c"}]),
    "output": st.sampled_from([OutputFormat("json_object"), OutputFormat("text")]),
}


@st.composite
def wide_requests(draw):
    """A request with some of all the fields there are."""
    request = draw(requests())
    chosen = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=6, unique=True))
    fields = {name: draw(FIELDS[name]) for name in chosen}
    if fields.get("effort") == "none":
        fields.pop("thinking_budget", None)  # nobody asks for both
    if "logprobs" in fields:
        fields["top_logprobs"] = draw(st.none() | st.integers(1, 5))
    return structs.replace(request, **fields)


SAID_BY = {
    "messages": ("items",),
    "tool_result": ("items",),
    "cache_control": ("items", "tools"),
    "max_completion_tokens": ("max_output",),
    "max_tokens": ("max_output",),
    "reasoning_effort": ("thinks", "shown"),
    "thinking": ("thinks",),
    "reasoning": ("shown",),
    "user": ("users",),
    "safety_identifier": ("users",),
    "response_format": ("output", "items"),
    "web_search_options": ("web_search",),
    "tool_choice": ("tool_choice",),
    "logprobs": ("logprobs", "top_logprobs"),
    "top_logprobs": ("logprobs", "top_logprobs"),
}
"""What of a request an entry of the Report speaks of, where it has another name there."""


def told(report):
    """The fields of a request, and the names in its `extra`, that the Report says something about."""
    heads = {entry.field.partition("[")[0].partition(".")[0] for entry in report.entries}
    return {name for head in heads for name in SAID_BY.get(head, (head,))}


SILENT = {
    "max_output": (None, PROFILES[Dialect.ANTHROPIC_MESSAGES].max_output),
    "temperature": (None, 1),
    "top_p": (None, 1),
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
    "parallel_tool_calls": (None, True),
    "service_tier": (None, "auto", "default", "standard_only"),
    "tool_choice": (None, ToolChoice("auto")),
    "output": (None, OutputFormat("text")),
    "web_search": (None, False),
}
"""Values that ask for nothing: what a model does anyway, and the bound of one that must be told its own."""
BUDGETS = {1024: "minimal", 2048: "low", 10_000: "medium", 16_384: "high", 32_768: "max"}
"""Thinking in tokens -> the effort that is told so where a model knows no efforts."""


def meaning(request):
    """What a request asks for, field by field and with the fields of its `extra` beside them."""
    silent = ("extra", "include_usage", "user", "safety_identifier", "effort", "thinking_budget", "reasoning_summary")
    said = {name: getattr(request, name) for name in request.__struct_fields__ if name not in silent}
    for name, nothing in SILENT.items():
        if said[name] in nothing:
            said[name] = None
    if not request.tools:
        said["parallel_tool_calls"] = said["tool_choice"] = None
    said["items"] = numbered(request.items)
    said["tools"] = tuple(structs.replace(tool, strict=tool.strict or None) for tool in request.tools)
    if said["web_search"] is not None:
        said["web_search"] = True  # where one is from and how much is read of it is reported where it is lost
    said["users"] = {request.user, request.safety_identifier} - {None}
    effort = request.effort or BUDGETS.get(request.thinking_budget, request.thinking_budget)
    said["thinks"] = {"none": None, "xhigh": "max"}.get(effort, effort)
    said["shown"] = bool(said["thinks"] or request.reasoning_summary)
    return said


def lost(before, after):
    """The fields that say something else afterwards; what was added to `extra` on the way is no loss."""
    one, other = meaning(before), meaning(after)
    kept = {name for name, value in before.extra.items() if after.extra.get(name) == value or not value}
    return {name for name in one if one[name] != other[name]} | (before.extra.keys() - kept)
