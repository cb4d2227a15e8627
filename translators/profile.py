"""What one model at one provider takes and refuses: values the translators read, filled from `profiles.toml`.

The rows are data so that a new model is a line of TOML and a configuration can override any field. Reading the file
and merging rows with the configuration is the proxy's work; nothing here does I/O.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from translators.ir import Effort, Json, Origin


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
    audio: bool = False
    json_schema: bool = True
    embeddings: bool = True
    token_inputs: bool = True
    """Whether embeddings take token numbers instead of text."""

    # request quirks
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    stream_usage: bool = True
    """Whether `stream_options.include_usage` may be sent."""
    rejects: frozenset[str] = frozenset()
    """Top-level wire fields (of the target's dialect) that this model answers with a 400."""
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
    system_anywhere: bool = True
    """Whether a system message may stand in the middle of the conversation."""
    prefill: bool = True
    """Whether the conversation may end with an assistant message."""
    tool_ids: Literal["any", "alnum9"] = "any"
    forced_tool_choice: bool = True
    parallel_tool_calls: bool = True

    # reasoning
    thinking: Literal["none", "budget", "adaptive", "default", "always", "between_tools", "effort"] = "effort"
    """How the model is told to think. `none`: it cannot; `effort`: an OpenAI-style `reasoning_effort`; the Anthropic
    forms: `budget` (enabled with a token budget), `adaptive` (off unless asked), `default` (adaptive, on unless
    disabled), `always` (cannot be disabled), `between_tools` (on, reducible to between_tools)."""
    efforts: tuple[Effort, ...] = ()
    """Effort levels accepted; empty when unknown (then passed as asked)."""
    disable_efforts: tuple[Effort, ...] = ()
    """Efforts at which thinking may be disabled; empty for all."""
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

    def origin(self, dialect: str) -> str:
        """The origin that blobs made by this target carry."""
        return str(Origin(dialect, self.provider, self.lineage or self.model, self.account))
