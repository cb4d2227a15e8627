"""From a file or the environment to a Config, or every reason why not.

A file is read only when it is named (by `--config`, else by SIDESTEP_CONFIG), never because it lies in the working
folder. Without one the environment alone decides (`proxy.config.zero`).
"""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from proxy.config import keyless, settings, zero
from proxy.config.choosing import Choosable, read_selection
from proxy.config.clients import Known, environment_client, read_clients
from proxy.config.dollars import read_dollars
from proxy.config.errors import ENVIRONMENT, OPTION, ConfigError, ConfigErrors, NoKeys, Problems
from proxy.config.ledger import read_ledger
from proxy.config.listeners import (
    Overrides,
    check_exposure,
    override,
    read_admin,
    read_server,
)
from proxy.config.origins import Origins, origins_of
from proxy.config.passthrough import read_passthrough
from proxy.config.providers import Common, read_providers
from proxy.config.record import read_record, recorded
from proxy.config.routes import ANY, read_embeddings, read_models
from proxy.config.spend import read_spending
from proxy.config.spending import Dimension, LedgerSettings
from proxy.config.table import Table, Written, join
from proxy.config.telemetry import read_telemetry
from proxy.config.values import (
    BreakerSettings,
    Config,
    HealthSettings,
    LimitSettings,
    RetrySettings,
    TimeoutSettings,
)

FILE_LIMIT: Final = 4 * 1024 * 1024


class Loaded(Struct, frozen=True):
    config: Config
    warnings: tuple[str, ...]
    origins: Origins = Origins()


def load(
    path: str | None, env: Mapping[str, str], overrides: Overrides | None = None, *, offline: bool = False
) -> Loaded:
    """The configuration at `path`, else at SIDESTEP_CONFIG, else of the environment.

    `overrides` are the command line's, already applied in the result. `offline` asks for no key: whatever
    names one finds a stand-in, and the result must not be served to anybody. Raises ConfigErrors with every mistake, or
    NoKeys when there is neither a file nor any key, not even one that cannot be used.
    """
    overrides = overrides or Overrides()
    if path is not None and not path.strip():
        raise ConfigErrors([ConfigError("--config", "must name a file", OPTION)])
    chosen = named_file(path, env)
    problems = Problems(chosen or ENVIRONMENT)
    content: dict[str, Any] = {}
    if chosen:
        content = _parsed(chosen, "" if path else f" (it is named by {zero.CONFIG_VARIABLE})")
        if offline:
            content, env = keyless.content(content), keyless.environment(env)
        config: Config | None = _from_file(content, env, overrides, problems)
    else:
        env = keyless.defaults(env) if offline else env
        config = zero.read_environment(env, overrides, problems)
    if config is None:
        problems.stop()
        if problems.warnings:
            unusable = [*problems.warnings, zero.no_keys("a key that can be used")]
            raise ConfigErrors([ConfigError("", line, "") for line in unusable])
        raise NoKeys([ConfigError("", zero.no_keys("a key"), "")])
    config = recorded(config, overrides.record, problems)
    check_exposure(config, overrides, problems)
    problems.stop()
    return Loaded(config, tuple(problems.warnings), origins_of(content))


def load_ledger(path: str | None, env: Mapping[str, str]) -> LedgerSettings:
    """Where the configuration of the same arguments keeps budgets and usage, and nothing else of it: who only reads
    there needs no provider's key. Raises ConfigErrors."""
    chosen = named_file(path, env)
    problems = Problems(chosen or ENVIRONMENT)
    root = Table(_parsed(chosen, "") if chosen else {}, "", problems)
    section = root.table("ledger") if "ledger" in root else None
    found = read_ledger(section, env, problems, asked="budgets" in root)
    problems.stop()
    return found


def named_file(path: str | None, env: Mapping[str, str]) -> str:
    """The file that decides, by the command line or else by SIDESTEP_CONFIG; empty where there is none."""
    return path or env.get(zero.CONFIG_VARIABLE, "").strip()


def relisten(config: Config, env: Mapping[str, str], overrides: Overrides) -> Config:
    """`config` (the demo's) with the listeners, clients and traces that command line and environment ask for, under the
    same rules. Raises ConfigErrors.
    """
    problems = Problems(ENVIRONMENT)
    client = environment_client(env, problems)
    changed = structs.replace(
        config,
        server=override(config.server, overrides, problems),
        clients={client.name: client} if client else config.clients,
        telemetry=read_telemetry(env, problems),
    )
    changed = recorded(changed, overrides.record, problems)
    check_exposure(changed, overrides, problems)
    problems.stop()
    return changed


def _from_file(content: Mapping[str, Any], env: Mapping[str, str], overrides: Overrides, problems: Problems) -> Config:
    root = Table(content, "", problems)
    server = read_server(root.table("server"), overrides)
    section = root.table("limits")
    dearest = read_dollars(section, "max_cost_per_request_usd")
    limits = settings.over(LimitSettings(), section)
    common = Common(
        env=env,
        listen=server.listen,
        cluster_hosts=server.cluster_hosts,
        breaker=settings.over(BreakerSettings(), root.table("breaker")),
        retry=settings.over(RetrySettings(), root.table("retry")),
        timeouts=settings.over(TimeoutSettings(), root.table("timeouts")),
        health=settings.over(HealthSettings(), root.table("health")),
        per_target=limits.per_target,
    )
    providers = read_providers(root.table("providers"), common)
    models = read_models(root.table("models"), providers)
    embeddings = read_embeddings(root.table("embeddings"), providers)
    selection = read_selection(root, env, Choosable(providers, models, embeddings))
    asked = (*models, *embeddings, *selection.names())
    clients = read_clients(root.table("clients"), env, Known(asked, providers))
    names: dict[Dimension, Collection[str]] = {"client": clients, "model": asked, "provider": providers}
    spending = read_spending(root, env, server.cluster_hosts, names, models)
    section = root.table("passthrough")
    fee = read_dollars(section, "fee_usd")
    config = Config(
        providers=providers,
        models=models,
        embeddings=embeddings,
        clients=clients,
        server=server,
        admin=read_admin(root.table("admin")),
        limits=limits,
        timeouts=common.timeouts,
        passthrough=read_passthrough(section, providers),
        health=common.health,
        telemetry=read_telemetry(env, problems, root.table("telemetry"), server.cluster_hosts),
        record=read_record(root.table("record")),
        spending=structs.replace(spending, max_cost_per_request=dearest, passthrough_fee=fee),
        selection=selection,
        source=problems.source,
    )
    root.finish()
    _check_whole(config, problems)
    if zero.PRIMARY in env or zero.FALLBACK in env:
        problems.warnings.append(
            f"{zero.PRIMARY} and {zero.FALLBACK} are not read: {config.source} says which providers serve"
        )
    return config


def _check_whole(config: Config, problems: Problems) -> None:
    if not config.providers:
        problems.add("providers", "is missing: add at least one [providers.NAME]")
    if not config.models and not config.embeddings:
        problems.add("models", 'is missing: add at least one [models."NAME"] with a chain, or [models."*"]')
    for route in config.models.values():
        for step in route.chain[1:]:
            provider = config.providers[step.provider]
            if step.model == ANY and not provider.default_model:
                where = join(join("models", route.name), "chain")
                message = (
                    f"{step.provider}/* has no default_model, so every model is asked for there by the client's name"
                )
                problems.warn(where, message)


def _parsed(path: str, named: str) -> dict[str, Any]:
    """The file's content. Raises ConfigErrors with one line when it cannot be read at all."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {(error.strerror or 'unknown error').lower()}{named}") from None
    if len(content) > FILE_LIMIT:
        raise _unreadable(path, f"is larger than {FILE_LIMIT} bytes")
    try:
        return tomllib.loads(content.decode("utf-8"), parse_float=Written)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, f"line {line} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(path, f"is not valid TOML: {_lowered(str(error))}") from None
    except RecursionError:
        raise _unreadable(path, "is nested too deeply") from None


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _unreadable(path: str, message: str) -> ConfigErrors:
    return ConfigErrors([ConfigError("", message, path)])
