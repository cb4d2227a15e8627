"""A plan is made the way the data port would make it."""

import pytest

from proxy.cli.plan import plan
from proxy.config.load import load
from proxy.config.values import Config, EmbeddingRoute, ModelRoute, Step
from translators.faults import Malformed

HELLO = {"role": "user", "content": "hi"}


@pytest.fixture
def config() -> Config:
    loaded = load(None, {"OPENAI_API_KEY": "k1", "ANTHROPIC_API_KEY": "k2"}).config
    careful = ModelRoute(
        "careful", (Step("anthropic", "claude-sonnet-5"), Step("openai", "gpt-4o")), defaults={"n": 2}, max_output=77
    )
    docs = EmbeddingRoute("docs", (Step("openai", "text-embedding-3-large"),), dimensions=256)
    return Config(loaded.providers, {**loaded.models, "careful": careful}, embeddings={"docs": docs})


def test_the_chain_of_the_asked_model_is_planned(config):
    made = plan(config, {"model": "gpt-4o", "messages": [HELLO]})
    assert made.rows[0].target == "openai/gpt-4o"
    assert [row.verdict for row in made.rows] == ["tried", "tried"]
    assert all(row.input_tokens_bound for row in made.rows)


def test_a_routes_defaults_count_as_the_clients_own(config):
    """n = 2 by default is a shape that Anthropic cannot give."""
    made = plan(config, {"model": "careful", "messages": [HELLO]})
    assert [(row.target, row.verdict) for row in made.rows] == [
        ("anthropic/claude-sonnet-5", "skipped"),
        ("openai/gpt-4o", "tried"),
    ]
    asked = plan(config, {"model": "careful", "messages": [HELLO], "n": 1})
    assert [row.verdict for row in asked.rows] == ["tried", "tried"]


def test_embeddings_are_planned_over_their_own_chain(config):
    made = plan(config, {"model": "docs", "input": "hi"})
    assert [row.target for row in made.rows] == ["openai/text-embedding-3-large"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"model": "gpt-4o"}, "messages"),
        ({"messages": [HELLO]}, "model"),
        ({"model": 3, "messages": [HELLO]}, "model"),
        ({"model": "docs", "input": {}}, "input"),
    ],
)
def test_what_is_no_request_is_told_as_the_data_port_would(config, body, told):
    with pytest.raises(Malformed, match=told):
        plan(config, body)


def test_a_model_that_nothing_serves_is_told_with_those_known(config):
    closed = Config(config.providers, {"careful": config.models["careful"]})
    with pytest.raises(Malformed, match="nothing serves the model 'other'; known: careful"):
        plan(closed, {"model": "other", "messages": [HELLO]})
