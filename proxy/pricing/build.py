"""Makes the table that ships out of the genai-prices package, which only developers have: it costs 28 MB and pydantic.

What is taken is what tokens cost, of the vendors that profiles.toml knows: input, output, what goes into and comes from
a cache, thinking, sound, by length of the input, by tier of service, by day and hour. Prices that were left before the
table's day are not kept.

A model that is also charged by something else than tokens of text and sound (pages, hours, pictures) is left without a
price, but for embeddings, which Sidestep makes of text alone. What has no price there at all is free only where its
name says so (`:free`). Of the fees for a provider's own tools those for searches of the web are in the table; Google
charges for them by the prompt up to Gemini 2, and by the search since.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import structs

from proxy.config.spending import NANOS, Price, Served, Tier
from proxy.pricing.table import VENDORS, Change, Content, Listed, Match, Row

if TYPE_CHECKING:
    from genai_prices import types

FIELDS: Final[Mapping[str, str]] = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "audio",
    "output_audio_mtok": "audio_output",
    "web_searches_kcount": "search",
}
"""The package's names -> ours."""
APART: Final = frozenset({"storage_searches_kcount", "cache_audio_read_mtok"})
"""Fees for other tools; and sound from a cache, which counts as other sound: never less than it costs."""
FREE: Final = Price(input=0, output=0)
_BY_PROMPT: Final = re.compile(r"gemini-[12]\.")
"""Models of which a call costs as one search, however often it searches."""
_CLAUSES: Final[Mapping[str, str]] = {
    "ClauseEquals": "equals",
    "ClauseStartsWith": "starts_with",
    "ClauseEndsWith": "ends_with",
    "ClauseContains": "contains",
}


def built(day: date) -> bytes:
    """The file's content for a table of this day, a model a line. Raises ImportError where the package is missing."""
    from importlib.metadata import version  # noqa: PLC0415 - see the module's docstring

    from genai_prices.data import providers  # noqa: PLC0415 - likewise

    return render(providers, f"genai-prices {version('genai-prices')}", day)


def render(providers: "Iterable[types.Provider]", source: str, day: date) -> bytes:
    """The same for given price lists."""
    by_id = {provider.id: provider for provider in providers}
    wanted = dict.fromkeys(VENDORS.values())
    lists = {name: _listed(by_id[name], [*wanted], day) for name in wanted}
    encode = msgspec.json.encode
    content = Content(source, day.isoformat(), {name: msgspec.Raw(encode(one)) for name, one in lists.items()})
    return encode(content).replace(b'{"id":', b'\n{"id":') + b"\n"


def _listed(provider: "types.Provider", known: Sequence[str], day: date) -> Listed:
    others = tuple(name for name in provider.fallback_model_providers or () if name in known)
    return Listed(tuple(_row(model, day) for model in provider.models), others)


def _row(model: "types.ModelInfo", day: date) -> Row:
    conditions: list[Any] = [model.prices] if not isinstance(model.prices, list) else list(model.prices)
    lasting = [place for place, one in enumerate(conditions) if _always(one, day)]
    first = conditions[lasting[-1]]
    changes = [_change(model, one) for one in conditions[lasting[-1] + 1 :]]
    return Row(model.id, match(model.match), _price(model, getattr(first, "prices", first)), tuple(changes))


def _always(condition: Any, day: date) -> bool:
    """Whether it has held since before the table's day, at any hour."""
    constraint = getattr(condition, "constraint", None)
    return constraint is None or (hasattr(constraint, "start_date") and constraint.start_date <= day)


def _change(model: "types.ModelInfo", condition: Any) -> Change:
    price, constraint = _price(model, condition.prices), condition.constraint
    if hasattr(constraint, "start_date"):
        since = datetime.combine(constraint.start_date, time(), UTC)
        return Change(price, since=int(since.timestamp()))
    return Change(price, hours=(_second(constraint.start_time), _second(constraint.end_time)))


def _second(at: time) -> int:
    """Of the day, in UTC."""
    there = datetime.combine(date(2000, 1, 1), at, at.tzinfo or UTC).astimezone(UTC)
    return there.hour * 3600 + there.minute * 60 + there.second


def _price(model: "types.ModelInfo", given: Any) -> Price | None:
    """None where tokens of text and sound are not all that is charged for."""
    told = _told(given)
    if not told:
        return FREE if model.id.endswith(":free") else None
    embeds = "output_mtok" not in told
    if "input_mtok" not in told or (not embeds and told.keys() - FIELDS.keys() - APART):
        return None
    served = [(word, variant) for variant in model.price_variants or () if (word := _word(variant.when))]
    whole = _by_prompt if "search" in map(FIELDS.get, told) and _BY_PROMPT.match(model.id) else _whole
    return structs.replace(
        whole(told),
        served=tuple(
            Served(word, whole({**told, **of}))
            for word, variant in served
            if (of := _told(variant.prices)) and not of.keys() - FIELDS.keys() - APART
        ),
    )


def _told(given: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(given).items() if value is not None}


def _word(when: Mapping[str, str]) -> str:
    """The tier of service that a variant is for, by our word; empty for one that no answer tells of (a batch)."""
    return when.get("service_tier") or ("fast" if when == {"speed": "fast"} else "")


def _whole(told: Mapping[str, Any]) -> Price:
    above = sorted({tier.start for value in told.values() for tier in getattr(value, "tiers", ())})
    return structs.replace(_flat(told, -1), tiers=tuple(Tier(start, _flat(told, start)) for start in above))


def _by_prompt(told: Mapping[str, Any]) -> Price:
    price = _whole(told)
    tiers = tuple(Tier(one.above, structs.replace(one.price, search_once=True)) for one in price.tiers)
    return structs.replace(price, search_once=True, tiers=tiers)


def _flat(told: Mapping[str, Any], start: int) -> Price:
    """The price for inputs longer than `start`; -1: for the shortest."""
    amounts = {FIELDS[name]: _nanos(_of(value, start)) for name, value in told.items() if name in FIELDS}
    return structs.replace(FREE, **amounts)


def _of(value: Any, start: int) -> Decimal:
    amount: Decimal = getattr(value, "base", value)
    for tier in getattr(value, "tiers", ()):
        if tier.start <= start:
            amount = tier.price
    return amount


def _nanos(amount: Decimal) -> int:
    """A price finer than a nano-dollar for a million tokens is rounded up."""
    return int((amount * NANOS).to_integral_value(ROUND_CEILING))


def match(clause: Any) -> Match:
    """The package's logic as data."""
    found: dict[str, list[Any]] = {}
    for one in _alternatives(clause):
        kind = type(one).__name__
        if kind == "ClauseRegex":
            found.setdefault("regex", []).append(one.regex)
        elif kind == "ClauseAnd":
            found.setdefault("all", []).append(tuple(match(part) for part in one.and_))
        else:
            name = _CLAUSES[kind]
            found.setdefault(name.partition("_")[0], []).append(getattr(one, name).lower())
    return Match(**{name: tuple(values) for name, values in found.items()})


def _alternatives(clause: Any) -> Iterable[Any]:
    for one in getattr(clause, "or_", [clause]):
        yield from _alternatives(one) if hasattr(one, "or_") else [one]
