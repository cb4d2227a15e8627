"""What limits somebody, by the configuration alone: which budgets and rates his requests count in. Pure."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from proxy.budgets.scopes import cut, of_rate, of_request
from proxy.config.spending import EACH, Budget, Dimension, Rate
from proxy.flow import Who


class Holds(Struct, frozen=True):
    """One budget, or one rate."""

    limit: Budget | Rate
    scope: Mapping[Dimension, str]
    """Whose account it is: `*` where it is another one for each model or provider that answers."""


def budgets_for(who: Who, budgets: Iterable[Budget]) -> list[Holds]:
    """Those that a request of `who` counts in, whoever answers."""
    found = []
    for budget in budgets:
        parts = cut(budget.scope)
        values = of_request(parts, who)
        if values is not None:
            asked = {dimension: value for (dimension, _), value in zip(parts.asked, values, strict=True)}
            found.append(Holds(budget, {**asked, **dict(parts.served)}))
    return found


def rates_for(who: Who, rates: Iterable[Rate]) -> list[Holds]:
    """The same, whatever model is asked for."""
    found = []
    for rate in rates:
        model = rate.scope.get("model", "")
        pairs = tuple(sorted(rate.scope.items()))
        values = of_rate(pairs, who, model)
        if values is not None:
            found.append(Holds(rate, {dimension: value for (dimension, _), value in zip(pairs, values, strict=True)}))
    return found


def within(scope: Mapping[str, str], values: Mapping[str, str]) -> bool:
    """Whether an account of these values is one of those that `scope` speaks of."""
    return scope.keys() == values.keys() and all(one in (EACH, values[name]) for name, one in scope.items())
