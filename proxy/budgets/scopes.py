"""Which balance of a budget a request counts in. Pure.

A scope has parts that are known with the request (client, team, user, task) and parts that are known with each target
(model, provider). A part is one value, or `*` for an amount of its own to every value. Where a request does not say
whose it is, the empty value is one like any other: leaving the user out is no way around a limit on users.
"""

from collections.abc import Callable
from urllib.parse import quote

from msgspec import Struct

from proxy.config.spending import EACH, Budget, Dimension, Scope
from proxy.flow import Who

OF_TARGETS: frozenset[Dimension] = frozenset({"model", "provider"})


Pairs = tuple[tuple[Dimension, str], ...]
"""Of a scope: what must be so, in a fixed order."""


class Cut(Struct, frozen=True):
    """A scope in its two halves."""

    asked: Pairs
    served: Pairs

    @property
    def whole(self) -> Pairs:
        return (*self.asked, *self.served)

    def by_dimension(self, values: tuple[str, ...]) -> dict[str, str]:
        """The values of both halves, each by what it is a value of."""
        return {dimension: value for (dimension, _), value in zip(self.whole, values, strict=True)}


def cut(scope: Scope) -> Cut:
    pairs = sorted(scope.items())
    return Cut(
        tuple(pair for pair in pairs if pair[0] not in OF_TARGETS),
        tuple(pair for pair in pairs if pair[0] in OF_TARGETS),
    )


def of_request(parts: Cut, who: Who) -> tuple[str, ...] | None:
    """The values of the request's half; None where the budget does not concern it."""
    return matched(parts.asked, lambda dimension: _said(who, dimension))


def of_target(parts: Cut, provider: str, model: str) -> tuple[str, ...] | None:
    """The values of the target's half, likewise; `model` is the one that serves, not the one that was asked for."""
    return matched(parts.served, lambda dimension: provider if dimension == "provider" else model)


def of_rate(pairs: Pairs, who: Who, model: str) -> tuple[str, ...] | None:
    """The values of a whole scope before anybody is asked; `model` is the one that was asked for."""
    return matched(pairs, lambda dimension: model if dimension == "model" else _said(who, dimension))


def _said(who: Who, dimension: Dimension) -> str:
    value: str = getattr(who, dimension)
    return value


def matched(pairs: Pairs, value_of: Callable[[Dimension], str]) -> tuple[str, ...] | None:
    """The value of each part, where every part is as the scope wants it."""
    values = []
    for dimension, wanted in pairs:
        value = value_of(dimension)
        if wanted not in (EACH, value):
            return None
        values.append(value)
    return tuple(values)


def key_of(budget: Budget, values: tuple[str, ...], span: str) -> str:
    """What the balance is called in every store: the same in every process, and readable."""
    named = ",".join(quote(value, safe="") for value in values)
    return f"{budget.name}|{budget.unit}|{named}|{span}"


def told(budget: Budget, values: tuple[str, ...]) -> str:
    """Whose balance it is, for people: `daily (user alice)`."""
    return named(budget.name, cut(budget.scope).whole, values)


def named(name: str, pairs: Pairs, values: tuple[str, ...]) -> str:
    """What limits whom, for people; `pairs` are its scope's, with these values."""
    whose = ", ".join(f"{dimension} {value or 'unnamed'}" for (dimension, _), value in zip(pairs, values, strict=True))
    return f"{name} ({whose})" if whose else name
