"""`[server]` and `[admin]`: where the proxy listens, and that nobody is served there who must not be.

Without clients anyone who reaches the data port is served, so it then stays on this machine; there is no switch for
that. The admin port off this machine needs a token.
"""

from collections.abc import Mapping
from typing import Literal, cast

from msgspec import Struct, structs

from proxy.config.addresses import is_host, is_listenable, is_loopback, join_listen, split_listen
from proxy.config.clients import CLIENT_VARIABLE, digests
from proxy.config.errors import OPTION, Problems
from proxy.config.table import Range, Table
from proxy.config.values import (
    AdminSettings,
    Config,
    Provider,
    RecordSettings,
    ServerSettings,
)


class Overrides(Struct, frozen=True):
    """What the command line says about the listeners and of recording; None where it says nothing."""

    host: str | None = None
    port: int | None = None
    admin: str | None = None
    record: RecordSettings | None = None


def read_server(table: Table, overrides: Overrides) -> ServerSettings:
    base = ServerSettings()
    server = ServerSettings(
        listen=_address(table, "listen", base.listen),
        admin=_address(table, "admin", base.admin),
        drain_s=_or(table.number("drain_s", float, Range(0, 3600)), base.drain_s),
        watch=bool(table.flag("watch")),
        engine=cast("Literal['native', 'httpx2']", table.choice("engine", ("native", "httpx2")) or base.engine),
        cluster_hosts=_hosts(table),
        refresh_capabilities=table.flag("refresh_capabilities") is not False,
    )
    table.finish()
    return override(server, overrides, table.problems)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _hosts(table: Table) -> tuple[str, ...]:
    names = table.texts("cluster_hosts") or ()
    for place, name in enumerate(names):
        if not is_host(name):
            table.wrong("cluster_hosts", f"entry {place + 1} must be a host name alone, without scheme or port")
    return names


def _address(table: Table, key: str, default: str) -> str:
    text = table.text(key)
    if text is None:
        return default
    try:
        return join_listen(*split_listen(text, default))
    except ValueError as error:
        table.wrong(key, str(error))
        return default


def override(server: ServerSettings, overrides: Overrides, problems: Problems) -> ServerSettings:
    """The listeners as the command line wants them."""
    host, port = split_listen(server.listen)
    if overrides.host is not None:
        named = overrides.host.strip("[]")
        if is_listenable(named):
            host = named
        else:
            problems.add("--host", "must be an address or a host's name alone, as in 127.0.0.1", OPTION)
    if overrides.port is not None:
        port = overrides.port
    base = ServerSettings()
    listen = _checked("--port", join_listen(host, port), base.listen, problems)
    admin = server.admin if overrides.admin is None else _checked("--admin", overrides.admin, base.admin, problems)
    return structs.replace(server, listen=listen or server.listen, admin=admin or server.admin)


def _checked(option: str, address: str, like: str, problems: Problems) -> str:
    try:
        return join_listen(*split_listen(address, like))
    except ValueError as error:
        problems.add(option, str(error), OPTION)
        return ""


def read_admin(table: Table) -> AdminSettings:
    admin = AdminSettings(digests(table, "token_sha256"))
    table.finish()
    return admin


def check_exposure(config: Config, overrides: Overrides, problems: Problems) -> None:
    """Who may reach what: the rules that tie listeners, clients, admin tokens and caller-supplied keys together."""
    server = config.server
    if server.listen == server.admin and not server.listen.endswith(":0"):
        _told_collision(server.listen, overrides, problems)
    if not is_loopback(split_listen(server.listen)[0]) and not config.clients:
        message = (
            f"{server.listen} is reachable from other machines, so clients must be configured: "
            f"add [clients.NAME] or {CLIENT_VARIABLE} (`sidestep key new NAME` makes a key)"
        )
        _told("host" if overrides.host is not None else "listen", message, overrides.host, problems)
    if not is_loopback(split_listen(server.admin)[0]) and not config.admin.token_sha256:
        message = f"{server.admin} is reachable from other machines, so it needs [admin] token_sha256"
        _told("admin", message, overrides.admin, problems)
    if config.clients:
        _check_client_keys(config.providers, problems)


def _told_collision(address: str, overrides: Overrides, problems: Problems) -> None:
    moved = next((name for name in ("port", "host") if getattr(overrides, name) is not None), None)
    if overrides.admin is None and moved:
        message = f"{address} is the admin port's own address; choose another, or move that one with --admin"
        problems.add(f"--{moved}", message, OPTION)
    else:
        _told("admin", "is the data port's own address", overrides.admin, problems)


def _told(name: str, message: str, option: str | None, problems: Problems) -> None:
    if option is None:
        problems.add(f"server.{name}", message)
    else:
        problems.add(f"--{name}", message, OPTION)


def _check_client_keys(providers: Mapping[str, Provider], problems: Problems) -> None:
    for provider in providers.values():
        if provider.client_key:
            problems.add(
                f"providers.{provider.name}.keys",
                '"client" cannot stand beside clients: one authorization header is either our key or the provider\'s',
            )
