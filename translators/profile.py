"""What one model at one provider takes and refuses: values the translators read, filled from `profiles.toml`.

The rows are data so that a new model is a line of TOML and a configuration can override any field. Reading the file
and merging rows with the configuration is the proxy's work; nothing here does I/O.
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

from translators.ir import Effort, Json

OPERATIONS = frozenset({"chat", "chat_stream", "responses", "completions", "embeddings", "count_tokens"})
"""What `Profile.paths` may name."""


class Origin(Struct, frozen=True):
    """Who made a provider-bound blob: it may only ever be sent back to exactly this place."""

    dialect: str
    provider: str
    lineage: str
    """The model family the blob is bound to, from the profile; the model id where the profile names none."""
    account: str = ""
    """Keyed hash of the key (or its account label); empty where blobs are not bound to an account."""

    def __str__(self) -> str:
        return f"{self.dialect}|{self.provider}|{self.lineage}|{self.account}"


class Profile(Struct, frozen=True, kw_only=True):
    """The defaults describe a plain OpenAI-compatible server that takes everything."""

    vendor: str = ""
    lineage: str = ""
    """Model family that provider-bound blobs belong to; the model id where empty."""

    # capabilities
    context_window: int | None = None
    """Input and output together, in tokens; None when unknown."""
    max_output: int | None = None
    """Largest output bound the model takes, in tokens; None when unknown."""
    tools: bool = True
    images: bool = True
    image_urls: bool = True
    """Whether an image may be given by http(s) URL (the proxy never fetches one)."""
    files: bool = True
    audio: bool = True
    json_schema: bool = True
    embeddings: bool = True
    token_inputs: bool = True
    """Whether embeddings take token numbers instead of text."""

    # ways in
    key_header: str = ""
    """The header that carries the key; `authorization` means `Bearer KEY`, empty what is usual for the dialect."""
    paths: Mapping[str, str] = {}
    """Path and query after the base URL that differ from the dialect's own, by one of OPERATIONS; `{model}` stands for
    the model."""
    responses: Literal["none", "available", "tools", "only"] = "none"
    """Of an OpenAI server, whether it has `/responses`: for clients that speak it (`available`), also for chat
    requests with tools (`tools`), or for every request (`only`)."""
    completions: bool = False
    """Of an OpenAI server, whether this model takes the legacy `/completions`."""
    idempotency_key: bool = False
    """Whether it answers a repeated `idempotency-key` without doing the work again; then every call carries one."""

    # request quirks
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    stream_usage: bool = True
    """Whether `stream_options.include_usage` may be sent."""
    upstream_stream: bool | None = None
    """Whether unary calls are asked for as a stream, whose events are folded into one answer: always, never, or (None)
    where the dialect needs it."""
    rejects: frozenset[str] = frozenset()
    """Top-level wire fields (of the target's dialect) that this model answers with a 400. `model` among them: it stands
    in the path alone. Of Gemini also those
    of `generationConfig` and `toolConfig`."""
    requires: Mapping[str, Json] = {}
    """Top-level wire fields always sent, unless the client set them."""
    renames: Mapping[str, str] = {}
    """Wire field -> the vendor's own name for it (`seed` -> `random_seed`)."""
    sampling: Literal["all", "one_of", "none"] = "all"
    """temperature/top_p/top_k: all accepted, only one of temperature and top_p, or only defaults."""
    temperature_max: float = 2.0
    stop_max: int = 4
    """Most stop sequences the model takes; 0 when it takes none."""
    n_max: int = 128
    logprobs: bool = True
    developer: bool = True
    """Of a chat server, whether it knows the role `developer`; else `system` says the same."""
    system_anywhere: bool = True
    """Whether a system message may stand in the middle of the conversation."""
    prefill: bool = True
    """Whether the conversation may end with an assistant message."""
    message_fields: frozenset[str] = frozenset()
    """Of a chat server that refuses messages with fields it does not know: those it knows; empty where it takes any."""
    free_text_tools: bool = True
    """Of an OpenAI server, whether it takes `custom` tools, which are called with free text."""
    tool_choices: Literal["all", "named", "words"] = "all"
    """Of a chat server, which choices among the tools it understands: also a list of those that are allowed (`all`),
    one by its name (`named`), or none but `none`, `auto` and `required` (`words`)."""
    tool_name_max: int | None = None
    """Most characters of a tool's name, which are then letters, digits, underscores and hyphens; None for any name."""
    strict_subset: bool = False
    """Of an OpenAI server, whether `strict` takes only schemas that close every object and require all it has."""
    tool_ids: Literal["any", "alnum9"] = "any"
    forced_tool_choice: bool = True
    parallel_tool_calls: bool = True
    tools_combine: bool = True
    """Of Gemini, whether functions may stand beside Google's own tools and beside a form for the answer."""
    cache_breakpoints: Literal["none", "texts", "parts"] = "none"
    """Of an OpenAI server, which parts may say that the prompt is to be cached up to them."""
    pictures_back: bool = False
    """Of a chat server, whether pictures that a model made may come back as `images` of the assistant's message."""
    result_media: bool = False
    """Of Gemini, whether a function's response may hold images and files."""

    # reasoning
    thinking: Literal["none", "budget", "level", "adaptive", "default", "always", "between_tools", "effort"] = "effort"
    """How the model is told to think. `none`: it cannot; `effort`: an OpenAI-style `reasoning_effort`; the Anthropic
    forms: `budget` (enabled with a token budget), `adaptive` (off unless asked), `default` (adaptive, on unless
    disabled), `always` (cannot be disabled), `between_tools` (on, reducible to between_tools); the Gemini forms:
    `budget` again, `level` (a level out of `efforts`)."""
    efforts: tuple[Effort, ...] = ()
    """Effort levels accepted; empty when unknown (then passed as asked)."""
    disable_efforts: tuple[Effort, ...] = ()
    """Efforts at which thinking may be disabled; empty for all."""
    thinking_budget_min: int = 0
    thinking_budget_max: int | None = None
    """Of Gemini, the least and the most tokens a budget may have when it is not 0; None when unknown."""
    call_signatures: bool = False
    """Of Gemini, whether calls in the history are refused where the first of a step bears no thought signature."""
    reasons: bool = False
    """Whether it reasons without being asked, so that the first token may be late."""
    reasoning_replay: bool = False
    """Whether assistant turns must carry `reasoning_content` back."""

    # answer quirks
    output_excludes_reasoning: bool = False
    """completion_tokens leaves reasoning out (xAI): it is added."""

    # binding, filled per attempt
    provider: str = ""
    model: str = ""
    account: str = ""
    custom_tools: frozenset[str] = frozenset()
    """Names of this request's free-text tools: a dialect without such tools wraps them as functions, and its reader
    unwraps their calls by these names."""
    hosted_tools: bool = False
    """Whether this request has tools that the vendor runs itself, in the middle of an answer that it may then pause."""

    def path(self, operation: str, usual: str) -> str:
        """Path and query of `operation`, to follow the base URL: what `paths` says of it, else `usual`.

        `{model}` in either becomes the model, percent-encoded as one segment. A dialect that says in the body whether
        it streams gives the path of `chat` as what is usual for `chat_stream`.
        """
        template = self.paths.get(operation, usual)
        return template.replace("{model}", quote(self.model, safe="@")) if "{model}" in template else template

    def credentials(self, key: str, usual: str) -> list[tuple[str, str]]:
        """The header that carries `key`, `usual` unless `key_header` says otherwise; none without a key, as local
        servers want it. `authorization` carries it as `Bearer KEY`."""
        if not key:
            return []
        name = self.key_header or usual
        return [(name, f"Bearer {key}" if name == "authorization" else key)]

    def origin(self, dialect: str) -> str:
        """The origin that blobs made by this target carry."""
        return str(Origin(dialect, self.provider, self.lineage or self.model, self.account))
