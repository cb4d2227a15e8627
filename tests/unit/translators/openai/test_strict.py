"""Schemas that OpenAI enforces, and what becomes of `strict` with any other."""

import pytest

from translators import anthropic_messages, openai_chat, openai_responses
from translators.openai.strict import enforced, fits
from translators.profile import Profile
from translators.report import Report

CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": ["integer", "null"], "minimum": 1}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
STRICT = Profile(model="m", strict_subset=True)


def holding(node):
    """A schema that is fine but for what `node` is."""
    return {"type": "object", "properties": {"a": node}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    "node",
    [
        {"type": "string", "format": "date-time", "description": "d"},
        {"enum": ["x", 1]},
        {"const": "x"},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"type": "array", "items": CLOSED},
        {"$ref": "#"},
        holding({"type": "number", "multipleOf": 2}),
    ],
)
def test_what_openai_enforces_fits(node):
    assert fits(holding(node))


@pytest.mark.parametrize(
    "node",
    [
        {},
        True,
        {"type": "object"},
        {"type": "object", "properties": {}},
        CLOSED | {"required": ["a"]},
        CLOSED | {"additionalProperties": {"type": "string"}},
        CLOSED | {"minProperties": 1},
        {"type": "array"},
        {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "string"}},
        {"type": "string", "format": "uri"},
        {"type": "string", "default": "x"},
        {"oneOf": [{"type": "string"}]},
        {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "string"}}}]},
        {"$ref": "#/$defs/a", "description": "d"},
    ],
)
def test_what_openai_answers_with_a_400_does_not_fit(node):
    assert not fits(holding(node))
    assert not fits({**CLOSED, "$defs": {"x": node}})


@pytest.mark.parametrize("schema", [{}, {"type": "array", "items": {"type": "string"}}, {"$ref": "#/$defs/a"}])
def test_the_outermost_node_is_a_plain_object(schema):
    assert not fits(schema)
    assert not fits({**CLOSED, "anyOf": [CLOSED]})


@pytest.mark.parametrize(("strict", "profile"), [(None, STRICT), (False, STRICT), (True, Profile(model="m"))])
def test_strict_stays_where_nobody_would_refuse_the_schema(strict, profile):
    report = Report()
    assert enforced(strict, {"type": "object"}, "f", profile, report) is strict
    assert not report.entries


@pytest.mark.parametrize("dialect", [openai_chat, openai_responses])
def test_an_anthropic_clients_schema_with_an_optional_field_is_offered_rather_than_a_400(dialect):
    schema = {**CLOSED, "required": ["a"]}
    body = {
        "model": "m",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "u"}],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        "tools": [{"name": "f", "input_schema": schema, "strict": True}, {"name": "g", "input_schema": CLOSED}],
    }
    sent, report = dialect.render_request(anthropic_messages.parse_request(body), STRICT)
    form = sent.get("response_format", {}).get("json_schema") or sent["text"]["format"]
    assert (form["schema"], form["strict"]) == (schema, False)
    first = sent["tools"][0]
    assert first.get("function", first)["strict"] is False
    report.rename(anthropic_messages.naming(body), {})
    assert sorted((entry.verdict.value, entry.field) for entry in report.entries) == [
        ("approximated", "output_config.format.schema"),
        ("approximated", "tools.0.strict"),
    ]
