"""What is learned follows the configuration, and costs nothing where nothing is."""

from types import SimpleNamespace

import pytest
from msgspec import structs

from proxy.config.spending import AlertSettings, LedgerSettings, Marks, Spending, Watched
from proxy.config.values import Config, EmbeddingRoute, ModelRoute
from proxy.learning.learning import Learning

KEPT = LedgerSettings(url="sqlite:///x.db")
PLAIN = Config({}, {"large": ModelRoute("large", ()), "*": ModelRoute("*", ())}, {"docs": EmbeddingRoute("docs", ())})


def config(ledger=None, alerts=None):
    return structs.replace(
        PLAIN, spending=Spending(ledger=ledger or LedgerSettings(), alerts=alerts or AlertSettings())
    )


@pytest.fixture
def learning(clock):
    return Learning(clock, lambda: config(KEPT), SimpleNamespace(name="", available=()), lambda _: None)


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


def test_models_are_told_by_kind_but_for_the_rest_of_them(learning):
    assert learning.models() == {"chat": ["large"], "embeddings": ["docs"]}


def test_it_tells_where_records_are_kept_and_whether_it_learns(learning):
    assert (learning.ledger(), learning.tracks()) == (KEPT, True)
