"""What providers' own lists of models say of each model, as fields of a Profile. Pure.

Sources: Anthropic's Models API (`capabilities`, `max_input_tokens`, `max_tokens`), Google's models.list
(`inputTokenLimit`, `outputTokenLimit`), OpenRouter's models (`context_length`, `architecture`, `supported_parameters`,
`top_provider`), Mistral's models (BaseModelCard and FTModelCard of its SDK: `max_context_length`, `capabilities`),
Groq's (its API reference, list models: `context_window`, `max_completion_tokens`; its SDK's type knows neither),
Together's (its API reference, list all models, where the list is a bare array: `context_length`; its SDK asks `/v2` for
more, page by page), and vLLM's own (`max_model_len`: input and output together, as it was started).

Only what a list says plainly is taken. OpenRouter tells the output bound of the route it prefers, which is the one that
a request goes to; it reads files itself for models that cannot, which is no fact of the model. A field that is missing
or odd says nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from translators.ir import Dialect

MODELS_CAP: Final = 5_000
TOKENS_CAP: Final = 1_000_000_000

Told = dict[str, dict[str, Any]]
"""Model -> Profile fields."""


Model = TypeVar("Model")


class _Listed(Struct, Generic[Model], frozen=True):
    data: list[Model]


class _GoogleListed(Struct, Generic[Model], frozen=True):
    models: list[Model]


class _Support(Struct, frozen=True):
    supported: bool | None = None


class _Able(Struct, frozen=True):
    image_input: _Support = _Support()
    pdf_input: _Support = _Support()
    structured_outputs: _Support = _Support()


class _Claude(Struct, frozen=True):
    id: str
    max_input_tokens: int | None = None
    max_tokens: int | None = None
    capabilities: _Able | None = None


class _Gemini(Struct, frozen=True, rename="camel"):
    name: str
    input_token_limit: int | None = None
    output_token_limit: int | None = None


class _Architecture(Struct, frozen=True):
    input_modalities: list[str] | None = None


class _TopRoute(Struct, frozen=True):
    max_completion_tokens: int | None = None


class _Routed(Struct, frozen=True):
    id: str
    context_length: int | None = None
    top_provider: _TopRoute | None = None
    architecture: _Architecture = _Architecture()
    supported_parameters: list[str] | None = None


class _Skills(Struct, frozen=True):
    function_calling: bool | None = None
    vision: bool | None = None


class _Mistral(Struct, frozen=True):
    id: str
    max_context_length: int | None = None
    capabilities: _Skills | None = None


class _Groq(Struct, frozen=True):
    id: str
    context_window: int | None = None
    max_completion_tokens: int | None = None


class _Together(Struct, frozen=True):
    id: str
    context_length: int | None = None


class _Vllm(Struct, frozen=True):
    id: str
    max_model_len: int | None = None


def anthropic(body: bytes) -> Told:
    told: Told = {}
    for model in msgspec.json.decode(body, type=_Listed[_Claude]).data[:MODELS_CAP]:
        able = model.capabilities or _Able()
        told[model.id] = _said(
            context_window=_tokens(model.max_input_tokens),
            max_output=_tokens(model.max_tokens),
            images=able.image_input.supported,
            files=able.pdf_input.supported,
            json_schema=able.structured_outputs.supported,
        )
    return told


def gemini(body: bytes) -> Told:
    return {
        model.name.removeprefix("models/"): _said(
            context_window=_tokens(model.input_token_limit), max_output=_tokens(model.output_token_limit)
        )
        for model in msgspec.json.decode(body, type=_GoogleListed[_Gemini]).models[:MODELS_CAP]
    }


def openrouter(body: bytes) -> Told:
    told: Told = {}
    for model in msgspec.json.decode(body, type=_Listed[_Routed]).data[:MODELS_CAP]:
        sees, takes = model.architecture.input_modalities, model.supported_parameters
        told[model.id] = _said(
            context_window=_tokens(model.context_length),
            max_output=_tokens(model.top_provider.max_completion_tokens if model.top_provider else None),
            images=None if sees is None else "image" in sees,
            audio=None if sees is None else "audio" in sees,
            tools=None if takes is None else "tools" in takes,
            json_schema=None if takes is None else "structured_outputs" in takes,
        )
    return told


def mistral(body: bytes) -> Told:
    told: Told = {}
    for model in msgspec.json.decode(body, type=_Listed[_Mistral]).data[:MODELS_CAP]:
        able = model.capabilities or _Skills()
        told[model.id] = _said(
            context_window=_tokens(model.max_context_length), images=able.vision, tools=able.function_calling
        )
    return told


def groq(body: bytes) -> Told:
    return {
        model.id: _said(context_window=_tokens(model.context_window), max_output=_tokens(model.max_completion_tokens))
        for model in msgspec.json.decode(body, type=_Listed[_Groq]).data[:MODELS_CAP]
    }


def together(body: bytes) -> Told:
    bare = body.lstrip()[:1] == b"["
    models = (
        msgspec.json.decode(body, type=list[_Together])
        if bare
        else msgspec.json.decode(body, type=_Listed[_Together]).data
    )
    return {model.id: _said(context_window=_tokens(model.context_length)) for model in models[:MODELS_CAP]}


def vllm(body: bytes) -> Told:
    return {
        model.id: _said(context_window=_tokens(model.max_model_len))
        for model in msgspec.json.decode(body, type=_Listed[_Vllm]).data[:MODELS_CAP]
    }


LISTINGS: Final[Mapping[str, tuple[str, Callable[[bytes], Told]]]] = {
    "anthropic": ("/models?limit=1000", anthropic),
    "gemini": ("/models?pageSize=1000", gemini),
    "openrouter": ("/models", openrouter),
    "mistral": ("/models", mistral),
    "groq": ("/models", groq),
    "together": ("/models", together),
    "vllm": ("/models", vllm),
}
"""Vendor -> where its list is, below the base URL, and how it is read (raises msgspec.DecodeError)."""


PATHS: Final[Mapping[Dialect, str]] = {
    Dialect.ANTHROPIC_MESSAGES: LISTINGS["anthropic"][0],
    Dialect.GEMINI: LISTINGS["gemini"][0],
}
"""Where a server of a dialect lists its models, below the base URL."""


def path_of(dialect: Dialect) -> str:
    return PATHS.get(dialect, "/models")


class _Named(Struct, frozen=True):
    id: str


class _GeminiName(Struct, frozen=True):
    name: str


def names(dialect: Dialect, body: bytes) -> frozenset[str]:
    """The models that a list names. Raises msgspec.DecodeError for what is no such list."""
    if dialect is Dialect.GEMINI:
        found = [
            one.name.removeprefix("models/")
            for one in msgspec.json.decode(body, type=_GoogleListed[_GeminiName]).models
        ]
    else:
        found = [one.id for one in _models(body)]
    return frozenset(found[:MODELS_CAP])


def _models(body: bytes) -> list[_Named]:
    """Most vendors wrap the list as OpenAI does; Together gives it bare."""
    if body.lstrip()[:1] == b"[":
        return msgspec.json.decode(body, type=list[_Named])
    return msgspec.json.decode(body, type=_Listed[_Named]).data


def _said(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _tokens(count: int | None) -> int | None:
    """A count that can be one: lists say 0 for what has no such limit."""
    return count if count is not None and 0 < count <= TOKENS_CAP else None
