"""What nobody knows a price of is told before the first request is refused for it."""

import pytest
from msgspec import structs

from proxy.budgets.unpriced import warnings_of
from proxy.config.spending import Budget, Price, Spending
from proxy.config.values import Config, EmbeddingRoute, ModelRoute, Provider, Step
from translators.ir import Dialect

PROVIDERS = {name: Provider(name, Dialect.OPENAI_CHAT, f"https://{name}.test") for name in ("alpha", "beta")}
CHAIN = (Step("alpha", "large"), Step("beta", "big"), Step("beta", "*"))
CONFIG = Config(PROVIDERS, {"m": ModelRoute("m", CHAIN), "n": ModelRoute("n", CHAIN[:1])})
DAY = Budget("day", "usd", 1, "day")
ALPHA = {"alpha/large": Price(1, 1)}


def told(*budgets: Budget, prices=ALPHA, config=CONFIG, **more) -> list[str]:
    spending = Spending(budgets=budgets, prices=prices, **more)
    return warnings_of(structs.replace(config, spending=spending), lambda: 0.0)


def test_a_target_without_a_price_is_told_once_with_who_refuses_it_and_what_to_add():
    (line,) = told(DAY, Budget("soft", "usd", 1, "day", hard=False))
    assert line == (
        'no price is known for beta/big, so budget "day" and budget "soft" will refuse it (403 unpriced_model): '
        'add [prices."beta/big"], or unpriced = "allow" to the budget'
    )
    assert len(told(DAY, prices={})) == 2


def test_a_limit_of_one_request_refuses_it_too():
    (line,) = told(max_cost_per_request=5)
    assert line.endswith('so max_cost_per_request_usd will refuse it (403 unpriced_model): add [prices."beta/big"]')


@pytest.mark.parametrize(
    "budget",
    [
        Budget("day", "tokens", 1, "day"),
        structs.replace(DAY, unpriced="allow"),
        structs.replace(DAY, scope={"provider": "alpha"}),
        structs.replace(DAY, scope={"provider": "*", "model": "large"}),
    ],
)
def test_what_such_a_budget_does_not_refuse_is_not_told(budget):
    assert told(budget) == []


def test_what_has_a_price_is_not_told():
    assert told(DAY, prices=ALPHA | {"beta/*": Price(1, 1)}) == []
    assert told(prices={}) == []


def test_models_of_embeddings_are_looked_at_as_well():
    config = structs.replace(CONFIG, embeddings={"e": EmbeddingRoute("e", (Step("beta", "vectors"),))})
    assert any("beta/vectors" in line for line in told(DAY, config=config))
