"""What a configuration says before any request does: where money is limited and nobody knows what a target costs.

A budget of dollars refuses such a target, and so does a limit of one request's cost. Where all of a chain are so, every
request is refused; that is to be known before the first. Names that clients choose (`provider/*`) are not known yet.
"""

from collections.abc import Callable, Iterator

from proxy.budgets.scopes import cut, of_target
from proxy.config.routes import ANY
from proxy.config.spending import Price
from proxy.config.values import Config, Provider
from proxy.pricing.prices import prices_of

PriceFor = Callable[[Provider, str], Price | None]
LIMIT = "max_cost_per_request_usd"


def warnings_of(config: Config, wall: Callable[[], float]) -> list[str]:
    """A line for each target of a chain whose price is missing, naming who refuses it and what to add."""
    if not config.spending.limits_money:
        return []
    return list(_lines(config, prices_of(config, wall).price_for))


def _lines(config: Config, price_for: PriceFor) -> Iterator[str]:
    chains = [route.chain for route in config.models.values()]
    chains += [route.chain for route in config.embeddings.values()]
    for step in dict.fromkeys(step for chain in chains for step in chain):
        if step.model == ANY or price_for(config.providers[step.provider], step.model) is not None:
            continue
        budgets = [f'budget "{name}"' for name in _budgets(config, step.provider, step.model)]
        limits = [LIMIT] if config.spending.max_cost_per_request is not None else []
        if budgets or limits:
            target = f"{step.provider}/{step.model}"
            allow = ', or unpriced = "allow" to the budget' if budgets and not limits else ""
            yield (
                f"no price is known for {target}, so {' and '.join(budgets + limits)} will refuse it "
                f'(403 unpriced_model): add [prices."{target}"]{allow}'
            )


def _budgets(config: Config, provider: str, model: str) -> Iterator[str]:
    for budget in config.spending.budgets:
        concerned = of_target(cut(budget.scope), provider, model) is not None
        if budget.unit == "usd" and budget.unpriced == "refuse" and concerned:
            yield budget.name
