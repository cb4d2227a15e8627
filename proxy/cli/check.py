"""`sidestep check`: is the configuration right, and what does it come to?"""

import argparse
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from proxy.cli import selection, spending
from proxy.cli.options import Stop, add_config, add_json, load

if TYPE_CHECKING:
    from proxy.cli.options import Commands


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "check",
        help="check the configuration and print what it comes to",
        description="Checks the configuration and prints the resolved stack, without keys. Makes no call. "
        "Exit code 1 when something is wrong; then every mistake is told, one a line.",
    )
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    try:
        loaded = load(arguments.config, code=1)
    except Stop as stop:
        if arguments.json:
            import json  # noqa: PLC0415 - see the package's docstring

            print(json.dumps({"errors": stop.lines}, indent=2))
        raise
    from proxy.budgets.unpriced import warnings_of  # noqa: PLC0415 - see the package's docstring
    from proxy.cli.describe import describe  # noqa: PLC0415 - likewise
    from proxy.clock import SystemClock  # noqa: PLC0415 - likewise
    from proxy.config.zero import no_failover  # noqa: PLC0415 - likewise

    config = loaded.config
    alone = filter(None, [no_failover(config, os.environ)])
    stack = describe(config, [*loaded.warnings, *alone, *warnings_of(config, SystemClock().wall)])
    if arguments.json:
        import json  # noqa: PLC0415 - likewise

        print(json.dumps(stack, indent=2))
    else:
        print("\n".join(lines(stack)))
    return 0


def lines(stack: dict[str, Any]) -> Iterator[str]:
    """The stack as text."""
    server = stack["server"]
    yield f"configuration  {stack['source']}"
    watched = ", follows its file" if server["watch"] else ""
    yield f"data port      {server['listen']} (engine {server['engine']}, drain {server['drain_s']:g} s{watched})"
    yield f"clients        {_clients(stack['clients'])}"
    yield f"admin port     {server['admin']} ({_count(stack['admin']['tokens'], 'token')})"
    if server["cluster_hosts"]:
        yield f"without TLS    {' '.join(server['cluster_hosts'])}"
    yield f"capabilities   {'asked for daily' if server['refresh_capabilities'] else 'not asked for'}"
    yield f"limits         {_settings(stack['limits'])}"
    yield f"health         {_settings(stack['health'])}"
    yield f"traces         {_traces(**stack['telemetry'])}"
    yield f"recording      {recording(**stack['record'])}"
    yield f"passthrough    {_passthrough(**stack['passthrough'])}"
    yield from spending.lines(stack["spending"])
    yield "\nproviders"
    for provider in stack["providers"]:
        yield from _provider(provider, stack["health"])
    yield from _routes("models", stack["models"], stack["defaults"])
    yield from _routes("embeddings", stack["embeddings"], stack["defaults"])
    if stack["selection"]["strategies"] or stack["selection"]["experiments"]:
        yield from selection.lines(stack["selection"])
    yield "\nwhere a target says nothing else"
    yield from (f"  {name:8} {_settings(values)}" for name, values in stack["defaults"].items())
    if stack["warnings"]:
        yield "\nwarnings"
        yield from (f"  {warning}" for warning in stack["warnings"])


def _clients(clients: list[dict[str, Any]]) -> str:
    if not clients:
        return "anyone on this machine"
    return ", ".join(f"{one['name']} ({', '.join(_client(one))})" for one in clients)


def _client(client: dict[str, Any]) -> Iterator[str]:
    yield " ".join(client["keys"])
    for key in ("mode", "team"):
        if client[key]:
            yield f"{key} {client[key]}"
    for key in ("models", "providers"):
        if client[key] is not None:
            yield f"{key} {' '.join(client[key])}"
    if client["speaks_for"]:
        yield f"speaks for {' '.join(client['speaks_for'])}"
    if client["max_cost_per_request_usd"]:
        yield f"at most {client['max_cost_per_request_usd']} USD a request"
    if client["may_choose_strategy"]:
        yield "may choose the strategy"
    yield from (f"{name}={value}" for name, value in client["tags"].items())


def _passthrough(provider: str, paths: list[str]) -> str:
    return f"to {provider}: {' '.join(paths)}" if provider else "none"


def _traces(otlp: str, headers: list[str], resource: dict[str, str], ratio: float, *, follows: bool) -> str:
    if not otlp:
        return "none"
    told = [f"to {otlp} as {resource['service.name']}"]
    told.append(f"{ratio:g} of the exchanges{' whose clients have not decided' if follows else ''}")
    told += [f"with {' '.join(headers)}"] if headers else []
    return ", ".join(told)


def recording(file: str, bytes: int, *, texts: bool) -> str:  # noqa: A002 - the setting's name
    """What is recorded, and where."""
    if not file:
        return "off"
    return f"to {file}, at most {bytes} bytes, texts {'kept' if texts else 'blanked'}"


def _count(items: list[str], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}" if items else f"no {noun} needed"


def _settings(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, bool | dict | list):
        import json  # noqa: PLC0415 - see the package's docstring

        return json.dumps(value, separators=(",", ":"))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _provider(provider: dict[str, Any], health: dict[str, Any]) -> Iterator[str]:
    yield f"  {provider['name']}: {provider['dialect']} at {provider['base_url']}"
    yield f"    keys     {', '.join(provider['keys']) or 'none'}"
    extras = {
        "vendor": provider["vendor"],
        "default model": provider["default_model"],
        "headers": " ".join(provider["headers"]),
        "proxy": provider["proxy"],
        "ca_file": provider["ca_file"],
        "token_url": provider["token_url"],
        "per_target": provider["per_target"] or "",
        "trace": "context" if provider["trace"] else "",
    }
    told = [f"{name} {value}" for name, value in extras.items() if value]
    if told:
        yield f"    with     {', '.join(told)}"
    if provider["health"] != health:
        yield f"    health   {_settings(provider['health'])}"
    if provider["profile"]:
        yield f"    profile  {_settings(provider['profile'])}"
    for model, fields in provider["models"].items():
        yield f'    models   "{model}": {_settings(fields)}'


def _routes(title: str, routes: list[dict[str, Any]], defaults: dict[str, Any]) -> Iterator[str]:
    if not routes:
        return
    yield f"\n{title}"
    for route in routes:
        yield f'  "{route["name"]}": {_route(route)}'
        for place, target in enumerate(route["chain"], 1):
            yield from _target(place, target, defaults)


def _route(route: dict[str, Any]) -> str:
    told = [f"deadline {route['deadline_s']:g} s", f"at most {route['total_attempts']} attempts"]
    told += [f"{name} {route[name]}" for name in ("mode", "max_output", "dimensions") if route.get(name)]
    told += [f"default {name}={_value(value)}" for name, value in route.get("defaults", {}).items()]
    if route.get("failover_on_content"):
        told.append("fails over on content refusals")
    if route.get("fan_out"):
        told.append("fans out")
    if route.get("sticky") == "none":
        told.append("tool loops do not stay")
    if route.get("ordering"):
        told += _ordering(**route["ordering"])
    if route.get("same_space"):
        told.append(f"same space: {route['same_space']}")
    return ", ".join(told)


def _ordering(order: str, weights: dict[str, float], free: dict[str, dict[str, int]], affinity: str) -> Iterator[str]:
    shares = " ".join(f"{name}={weight:g}" for name, weight in weights.items()) if order == "weighted" else ""
    yield f"order {order}{' ' * bool(shares)}{shares}"
    if order == "free_first":
        limits = {name: _settings({key: most for key, most in of.items() if most}) for name, of in free.items()}
        yield f"free {'; '.join(f'{name} {of}' for name, of in limits.items())}"
    if affinity != "none":
        yield f"stays by {affinity}"


def _target(place: int, target: dict[str, Any], defaults: dict[str, Any]) -> Iterator[str]:
    default = f" (models of other vendors: {target['default_model']})" if target["default_model"] else ""
    sizes = (("context_window", "context"), ("max_output", "output"))
    told = [target["dialect"], *(f"{target[name]} {label}" for name, label in sizes if target[name])]
    told.append(f"{target['attempts']} attempt{'' if target['attempts'] == 1 else 's'}")
    yield f"    {place}. {target['target']}{default}: {', '.join(told)}"
    for section, usual in defaults.items():
        own = {name: value for name, value in target[section].items() if value != usual[name]}
        if own:
            yield f"       {section} {_settings(own)}"
