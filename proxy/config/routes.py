"""`[models."NAME"]` and `[embeddings.NAME]`: which targets serve a name, in which order.

A chain is a list of `provider/model`; the model `*` stands for the one asked for. Vectors of different models cannot be
mixed, so an embedding chain names one model on all its targets, or the operator says why different names share a space.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Literal, cast

from proxy.config import settings
from proxy.config.errors import nearest
from proxy.config.ordering import read_ordering
from proxy.config.profiles import profile_for
from proxy.config.table import Range, Table, join, number
from proxy.config.values import (
    MODES,
    BreakerSettings,
    EmbeddingRoute,
    ModelRoute,
    ModeName,
    Provider,
    RetrySettings,
    Step,
    TimeoutSettings,
)
from translators.ir import Dialect

ANY: Final = "*"
CHAIN_CAP: Final = 16
MAX_OUTPUT: Final = Range(1, 10_000_000)

_ENVELOPE = frozenset({"model", "messages", "stream", "stream_options", "input"})
_DEFAULT_RANGES: Final[Mapping[str, tuple[type, Range]]] = {
    "temperature": (float, Range(0, 2)),
    "top_p": (float, Range(0, 1)),
    "frequency_penalty": (float, Range(-2, 2)),
    "presence_penalty": (float, Range(-2, 2)),
    "max_tokens": (int, MAX_OUTPUT),
    "max_completion_tokens": (int, MAX_OUTPUT),
    "n": (int, Range(1, 128)),
}


def read_models(table: Table, providers: Mapping[str, Provider]) -> dict[str, ModelRoute]:
    """Every route by name."""
    return {name: _model(name, block, providers) for name, block in table.tables()}


def _model(name: str, table: Table, providers: Mapping[str, Provider]) -> ModelRoute:
    if not name.strip() or len(name) > 256:
        table.problems.add(table.path, "a model's name has 1 to 256 characters")
    flag = table.flag("failover_on_content")
    chain = _chain(table, providers)
    route = ModelRoute(
        name=name,
        chain=chain,
        defaults=_defaults(table),
        max_output=table.number("max_output", int, MAX_OUTPUT),
        mode=cast("ModeName", table.choice("mode", MODES) or "warn"),
        failover_on_content=bool(flag),
        fan_out=bool(table.flag("fan_out")),
        sticky=cast("Literal['signed', 'none']", table.choice("sticky", ("signed", "none")) or "signed"),
        breaker=settings.changes(table.table("breaker"), BreakerSettings),
        retry=settings.changes(table.table("retry"), RetrySettings),
        timeouts=settings.changes(table.table("timeouts"), TimeoutSettings),
        ordering=read_ordering(table, _written(chain)),
    )
    for provider in (providers[step.provider] for step in route.chain):
        settings.apply(provider.breaker, route.breaker, table.at("breaker"), table.problems)
        settings.apply(provider.retry, route.retry, table.at("retry"), table.problems)
    table.finish()
    return route


def read_embeddings(table: Table, providers: Mapping[str, Provider]) -> dict[str, EmbeddingRoute]:
    """Every embedding route by name."""
    return {name: _embedding(name, block, providers) for name, block in table.tables()}


def _embedding(name: str, table: Table, providers: Mapping[str, Provider]) -> EmbeddingRoute:
    chain = _chain(table, providers)
    for step in chain:
        provider = providers[step.provider]
        if provider.dialect is Dialect.ANTHROPIC_MESSAGES or not profile_for(provider, step.model).embeddings:
            table.wrong("chain", f"{step.provider}/{step.model} cannot serve embeddings")
    reason = table.text("same_space")
    models = sorted({step.model for step in chain})
    if ANY in models:
        table.wrong("chain", "must name its models: vectors of whatever model is asked for cannot be mixed")
    elif len(models) > 1 and reason is None and "same_space" not in table:
        table.wrong(
            "chain",
            f"would mix the vectors of {' and '.join(models)}; name one model on every target, "
            'or say same_space = "why their vectors are of one space"',
        )
    dimensions = table.number("dimensions", int, Range(1, 65_536))
    ordering = read_ordering(table, _written(chain))
    table.finish()
    return EmbeddingRoute(name, chain, dimensions, reason, ordering)


def _written(chain: Sequence[Step]) -> list[str]:
    return [f"{step.provider}/{step.model}" for step in chain]


def _chain(table: Table, providers: Mapping[str, Provider]) -> tuple[Step, ...]:
    entries = table.texts("chain")
    if entries is None:
        if "chain" not in table:
            table.wrong("chain", 'is missing: say chain = ["provider/model", ...]')
        return ()
    if not table.raw("chain"):
        table.wrong("chain", "must name at least one target")
    if len(entries) > CHAIN_CAP:
        table.wrong("chain", f"must name at most {CHAIN_CAP} targets, not {len(entries)}")
    steps = [step for place, entry in enumerate(entries) if (step := _step(entry, place, table, providers))]
    for step in dict.fromkeys(step for step in steps if steps.count(step) > 1):
        table.wrong("chain", f"names {step.provider}/{step.model} twice")
    return tuple(steps)


def _step(entry: str, place: int, table: Table, providers: Collection[str]) -> Step | None:
    provider, slash, model = entry.partition("/")
    where = f"entry {place + 1}"
    if not slash or not provider or not model.strip():
        table.wrong("chain", f'{where} must be "provider/model", not "{entry}"')
        return None
    if provider not in providers:
        missing = join("providers", provider)
        table.wrong("chain", f'{where} names "{provider}", but there is no [{missing}]{nearest(provider, providers)}')
        return None
    return Step(provider, model)


def _defaults(table: Table) -> dict[str, Any]:
    fields = table.plain("defaults")
    for name, value in fields.items():
        if problem := _default(name, value):
            table.problems.add(join(table.at("defaults"), name), problem)
    return fields


def _default(name: str, value: object) -> str:
    if name in _ENVELOPE:
        return "belongs to each request and has no default"
    if name in _DEFAULT_RANGES:
        return number(value, *_DEFAULT_RANGES[name])[1]
    return "" if _is_json(value) else "must be a JSON value (no dates, no nan, no inf)"


def _is_json(value: object) -> bool:
    match value:
        case dict():
            return all(_is_json(item) for item in value.values())
        case list():
            return all(_is_json(item) for item in value)
        case float():
            return math.isfinite(value)
        case _:
            return isinstance(value, (str, int, bool))
