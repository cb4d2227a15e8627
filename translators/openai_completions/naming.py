"""Where the things that a renderer's Report names stand in a completion request: all that is said is the prompt."""

from translators.ir import Json
from translators.report import Naming, Place

_FIELDS = {"messages": "prompt", "max_completion_tokens": "max_tokens", "top_logprobs": "logprobs"}


def naming(body: dict[str, Json]) -> Naming:  # noqa: ARG001 - the Codec's signature
    return Naming(_FIELDS, {}, lambda: [Place("prompt", ("prompt",))], tuple)
