"""The shape of chat answers on the wire, as far as anything here reads them.

From OpenAI's API reference (chat completion object and chunk) with the vendors' additions: DeepSeek and xAI's
`reasoning_content`, Groq and OpenRouter's `reasoning`, OpenRouter's `reasoning_details`, Mistral's content arrays and
object arguments, Groq's `x_groq`. Fields that are not named here are skipped without being built.
"""

import msgspec
from msgspec import Struct

from translators.ir import Json
from translators.openai.answers import WireUsage

IMAGES = "images"
"""Field of an assistant's message with the pictures that its model made; the kind of such a part."""


class WireFunction(Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, Json] | None = None


class WireCustom(Struct, gc=False):
    name: str | None = None
    input: str | None = None


class WireCall(Struct, gc=False):
    index: int | None = None
    id: str | None = None
    type: Json = None
    function: WireFunction | None = None
    custom: WireCustom | None = None
    extra_content: Json = None
    """Google's, with a thought signature; of a message, too."""


class WireMessage(Struct, gc=False):
    """A unary answer's `message` and a chunk's `delta` alike."""

    content: str | list[Json] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: Json = None
    reasoning_details: list[Json] | None = None
    tool_calls: list[WireCall] | None = None
    function_call: WireFunction | None = None
    annotations: list[Json] | None = None
    audio: Json = None
    images: Json = None
    """OpenRouter's, that the model made."""
    extra_content: Json = None


class WireChoice(Struct, gc=False):
    index: int | None = None
    delta: WireMessage | None = None
    message: WireMessage | None = None
    finish_reason: str | None = None
    logprobs: Json = None
    error: Json = None


class WireGroq(Struct, gc=False):
    usage: WireUsage | None = None
    error: Json = None


class WireAnswer(Struct, gc=False):
    """A chunk or a whole answer."""

    id: str | None = None
    model: str | None = None
    choices: list[WireChoice] | None = None
    usage: WireUsage | None = None
    error: Json = None
    service_tier: Json = None
    x_groq: WireGroq | None = None


ANSWER = msgspec.json.Decoder(WireAnswer)
