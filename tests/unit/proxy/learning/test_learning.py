"""What is learned follows the configuration, and costs nothing where nothing is."""

from types import SimpleNamespace

import pytest
from msgspec import structs

from proxy.config.load import load
from proxy.config.selection import Experiment, Levels, Selection, Strategy
from proxy.config.spending import AlertSettings, LedgerSettings, Marks, Spending, Watched
from proxy.config.values import Config, EmbeddingRoute, ModelRoute
from proxy.learning.learning import Learning

KEPT = LedgerSettings(url="sqlite:///x.db")
PLAIN = Config({}, {"large": ModelRoute("large", ()), "*": ModelRoute("*", ())}, {"docs": EmbeddingRoute("docs", ())})


def config(ledger=None, alerts=None):
    return structs.replace(
        PLAIN, spending=Spending(ledger=ledger or LedgerSettings(), alerts=alerts or AlertSettings())
    )


def learning_of(clock, found):
    return Learning(clock, lambda: found, SimpleNamespace(name="", available=()), lambda _: None)


@pytest.fixture
def learning(clock):
    return learning_of(clock, config(KEPT))


@pytest.mark.parametrize(
    ("given", "count"),
    [
        (config(), 0),
        (config(KEPT), 1),
        (config(structs.replace(KEPT, usage=False)), 0),
        (config(alerts=AlertSettings(models=Watched(Marks()))), 1),
        (config(KEPT, AlertSettings(strategies=Watched(Marks()))), 2),
    ],
)
def test_records_are_told_to_whoever_needs_them(learning, given, count):
    assert len(list(learning.keepers(given))) == count


def test_models_are_told_by_kind(learning):
    assert learning.models() == {"chat": ["large"], "embeddings": ["docs"]}


def test_whom_strategies_choose_is_told_too_each_once(clock):
    vectors = {"default": "docs", "code": "alpha/code"}
    one = Strategy("one", Levels("large", "alpha/m", "alpha/m"), embeddings=vectors, fallback="alpha/last")
    shared = Experiment("newer", (("large", 5000), ("alpha/new", 5000)), asked="large")
    selection = Selection("one", strategies={"one": one}, experiments={"newer": shared})
    found = learning_of(clock, structs.replace(PLAIN, selection=selection)).models()
    assert found["chat"] == ["large", "alpha/m", "alpha/last", "alpha/new"]
    assert found["embeddings"] == ["docs", "alpha/code"]


def test_without_a_file_they_are_those_of_the_vendors_in_turn(clock):
    found = load(None, {"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2", "OPENAI_MODEL": "gpt-of-mine"}).config
    default = found.providers["anthropic"].default_model
    assert learning_of(clock, found).models()["chat"] == ["openai/gpt-of-mine", f"anthropic/{default}"]


def test_it_tells_where_records_are_kept_and_whether_it_learns(learning):
    assert (learning.ledger(), learning.tracks()) == (KEPT, True)
