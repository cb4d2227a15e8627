"""`sidestep prices`: what a model costs and who says so; and, for developers, the making of the table that ships."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from proxy.cli.options import Stop, add_config, add_json, refusal

if TYPE_CHECKING:
    from datetime import date

    from proxy.cli.options import Commands
    from proxy.config.spending import Price
    from proxy.config.values import Config, Provider

KINDS: Final = {
    "input": "input",
    "cached": "input from a cache",
    "cache_write": "input into a cache",
    "cache_write_1h": "input into a cache, for an hour",
    "audio": "input that is sound",
    "output": "output",
    "reasoning": "output that is thinking",
    "audio_output": "output that is sound",
}


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "prices",
        help="tell what a model costs, and where the price is from",
        description="Tells what a model costs, by the configuration or the table that ships. Makes no call.",
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    show = inner.add_parser(
        "show",
        help="the price of a model at each provider that it may be asked for",
        description="Tells the price of a model, in dollars for a million tokens, at each target of its chain. Without "
        "a configuration, or for a model that it does not serve: at the vendor whose model it is, or VENDOR in "
        "VENDOR/MODEL.",
    )
    show.add_argument("model", metavar="MODEL", help="a name that clients may ask for, or provider/model")
    add_config(show)
    add_json(show)
    show.set_defaults(run=run)
    build = inner.add_parser(
        "build",
        help="make the table that ships anew, out of the genai-prices package",
        description="Writes the table of prices that ships with Sidestep, out of the genai-prices package, which is "
        "a requirement of developers alone.",
    )
    build.add_argument("--output", metavar="FILE", help="where it is written (default: its place in the package)")
    build.add_argument("--date", metavar="DAY", help="the day that it holds from, such as 2026-11-21 (default: today)")
    build.set_defaults(run=run_build)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.model.isprintable():
        raise Stop("MODEL must be a name of printable characters", code=2)
    told = shown(arguments.model, _config(arguments.config))
    if not told:
        raise Stop(f"nobody is known to serve '{arguments.model[:100]}'; ask for provider/model or vendor/model")
    if arguments.json:
        import json  # noqa: PLC0415 - see the package's docstring

        print(json.dumps(told, indent=2))
    else:
        print("\n".join(line for one in told for line in lines(one)))
    return 0


def run_build(arguments: argparse.Namespace) -> int:
    from pathlib import Path  # noqa: PLC0415 - see the package's docstring

    import proxy.pricing  # noqa: PLC0415 - likewise
    from proxy.pricing import build, table  # noqa: PLC0415 - likewise

    day = _day(arguments.date)
    try:
        content = build.built(day)
    except ImportError:
        raise Stop("the genai-prices package is not installed; `make install-dev` does that") from None
    place = Path(arguments.output) if arguments.output else Path(proxy.pricing.__path__[0], table.FILE)
    place.write_bytes(content)
    models = content.count(b'{"id":')
    print(f"{place}: {models} models, {len(content)} bytes")
    return 0


def _day(text: str | None) -> "date":
    from datetime import UTC, date, datetime  # noqa: PLC0415 - see the package's docstring

    from proxy.clock import SystemClock  # noqa: PLC0415 - likewise

    try:
        return date.fromisoformat(text) if text else datetime.fromtimestamp(SystemClock().wall(), UTC).date()
    except ValueError:
        raise Stop(f"--date must be a day such as 2026-11-21, not {text}", code=2) from None


def _config(path: str | None) -> "Config | None":
    """What rules; prices need no key. None where nothing is configured."""
    import os  # noqa: PLC0415 - see the package's docstring

    from proxy.config.errors import ConfigErrors, NoKeys  # noqa: PLC0415 - likewise
    from proxy.config.load import load, named_file  # noqa: PLC0415 - likewise

    try:
        return load(path, os.environ, offline=bool(named_file(path, os.environ))).config
    except NoKeys:
        return None
    except ConfigErrors as error:
        raise refusal(error) from None


def shown(model: str, config: "Config | None") -> list[dict[str, Any]]:
    """The price of `model` at each target, in JSON's terms; `price` is null where nobody knows one."""
    from proxy.clock import SystemClock  # noqa: PLC0415 - see the package's docstring
    from proxy.config.values import Config  # noqa: PLC0415 - likewise
    from proxy.pricing.prices import prices_of  # noqa: PLC0415 - likewise

    places = _places(model, config)
    known = config or Config({}, {})
    at = {provider.name: provider for provider, _ in places}
    prices = prices_of(Config(at, {}, spending=known.spending), SystemClock().wall)
    return [
        {
            "target": f"{provider.name}/{name}",
            "price": _plain(prices.price_for(provider, name)),
            "source": prices.source(provider, name) or None,
        }
        for provider, name in places
    ]


def _places(model: str, config: "Config | None") -> "list[tuple[Provider, str]]":
    from proxy.config.profiles import profile_for, vendor_of, vendors  # noqa: PLC0415 - see the package's docstring
    from proxy.config.values import Provider  # noqa: PLC0415 - likewise
    from proxy.routing.resolve import Router  # noqa: PLC0415 - likewise

    if config is not None:
        router = Router(config, profile_for, vendor_of)
        found = [one for one in (router.chat(model), router.embeddings(model)) if one is not None]
        if found:
            return list(
                {target.name: (target.provider, target.model) for one in found for target in one.targets}.values()
            )
    name, _, rest = model.partition("/")
    if rest and config is not None and name in config.providers:
        return [(config.providers[name], rest)]
    owner, asked = (name, rest) if rest and name in vendors() else (vendor_of(model), model)
    if owner is None:
        return []
    vendor = vendors()[owner]
    return [(Provider(owner, vendor.dialect, vendor.base_url, vendor=owner), asked)]


def _plain(price: "Price | None") -> dict[str, Any] | None:
    """Dollars for a million tokens, and for 1,000 searches, as exact texts; the fee for a call in dollars."""
    from proxy.config.spending import dollars  # noqa: PLC0415 - see the package's docstring

    if price is None:
        return None
    plain: dict[str, Any] = {kind: dollars(amount) for kind in KINDS if (amount := getattr(price, kind)) is not None}
    if price.request:
        plain["request"] = dollars(price.request)
    if price.search is not None:
        plain["search"] = dollars(price.search)
        plain["search_once"] = price.search_once
    if price.tiers:
        plain["tiers"] = [{"above": tier.above, **(_plain(tier.price) or {})} for tier in price.tiers]
    if price.served:
        plain["served"] = {one.tier: _plain(one.price) for one in price.served}
    return plain


def lines(told: dict[str, Any]) -> Iterator[str]:
    """One target's price as text."""
    if told["price"] is None:
        yield f'{told["target"]}: no price is known; [prices."{told["target"]}"] can say one'
        return
    yield f"{told['target']}: {told['source']}"
    yield from _priced(told["price"], "  ")
    for tier in told["price"].get("tiers", ()):
        yield f"  with more than {tier['above']} tokens of input, for all of the call:"
        yield from _priced(tier, "    ")
    for word, price in told["price"].get("served", {}).items():
        yield f"  served as {word}:"
        yield from _priced(price, "    ")
        for tier in price.get("tiers", ()):
            yield f"    with more than {tier['above']} tokens of input:"
            yield from _priced(tier, "      ")


def _priced(price: dict[str, Any], indent: str) -> Iterator[str]:
    for kind, name in KINDS.items():
        if kind in price:
            yield f"{indent}{name:31}  {price[kind]:>10} USD for a million tokens"
    if "request" in price:
        yield f"{indent}{'each call':31}  {price['request']:>10} USD"
    if "search" in price:
        what = "calls that search the web" if price["search_once"] else "searches of the web"
        yield f"{indent}{what:31}  {price['search']:>10} USD for a thousand"
