"""Which balance of a budget a request counts in. Pure.

A scope has parts that are known with the request (client, team, user, task) and parts that are known with each target
(model, provider). A part is one value, or `*` for an amount of its own to every value. Where a request does not say
whose it is, the empty value is one like any other: leaving the user out is no way around a limit on users.
"""

from urllib.parse import quote

from msgspec import Struct

from proxy.config.spending import EACH, Budget, Dimension, Scope
from proxy.flow import Who

OF_TARGETS: frozenset[Dimension] = frozenset({"model", "provider"})


class Cut(Struct, frozen=True):
    """A scope in its two halves, as pairs of dimension and value in a fixed order."""

    asked: tuple[tuple[Dimension, str], ...]
    served: tuple[tuple[Dimension, str], ...]


def cut(scope: Scope) -> Cut:
    pairs = sorted(scope.items())
    return Cut(
        tuple(pair for pair in pairs if pair[0] not in OF_TARGETS),
        tuple(pair for pair in pairs if pair[0] in OF_TARGETS),
    )


def of_request(parts: Cut, who: Who) -> tuple[str, ...] | None:
    """The values of the request's half; None where the budget does not concern it."""
    return _values(parts.asked, who)


def of_target(parts: Cut, provider: str, model: str) -> tuple[str, ...] | None:
    """The values of the target's half, likewise; `model` is the one that serves, not the one that was asked for."""
    values = []
    for dimension, wanted in parts.served:
        value = provider if dimension == "provider" else model
        if wanted not in (EACH, value):
            return None
        values.append(value)
    return tuple(values)


def _values(pairs: tuple[tuple[Dimension, str], ...], who: Who) -> tuple[str, ...] | None:
    values = []
    for dimension, wanted in pairs:
        value = getattr(who, dimension)
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
    parts = cut(budget.scope)
    pairs = zip((*parts.asked, *parts.served), values, strict=True)
    whose = ", ".join(f"{dimension} {value or 'unnamed'}" for (dimension, _), value in pairs)
    return f"{budget.name} ({whose})" if whose else budget.name
