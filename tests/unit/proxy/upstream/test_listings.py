"""What lists of models say, and that what they leave out or get wrong says nothing."""

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.config.profiles import FIELDS
from proxy.upstream.listings import (
    LISTINGS,
    anthropic,
    gemini,
    groq,
    mistral,
    names,
    openrouter,
    path_of,
    together,
    vllm,
)
from translators.ir import Dialect

CLAUDE = {
    "id": "claude-x-1",
    "type": "model",
    "max_input_tokens": 1_000_000,
    "max_tokens": 128_000,
    "capabilities": {
        "image_input": {"supported": True},
        "pdf_input": {"supported": False},
        "structured_outputs": {"supported": True},
        "batch": {"supported": True},
    },
}
GEMINI = {"name": "models/gemini-x", "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536, "version": "1"}
ROUTED = {
    "id": "maker/model",
    "context_length": 131_072,
    "architecture": {"input_modalities": ["text", "image"], "tokenizer": "x"},
    "supported_parameters": ["tools", "temperature"],
    "top_provider": {"context_length": 131_072, "max_completion_tokens": 16_384, "is_moderated": False},
}
MISTRAL = {
    "id": "mistral-x",
    "object": "model",
    "owned_by": "mistralai",
    "capabilities": {
        "completion_chat": True,
        "completion_fim": False,
        "function_calling": True,
        "fine_tuning": False,
        "vision": False,
    },
    "max_context_length": 131_072,
    "aliases": [],
    "type": "base",
}
GROQ = {
    "id": "maker/model",
    "object": "model",
    "owned_by": "maker",
    "active": True,
    "context_window": 131_072,
    "public_apps": None,
    "max_completion_tokens": 65_536,
}
TOGETHER = {
    "id": "maker/model",
    "object": "model",
    "type": "chat",
    "context_length": 131_072,
    "pricing": {"input": 0.5},
}
VLLM = {
    "id": "maker/model",
    "object": "model",
    "created": 1_723_770_563,
    "owned_by": "vllm",
    "root": "maker/model",
    "parent": None,
    "max_model_len": 8_096,
    "permission": [{"id": "modelperm-1", "object": "model_permission", "allow_sampling": True}],
}


def test_anthropic_tells_sizes_and_inputs():
    assert anthropic(orjson.dumps({"data": [CLAUDE, {"id": "bare"}], "has_more": False})) == {
        "claude-x-1": {
            "context_window": 1_000_000,
            "max_output": 128_000,
            "images": True,
            "files": False,
            "json_schema": True,
        },
        "bare": {},
    }


def test_gemini_tells_sizes():
    assert gemini(orjson.dumps({"models": [GEMINI]})) == {
        "gemini-x": {"context_window": 1_048_576, "max_output": 65_536}
    }


def test_openrouter_tells_sizes_and_what_routes_take():
    unbounded = {"id": "open", "context_length": 9, "top_provider": {"max_completion_tokens": None}}
    assert openrouter(orjson.dumps({"data": [ROUTED, {"id": "bare", "top_provider": None}, unbounded]})) == {
        "maker/model": {
            "context_window": 131_072,
            "max_output": 16_384,
            "images": True,
            "audio": False,
            "tools": True,
            "json_schema": False,
        },
        "bare": {},
        "open": {"context_window": 9},
    }


def test_mistral_tells_the_window_and_whether_it_sees_and_calls():
    assert mistral(orjson.dumps({"object": "list", "data": [MISTRAL, {"id": "bare"}]})) == {
        "mistral-x": {"context_window": 131_072, "images": False, "tools": True},
        "bare": {},
    }


def test_groq_tells_sizes():
    assert groq(orjson.dumps({"object": "list", "data": [GROQ, {"id": "bare"}]})) == {
        "maker/model": {"context_window": 131_072, "max_output": 65_536},
        "bare": {},
    }


def test_together_tells_the_window_in_a_bare_array():
    image = {"id": "maker/painter", "type": "image", "context_length": 0}
    assert together(orjson.dumps([TOGETHER, image])) == {
        "maker/model": {"context_window": 131_072},
        "maker/painter": {},
    }


def test_together_is_read_in_the_usual_wrapping_too():
    wrapped = {"object": "list", "data": [TOGETHER]}
    assert together(orjson.dumps(wrapped)) == {"maker/model": {"context_window": 131_072}}


def test_vllm_tells_the_length_it_was_started_with_and_nothing_of_an_adapter():
    adapter = VLLM | {"id": "mine", "parent": "maker/model", "max_model_len": None}
    assert vllm(orjson.dumps({"object": "list", "data": [VLLM, adapter]})) == {
        "maker/model": {"context_window": 8_096},
        "mine": {},
    }


@pytest.mark.parametrize("count", [0, -1, 10**12])
def test_a_size_that_can_be_none_says_nothing(count):
    assert gemini(orjson.dumps({"models": [{"name": "m", "inputTokenLimit": count}]})) == {"m": {}}


@pytest.mark.parametrize("vendor", LISTINGS)
@given(
    body=st.binary(max_size=40).filter(lambda one: not one.lstrip().startswith(b"["))
    | st.sampled_from([b"[5]", b"{}", b'{"data":5}', b'{"data":[5]}', b'{"models":null}'])
)
@settings(max_examples=50)
def test_what_is_no_list_is_refused(vendor, body):
    with pytest.raises(msgspec.DecodeError):
        LISTINGS[vendor][1](body)


EXAMPLES = {
    "anthropic": {"data": [CLAUDE]},
    "gemini": {"models": [GEMINI]},
    "openrouter": {"data": [ROUTED]},
    "mistral": {"data": [MISTRAL]},
    "groq": {"data": [GROQ]},
    "together": [TOGETHER],
    "vllm": {"data": [VLLM]},
}


@pytest.mark.parametrize("vendor", LISTINGS)
def test_all_that_is_told_are_fields_of_a_profile(vendor):
    [told] = LISTINGS[vendor][1](orjson.dumps(EXAMPLES[vendor])).values()
    assert told
    assert told.keys() <= FIELDS


@pytest.mark.parametrize(
    ("dialect", "body", "told"),
    [
        (Dialect.OPENAI_CHAT, {"object": "list", "data": [{"id": "a", "object": "model"}, {"id": "b"}]}, {"a", "b"}),
        (Dialect.OPENAI_RESPONSES, {"data": []}, set()),
        (Dialect.OPENAI_CHAT, [{"id": "a", "type": "chat"}], {"a"}),
        (Dialect.ANTHROPIC_MESSAGES, {"data": [CLAUDE]}, {"claude-x-1"}),
        (Dialect.GEMINI, {"models": [{"name": "models/gemini-x"}, {"name": "tuned"}]}, {"gemini-x", "tuned"}),
    ],
)
def test_a_list_of_any_dialect_names_its_models(dialect, body, told):
    assert names(dialect, orjson.dumps(body)) == told


@pytest.mark.parametrize("dialect", [Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI])
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[1]", b'{"data": [{}]}', b'{"models": [{}]}', b"\xff"])
def test_what_names_no_models_is_refused(dialect, body):
    with pytest.raises(msgspec.DecodeError):
        names(dialect, body)


def test_lists_that_come_in_pages_are_asked_for_whole():
    assert path_of(Dialect.OPENAI_CHAT) == path_of(Dialect.OPENAI_RESPONSES) == "/models"
    assert path_of(Dialect.ANTHROPIC_MESSAGES) == "/models?limit=1000"
    assert path_of(Dialect.GEMINI) == "/models?pageSize=1000"
