"""`sidestep serve`: says what will be served, and serves it."""

import argparse
import gc
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxy.cli.check import recording
from proxy.cli.options import add_config, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proxy.cli.options import Commands
    from proxy.config.followed import Followed
    from proxy.config.listeners import Overrides
    from proxy.config.values import Config, Provider, RecordSettings

DEMO_NOTICE = (
    "DEMO: no provider has a key, so two scripted providers inside this process answer. "
    "Every answer is made up and says so. Set OPENAI_API_KEY or another vendor's key for real ones."
)


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "serve",
        help="run the proxy",
        description="Runs the proxy until SIGTERM or Ctrl-C. Without a configuration file the environment decides: "
        "AI_PROVIDER, AI_FALLBACK_PROVIDER and the vendors' usual key variables. SIGHUP makes it read its file again.",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What is said of a proxy that serves, recorded or not."""
    add_config(parser)
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1; another needs clients configured)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 4600; 0: any free one)")
    parser.add_argument("--admin", metavar="HOST:PORT", help="address of the admin port (default: 127.0.0.1:4601)")
    parser.add_argument(
        "--reuse-port", action="store_true", help="let several processes share the port (each needs its own --admin)"
    )
    parser.add_argument(
        "--demo-without-keys",
        action="store_true",
        help="when there is neither a file nor any key, serve scripted answers that say so, instead of refusing",
    )


def run(arguments: argparse.Namespace) -> int:
    return serve(arguments)


def serve(
    arguments: argparse.Namespace,
    record: "RecordSettings | None" = None,
    fit: "Callable[[RecordSettings], None]" = lambda _: None,
) -> int:
    """Serves until a signal; the exit code. `record` is what the command line says of recording, and `fit` raises Stop
    where that cannot be done."""
    gc.disable()  # until what is loaded is put aside (`proxy.server.lifecycle`): hardly any of it is ever dropped
    from proxy.config.errors import ConfigErrors, NoKeys  # noqa: PLC0415 - see the package's docstring
    from proxy.config.followed import Followed  # noqa: PLC0415 - likewise
    from proxy.config.listeners import Overrides  # noqa: PLC0415 - likewise

    overrides = Overrides(arguments.host, arguments.port, arguments.admin, record)
    followed = Followed(arguments.config, os.environ, overrides)
    try:
        try:
            loaded = followed.load()
        except NoKeys:
            if not arguments.demo_without_keys:
                raise
            if record is not None:
                fit(record)
            return _demo(overrides, reuse_port=arguments.reuse_port)
    except ConfigErrors as error:
        raise refusal(error) from None
    if record is not None:
        fit(record)
    return _serve(loaded.config, loaded.warnings, reuse_port=arguments.reuse_port, followed=followed)


def _demo(overrides: "Overrides", *, reuse_port: bool) -> int:
    """Serves the scripted providers, which run in a thread of their own. Raises ConfigErrors."""
    from anyio.from_thread import start_blocking_portal  # noqa: PLC0415 - see the package's docstring

    from proxy.config.load import relisten  # noqa: PLC0415 - likewise
    from proxy.drill.keyless import embedded_demo  # noqa: PLC0415 - likewise

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(embedded_demo()) as config:
        return _serve(relisten(config, os.environ, overrides), (), reuse_port=reuse_port)


def _serve(config: "Config", warnings: "Sequence[str]", *, reuse_port: bool, followed: "Followed | None" = None) -> int:
    """`followed` is what a reload reads again."""
    from proxy.app import build  # noqa: PLC0415 - see the package's docstring
    from proxy.clock import SystemClock  # noqa: PLC0415 - likewise
    from proxy.config.zero import no_failover  # noqa: PLC0415 - likewise
    from proxy.server import Running, run, too_few  # noqa: PLC0415 - likewise

    def ready(running: Running) -> None:
        told = [*warnings, *filter(None, [no_failover(config, os.environ), too_few(config.limits.in_flight)])]
        if config.spending.limits_money:
            from proxy.budgets.unpriced import warnings_of  # noqa: PLC0415 - likewise

            told += warnings_of(config, SystemClock().wall)
        for line in lines(config, told, running.data_url, running.admin_url):
            print(f"sidestep: {line}", file=sys.stderr)
        sys.stderr.flush()

    return run(config, build, reuse_port=reuse_port, ready=ready, followed=followed)


def lines(config: "Config", warnings: "Sequence[str]", data_url: str, admin_url: str) -> Iterator[str]:
    """The start-up lines: what serves, where, and the call to try."""
    from proxy.config.trying import curl  # noqa: PLC0415 - see the package's docstring

    if config.demo:
        yield DEMO_NOTICE
    yield from (f"warning: {warning}" for warning in warnings)
    for provider in config.providers.values():
        yield f"provider {provider.name}: {provider.dialect.value} at {provider.base_url}, {_keys(provider)}"
    for route in config.models.values():
        yield f"chain {route.name}: {' -> '.join(_step(config, step.provider, step.model) for step in route.chain)}"
    for entry in config.embeddings.values():
        yield f"embeddings {entry.name}: {' -> '.join(f'{step.provider}/{step.model}' for step in entry.chain)}"
    yield f"clients: {', '.join(config.clients) or 'anyone on this machine'}"
    if config.telemetry.otlp:
        yield f"traces to {config.telemetry.otlp}"
    if config.record.file:
        yield f"recording {recording(config.record.file, config.record.bytes, texts=config.record.texts)}"
    yield f"serving {data_url}/v1, admin {admin_url}, configured by {_source(config)}"
    yield f"try: {curl(config, data_url)}"


def _source(config: "Config") -> str:
    if config.demo:
        return "--demo-without-keys"
    return "the environment" if config.source == "environment" else config.source


def _keys(provider: "Provider") -> str:
    if provider.demo:
        return "scripted"
    if provider.client_key:
        return "the caller's own key"
    return f"key from {', '.join(key.source for key in provider.keys)}" if provider.keys else "no key"


def _step(config: "Config", name: str, model: str) -> str:
    default = config.providers[name].default_model
    return f"{name}/*" + (f" (else {default})" if default else "") if model == "*" else f"{name}/{model}"
