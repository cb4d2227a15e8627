"""The neutral conversation: what a request and an answer mean, whatever dialect they were written in.

A conversation is a flat list of items, as rich as the richest dialect: messages made of parts, tool calls, tool
results, and reasoning with the blob that only its maker can read. Every dialect parses into these values and
renders from them, so N dialects need N packages and not N x N.

Rules: values are frozen; tool arguments stay the JSON *text* the model wrote; fields unknown here are kept by name in
`extra`, never lost in silence. Answers travel as deltas; `translators.fold` makes a Reply of them.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from msgspec import Struct

from translators.faults import Fault
from translators.usage import Usage as Usage  # noqa: PLC0414 - part of the neutral form, with a module of its own

Json = Any
"""A parsed JSON value (dict, list, str, int, float, bool or None)."""

MODEL_CAP = 256
"""Characters of a model's name; it stands in headers, logs and memory."""

Role = Literal["system", "developer", "user", "assistant"]


class Dialect(enum.StrEnum):
    """A wire format. A provider is a configuration block that speaks one of these."""

    OPENAI_CHAT = "openai-chat"
    OPENAI_RESPONSES = "openai-responses"
    OPENAI_COMPLETIONS = "openai-completions"
    """The legacy text completions."""
    ANTHROPIC_MESSAGES = "anthropic-messages"
    GEMINI = "gemini"


class Opaque(Struct, frozen=True):
    """A blob only its maker can read: a thinking signature, redacted thinking, encrypted reasoning."""

    form: Literal["signature", "redacted", "encrypted"]
    data: str
    origin: str
    """`str(Origin)` of its maker; empty when unknown, and an unknown origin matches no target."""


# -- parts of a message ------------------------------------------------------------------------------------------


class Text(Struct, frozen=True, tag="text"):
    text: str
    cache: Mapping[str, Json] | None = None
    """Cache marker in Anthropic's form, e.g. `{"type": "ephemeral", "ttl": "5m"}`; None for no marker."""
    opaque: Opaque | None = None
    """A thought signature that rides on this text; such a text may be empty and is never merged with another."""


class Image(Struct, frozen=True, tag="image"):
    """An image, by URL or as base64 data with its media type; exactly one of `url` and `data` is set."""

    url: str | None = None
    data: str | None = None
    media_type: str = ""
    detail: str | None = None
    cache: Mapping[str, Json] | None = None


class File(Struct, frozen=True, tag="file"):
    """A document: base64 `data`, a provider's own `file_id`, or a `url`; exactly one is set."""

    data: str | None = None
    file_id: str | None = None
    url: str | None = None
    media_type: str = ""
    filename: str | None = None
    cache: Mapping[str, Json] | None = None


class Audio(Struct, frozen=True, tag="audio"):
    data: str
    format: str


class Refusal(Struct, frozen=True, tag="refusal"):
    text: str


class Foreign(Struct, frozen=True, tag="foreign"):
    """A part this form has no word for, kept whole with the dialect that wrote it; other dialects report it refused."""

    dialect: str
    kind: str
    value: Json
    shown: Image | None = None
    """The picture that it is, where a model made one: what others can show of it, and Gemini alone takes back."""
    plain: File | None = None
    more: tuple[str, ...] = ()
    """The document that it is but for its fields `more`, which others refuse."""


Part = Text | Image | File | Audio | Refusal | Foreign

# -- items of a conversation -------------------------------------------------------------------------------------


class Message(Struct, frozen=True, tag="message"):
    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    phase: str | None = None
    """Of an assistant's message where the dialect says it: `commentary` or `final_answer`."""


class ToolCall(Struct, frozen=True, tag="tool_call"):
    """A call the assistant made. `arguments` is the JSON text as written (free text when `custom`)."""

    id: str
    name: str
    arguments: str
    custom: bool = False
    cache: Mapping[str, Json] | None = None
    opaque: Opaque | None = None
    """A thought signature that rides on this call."""


class ToolResult(Struct, frozen=True, tag="tool_result"):
    call_id: str
    parts: tuple[Part, ...]
    is_error: bool = False
    cache: Mapping[str, Json] | None = None


class Reasoning(Struct, frozen=True, tag="reasoning"):
    """One block of thinking. Text may be empty while the blob is not: such a block must survive too."""

    text: str
    opaque: Opaque | None = None


Item = Message | ToolCall | ToolResult | Reasoning

# -- what the caller asks for ------------------------------------------------------------------------------------


class Tool(Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: Mapping[str, Json] | None = None
    strict: bool | None = None
    custom_format: Json = None
    """For a free-text (custom) tool: its format object, `{}` when it named none. None for a function tool."""
    cache: Mapping[str, Json] | None = None
    extra: Mapping[str, Json] = {}
    """Fields of the tool this form has no word for, by their wire name. Tools that a vendor itself runs are kept whole
    in the request's own `extra`, under `tools`, by their paths in the client's body."""


class ToolChoice(Struct, frozen=True):
    """`named` carries one name; `allowed` carries the allowed names, and `required` says whether one must be called."""

    mode: Literal["auto", "none", "required", "named", "allowed"]
    names: tuple[str, ...] = ()
    required: bool = False


class OutputFormat(Struct, frozen=True):
    kind: Literal["text", "json_object", "json_schema"]
    schema: Mapping[str, Json] | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Request(Struct, frozen=True, kw_only=True):
    """A chat request. None means the caller did not say; a default is the upstream's business."""

    model: str
    items: tuple[Item, ...]
    stream: bool = False
    include_usage: bool = False
    max_output: int | None = None
    """Output bound in tokens, reasoning included."""
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output: OutputFormat | None = None
    effort: Effort | None = None
    thinking_budget: int | None = None
    """Reasoning bound in tokens, for dialects that have one."""
    reasoning_summary: str | None = None
    """How much of its reasoning the caller wants to read: `auto`, `concise`, `detailed`; None when it did not say."""
    verbosity: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    metadata: Mapping[str, str] | None = None
    modalities: tuple[str, ...] = ()
    audio: Json = None
    prediction: Json = None
    web_search: Json = None
    extra: Mapping[str, Json] = {}
    """Top-level fields this form has no word for, by their wire name."""


# -- what the model answers --------------------------------------------------------------------------------------


class Finish(enum.StrEnum):
    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


class Choice(Struct, frozen=True):
    items: tuple[Item, ...]
    finish: Finish
    index: int = 0
    stop_sequence: str | None = None
    annotations: tuple[Mapping[str, Json], ...] = ()
    logprobs: Json = None


class Reply(Struct, frozen=True, kw_only=True):
    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    service_tier: str | None = None
    extra: Mapping[str, Json] = {}
    continued: "Continued | None" = None
    """Set where the upstream paused and wants to be asked for the rest; the choices are what it said so far, and end
    as they do where nobody asks."""
    lost: "tuple[Lost, ...]" = ()


# -- the same, as it streams -------------------------------------------------------------------------------------


class Delta(Struct, frozen=True):
    """One step of a streamed answer. `commits` is true for what a client may count as the answer's first content."""

    commits: ClassVar[bool] = False


class Started(Delta, frozen=True):
    """The upstream opened its answer; nothing has been said yet."""

    id: str
    model: str
    service_tier: str | None = None


class TextDelta(Delta, frozen=True):
    commits: ClassVar[bool] = True
    text: str
    choice: int = 0
    logprobs: Json = None


class TextSigned(Delta, frozen=True):
    """The text of this choice since the last other content is complete and bears `opaque`; it may be empty."""

    opaque: Opaque
    choice: int = 0


class Kept(Delta, frozen=True):
    """A whole part this form has no word for; a client of the dialect that wrote it can send it back in its place."""

    part: Foreign
    choice: int = 0


class ReasoningDelta(Delta, frozen=True):
    """Thinking text. It is progress; it commits where the client's dialect shows it (see `EventWriter.shows`)."""

    text: str
    choice: int = 0


class ReasoningEnd(Delta, frozen=True):
    """A thinking block is complete; `opaque` is its signature or redacted data, None when it had none."""

    opaque: Opaque | None = None
    choice: int = 0


class RefusalDelta(Delta, frozen=True):
    commits: ClassVar[bool] = True
    text: str
    choice: int = 0


class ToolStart(Delta, frozen=True):
    """A tool call begins. `index` is dense from 0 per choice; `id` and `name` are complete and come only here."""

    commits: ClassVar[bool] = True
    index: int
    id: str
    name: str
    custom: bool = False
    choice: int = 0
    opaque: Opaque | None = None


class ToolArguments(Delta, frozen=True):
    commits: ClassVar[bool] = True
    index: int
    text: str
    choice: int = 0


class Annotated(Delta, frozen=True):
    commits: ClassVar[bool] = True
    annotation: Mapping[str, Json]
    choice: int = 0


class Ended(Delta, frozen=True):
    """One choice is finished. A reader emits it exactly once per choice."""

    commits: ClassVar[bool] = True
    finish: Finish
    choice: int = 0
    stop_sequence: str | None = None
    declined: bool = False
    """Whether it ended in a refusal that takes its calls back: nobody is to run them."""


class Continued(Delta, frozen=True):
    """The upstream paused and wants to be asked again for the rest, once more with the same body changed so: `fields`
    set, and the lists under `appended` grown. Stands where Ended would; the reader's answer goes on in the next one.

    Fed the events of that answer, the same reader goes on as if there had been no pause: its indices, its offsets, its
    usage. Closed at the pause, it gives the Ended of an answer that was cut short."""

    fields: Mapping[str, Json] = {}
    appended: Mapping[str, Sequence[Json]] = {}


class Lost(Delta, frozen=True):
    """Something of the answer that this form has no word for, named as Reports name things."""

    field: str
    why: str
    guessed: bool = False
    """Whether something close stands for it, so that it is approximated rather than dropped."""


class Used(Delta, frozen=True):
    """Usage so far; cumulative, so the last one wins."""

    usage: Usage


class Failed(Delta, frozen=True):
    """The upstream said inside its stream that it failed. Nothing follows."""

    fault: Fault


class Event(Struct, frozen=True, gc=False):
    """One server-sent event: its `event:` name (empty when absent) and its joined `data:` lines."""

    data: bytes
    name: str = ""
