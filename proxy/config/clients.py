"""`[clients.NAME]`: who may ask, for what, at whose providers, on whose account.

A client's `models` are names that requests may give. With `[models."*"]` any name may be asked for, so any may stand
there; otherwise each must be one that is configured, or the beginning of one. What passes through names no model that
is read here; it counts as the model `passthrough`.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, cast

from msgspec import Struct

from proxy.config.dollars import read_dollars
from proxy.config.errors import ENVIRONMENT, Problems, listed, nearest
from proxy.config.scopes import VALUE_CAP
from proxy.config.secrets import digest
from proxy.config.table import Table
from proxy.config.values import MODES, Client, ModeName

CLIENT_VARIABLE: Final = "SIDESTEP_CLIENT_SHA256"
ENV_CLIENT: Final = "env"
SPEAKS_FOR: Final = ("user", "team", "task")
TAGS_CAP: Final = 16
PASSES: Final = "passthrough"
"""Stands among a client's models for what passes through."""

_TAG = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


class Known(Struct, frozen=True):
    """What a client's lists may name."""

    models: Collection[str]
    """By configuration: of chats and embeddings, `*` among them where any may be asked for."""
    providers: Collection[str]


def read_clients(table: Table, env: Mapping[str, str], known: Known) -> dict[str, Client]:
    """The clients of the file and, under the name `env`, of SIDESTEP_CLIENT_SHA256."""
    found = {name: _client(name, block, known) for name, block in table.tables()}
    from_env = environment_client(env, table.problems)
    if from_env and ENV_CLIENT in found:
        table.wrong(ENV_CLIENT, f"is the name of the client that {CLIENT_VARIABLE} describes; choose another")
    if from_env:
        found[ENV_CLIENT] = from_env
    _check_owners(found.values(), table.problems)
    return found


def _client(name: str, block: Table, known: Known) -> Client:
    client = Client(
        name,
        digests(block, "key_sha256"),
        cast("ModeName | None", block.choice("mode", MODES)),
        models=_models(block, known.models),
        providers=_providers(block, known.providers),
        team=_team(block),
        tags=_tags(block.table("tags")),
        speaks_for=_speaks_for(block),
        max_cost_per_request=read_dollars(block, "max_cost_per_request_usd"),
        may_choose_strategy=bool(block.flag("may_choose_strategy")),
    )
    if not block.raw("key_sha256"):
        block.wrong("key_sha256", "must list at least one digest (`sidestep key new NAME` prints one)")
    block.finish()
    return client


def _names(block: Table, key: str) -> tuple[str, ...] | None:
    names = block.texts(key)
    if names is not None and not block.raw(key):
        block.wrong(key, "must name at least one, or be left out: then all are open")
    return names


def _models(block: Table, known: Collection[str]) -> tuple[str, ...] | None:
    names = _names(block, "models")
    anything = "*" in known
    named = [*(name for name in known if name != "*"), PASSES]
    for place, name in enumerate(names or ()):
        where = f"entry {place + 1}"
        if "*" in name[:-1]:
            block.wrong("models", f'{where} ("{name}") has a * that is not at its end, where it stands for the rest')
        elif name.endswith("*"):
            if not anything and not any(one.startswith(name[:-1]) for one in named):
                block.wrong("models", f'{where}: no model that is configured begins with "{name[:-1]}"')
        elif not anything and name not in named:
            block.wrong("models", f'{where}: there is no model "{name}"{nearest(name, named)}')
    return names


def _providers(block: Table, known: Collection[str]) -> tuple[str, ...] | None:
    names = _names(block, "providers")
    for place, name in enumerate(names or ()):
        if name not in known:
            block.wrong("providers", f'entry {place + 1}: there is no provider "{name}"{nearest(name, known)}')
    return names


def _team(block: Table) -> str:
    team = block.text("team") or ""
    if len(team) > VALUE_CAP:
        block.wrong("team", f"must have at most {VALUE_CAP} characters")
    return team


def _tags(table: Table) -> dict[str, str]:
    tags: dict[str, str] = {}
    for name in table:
        value = table.text(name)
        if not _TAG.match(name):
            table.wrong(name, "is no tag's name, which has at most 64 letters, digits, dots, dashes and underscores")
        elif value is not None and len(value) > VALUE_CAP:
            table.wrong(name, f"must have at most {VALUE_CAP} characters")
        elif value is not None:
            tags[name] = value
    if len(tags) > TAGS_CAP:
        table.problems.add(table.path, f"has {len(tags)} tags, which is more than {TAGS_CAP}")
    return tags


def _speaks_for(block: Table) -> tuple[str, ...]:
    kinds = block.texts("speaks_for") or ()
    for place, kind in enumerate(kinds):
        if kind not in SPEAKS_FOR:
            what = f'entry {place + 1}: "{kind}" is not known; known: {listed(SPEAKS_FOR)}{nearest(kind, SPEAKS_FOR)}'
            block.wrong("speaks_for", what)
    return tuple(dict.fromkeys(kinds))


def environment_client(env: Mapping[str, str], problems: Problems) -> Client | None:
    entries = [part for part in env.get(CLIENT_VARIABLE, "").split(",") if part.strip()]
    good = []
    for place, entry in enumerate(entries):
        value, problem = digest(entry)
        if value is None:
            problems.add(CLIENT_VARIABLE, f"entry {place + 1} {problem}", ENVIRONMENT)
        else:
            good.append(value)
    return Client(ENV_CLIENT, tuple(good)) if good else None


def digests(table: Table, key: str) -> tuple[str, ...]:
    """The good ones of a list of digests; the others are noted."""
    good = []
    for place, entry in enumerate(table.texts(key) or ()):
        value, problem = digest(entry)
        if value is None:
            table.wrong(key, f"entry {place + 1} {problem}")
        else:
            good.append(value)
    return tuple(good)


def _check_owners(clients: Iterable[Client], problems: Problems) -> None:
    owners: dict[str, str] = {}
    for client in clients:
        for value in client.key_sha256:
            owner = owners.setdefault(value, client.name)
            if owner != client.name:
                problems.add("clients", f"{owner} and {client.name} have the same key digest {value[:8]}...")
