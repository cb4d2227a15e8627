"""A plan is made the way the data port would make it."""

import re

import pytest
from msgspec import structs

from proxy.cli.plan import for_vectors, plan
from proxy.config.load import load
from proxy.config.orders import Ordering
from proxy.config.selection import Levels, Selection, Strategy, Task
from proxy.config.values import Config, EmbeddingRoute, ModelRoute, Step
from proxy.routing.live import Live
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


def test_a_conversation_with_a_model_of_vectors_is_told_where_to_ask(config):
    closed = Config(config.providers, {"careful": config.models["careful"]}, embeddings=config.embeddings)
    with pytest.raises(Malformed, match="'docs' gives vectors and holds no conversation: ask at /v1/embeddings"):
        plan(closed, {"model": "docs", "messages": [HELLO]})


@pytest.mark.parametrize(
    ("model", "vectors"),
    [
        *(("docs", True), ("openai/text-embedding-3-small", True), ("careful", False), ("gpt-4o", False)),
        *(("auto/search", True), ("auto/letters", False), ("auto", False), ("auto/docs", False)),
        *(("gamma/searcher", True), ("embedder", False)),
    ],
)
def test_what_a_name_alone_stands_for(config, model, vectors):
    strategy = Strategy("s", Levels("a", "a", "a"), embeddings={"default": "docs", "search": "gamma/searcher"})
    selection = Selection("s", tasks={"letters": Task("letters")}, strategies={"s": strategy})
    models = {**config.models, "embedder": config.models["careful"]}
    assert for_vectors(structs.replace(config, models=models, selection=selection), model) is vectors


def test_a_model_that_nothing_serves_is_told_with_those_known(config):
    closed = Config(config.providers, {"careful": config.models["careful"]})
    with pytest.raises(Malformed, match="nothing serves the model 'other'; known: careful"):
        plan(closed, {"model": "other", "messages": [HELLO]})


# -- where the model is left open


@pytest.fixture
def choosing(config):
    levels = Levels("anthropic/claude-haiku-5-5", "careful", "anthropic/claude-opus-5-5")
    balanced = Strategy("balanced", levels, embeddings={"default": "docs"})
    best = Strategy("best", Levels(*["anthropic/claude-opus-5-5"] * 3))
    strategies = {"balanced": balanced, "best": best}
    selection = Selection("balanced", tasks={"maths": Task("maths", hint=0.4)}, strategies=strategies)
    return structs.replace(config, selection=selection)


def test_who_is_chosen_is_told_with_the_score_and_each_parts_share(choosing):
    made = plan(choosing, {"model": "auto/maths", "messages": [HELLO], "n": 1, "reasoning_effort": "low"})
    chosen = made.chosen
    assert (made.model, made.route, chosen.model, chosen.strategy) == ("auto/maths", "careful", "careful", "balanced")
    assert (chosen.score, chosen.level, chosen.task) == (0.55, "standard", "maths")
    assert {name: round(share, 2) for name, share in chosen.parts.items()} == {
        "length": 0.0,
        "reasoning": 0.15,
        "hint": 0.4,
    }
    told = "has careful for standard requests (0.55) of the task maths, which it does not name"
    assert chosen.reason == f"strategy balanced (active) {told}"


def test_what_headers_would_say_decides_as_they_would(choosing):
    body = {"model": "auto", "messages": [HELLO]}
    assert plan(choosing, body).chosen.model == "anthropic/claude-haiku-5-5"
    assert plan(choosing, body, said={"x-sidestep-strategy": "best"}).chosen.strategy == "best"
    assert plan(choosing, body, said={"x-sidestep-task": "maths"}).chosen.level == "standard"
    with pytest.raises(Malformed, match="known: balanced and best"):
        plan(choosing, body, said={"x-sidestep-strategy": "worst"})


def test_the_strategy_of_the_running_proxy_decides_where_it_was_asked(choosing):
    body = {"model": "auto", "messages": [HELLO]}
    assert plan(choosing, body, live=Live("f", [], {}, strategy="best")).chosen.strategy == "best"
    assert plan(choosing, body, live=Live("f", [], {}, strategy="other")).chosen.strategy == "balanced"


def test_vectors_are_chosen_too_and_a_named_model_is_not(choosing):
    made = plan(choosing, {"model": "auto", "input": "hi"})
    assert (made.chosen.model, made.chosen.score, dict(made.chosen.parts)) == ("docs", None, {})
    assert plan(choosing, {"model": "gpt-4o", "messages": [HELLO]}).chosen is None


def test_a_chain_is_planned_in_the_order_its_entry_asks_for_by_the_prices_there_are(config):
    dear_first = (Step("openai", "gpt-4o"), Step("openai", "gpt-4o-mini"))
    models = {"m": ModelRoute("m", dear_first, ordering=Ordering("cost"))}
    made = plan(Config(config.providers, models), {"model": "m", "messages": [HELLO]})
    assert [row.target for row in made.rows] == ["openai/gpt-4o-mini", "openai/gpt-4o"]
    assert (made.reason, made.rows[0].reason) == ('[models."m"], order cost', "first by the order of its entry")
    assert re.fullmatch(r"about 0\.0\d+ USD", made.rows[0].order)
