"""`[selection]`, `[tasks.NAME]`, `[strategies.NAME]`, `[experiments.NAME]`, and what the environment says of them.

Every name in them is looked up when they are read: a task in `[tasks]`, a model in `[models]` (or as
`provider/model`), a strategy in `[strategies]`. So that no request finds out that one was mistyped.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from msgspec import Struct

from proxy.config.dollars import read_dollars
from proxy.config.errors import ENVIRONMENT, Problems, listed, nearest
from proxy.config.ledger import state_folder
from proxy.config.profiles import profile_for
from proxy.config.routes import ANY
from proxy.config.selection import AUTO, WHOLE, Experiment, Levels, Selection, Strategy, Task
from proxy.config.table import Range, Table, join
from proxy.config.values import EmbeddingRoute, ModelRoute, Provider
from translators.ir import Dialect

STRATEGY: Final = "MODEL_SELECTION_STRATEGY"
TRACK: Final = "TRACK_MODEL_PERFORMANCE"
VARIABLES: Final = (STRATEGY, TRACK)
ARMS_CAP: Final = 20
_PARTS: Final = Range(0, 1)
_HINT: Final = Range(-1, 1)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_LEVELS: Final = ("simple", "standard", "complex")
_ONE: Final = Levels("", "", "")
_YES: Final = frozenset({"true", "1", "yes", "on", ""})
_NO: Final = frozenset({"false", "0", "no", "off"})


class Choosable(Struct, frozen=True):
    """What may be chosen."""

    providers: Mapping[str, Provider]
    models: Mapping[str, ModelRoute]
    embeddings: Mapping[str, EmbeddingRoute]


def read_selection(root: Table, env: Mapping[str, str], known: Choosable) -> Selection:
    """All of it; `root` is the whole file."""
    problems = root.problems
    tasks = {name: _task(name, block) for name, block in _named(root.table("tasks"))}
    blocks = list(_named(root.table("strategies")))
    strategies = {name: _strategy(name, block, tasks, known) for name, block in blocks}
    experiments = {
        name: _experiment(name, block, strategies, known) for name, block in _named(root.table("experiments"))
    }
    _check_experiments(experiments, problems)
    section = root.table("selection")
    strategy = _active(section, strategies, env)
    track = section.flag("track")
    section.finish()
    _check_names(strategies, known, problems)
    tracks = _tracks(env, problems, configured=track is not False)
    return Selection(strategy, tracks, tasks, strategies, experiments, state_folder(env) if strategies else "")


def environment_selection(env: Mapping[str, str], problems: Problems) -> Selection:
    """Without a file there are no strategies, so none can be named."""
    named = env.get(STRATEGY, "").strip()
    if named:
        message = f'names "{named}", but without a file there are no strategies: name one with --config that has any'
        problems.add(STRATEGY, message, ENVIRONMENT)
    return Selection(track=_tracks(env, problems, configured=True))


def _named(table: Table) -> list[tuple[str, Table]]:
    found = []
    for name, block in table.tables():
        if not _NAME.match(name):
            table.wrong(name, "is no name, which has at most 64 letters, digits, dots, dashes and underscores")
        found.append((name, block))
    return found


def _task(name: str, table: Table) -> Task:
    base = Task(name)
    low, high = (table.number(key, float, _PARTS) for key in ("simple_below", "complex_from"))
    task = Task(
        name,
        base.simple_below if low is None else low,
        base.complex_from if high is None else high,
        table.number("hint", float, _HINT) or 0.0,
    )
    if task.simple_below > task.complex_from:
        table.wrong(
            "complex_from",
            f"must not be less than simple_below: {task.complex_from:g} is less than {task.simple_below:g}",
        )
    table.finish()
    return task


def _strategy(name: str, table: Table, tasks: Collection[str], known: Choosable) -> Strategy:
    default = _levels(table, "default", known)
    if "default" not in table:
        table.wrong("default", "is missing: name the model for requests whose task it does not name")
    found = {}
    section = table.table("tasks")
    for task in section:
        found[task] = _levels(section, task, known) or _ONE
        if task not in tasks:
            section.wrong(task, f"there is no [{join('tasks', task)}]{nearest(task, tasks)}")
    fallback = table.text("fallback") or ""
    if fallback:
        _check_model(table, "fallback", fallback, known)
    strategy = Strategy(
        name,
        default or _ONE,
        found,
        _embeddings(table.table("embeddings"), known),
        fallback,
        read_dollars(table, "max_cost_per_request_usd"),
    )
    table.finish()
    return strategy


def _levels(table: Table, key: str, known: Choosable) -> Levels | None:
    """One model for all levels, or a table that says at least the standard one. None where it is absent or wrong."""
    if isinstance(table.raw(key), dict):
        block = table.table(key)
        names = {level: block.text(level) for level in _LEVELS}
        for level, name in names.items():
            if name is not None:
                _check_model(block, level, name, known)
        if "standard" not in block:
            block.wrong("standard", "is missing: simple and complex may be left out, and are then as standard")
        block.finish()
        usual = names["standard"] or ""
        return Levels(names["simple"] or usual, usual, names["complex"] or usual)
    name = table.text(key)
    if name is None:
        return None
    _check_model(table, key, name, known)
    return Levels(name, name, name)


def _embeddings(table: Table, known: Choosable) -> dict[str, str]:
    found = {}
    for use in table:
        name = table.text(use)
        if not _NAME.match(use):
            table.wrong(use, "is no name, which has at most 64 letters, digits, dots, dashes and underscores")
        if name is None:
            continue
        found[use] = name
        if name not in known.embeddings and not _gives_vectors(name, known):
            table.wrong(
                use,
                f'"{name}" is neither an entry of [embeddings] nor a provider/model that gives vectors'
                f"{nearest(name, known.embeddings)}",
            )
    return found


def _gives_vectors(name: str, known: Choosable) -> bool:
    provider, _, model = name.partition("/")
    at = known.providers.get(provider)
    if at is None or not model or model == ANY or at.dialect is Dialect.ANTHROPIC_MESSAGES:
        return False
    return profile_for(at, model).embeddings


def _check_model(table: Table, key: str, name: str, known: Choosable) -> None:
    if name in known.models and name != ANY:
        return
    provider, slash, model = name.partition("/")
    if not slash or not model.strip() or model == ANY or provider not in known.providers:
        choices = [one for one in known.models if one != ANY]
        table.wrong(key, f'"{name}" is neither an entry of [models] nor provider/model{nearest(name, choices)}')


def _active(section: Table, strategies: Collection[str], env: Mapping[str, str]) -> str:
    configured = section.text("strategy") or ""
    if configured and configured not in strategies:
        section.wrong("strategy", _unknown(configured, strategies))
    asked = env.get(STRATEGY, "").strip()
    if asked and asked not in strategies:
        section.problems.add(STRATEGY, _unknown(asked, strategies), ENVIRONMENT)
    return asked or configured


def _unknown(name: str, strategies: Collection[str]) -> str:
    return f"there is no [{join('strategies', name)}]; known: {listed(strategies)}{nearest(name, strategies)}"


def _tracks(env: Mapping[str, str], problems: Problems, *, configured: bool) -> bool:
    said = env.get(TRACK, "").strip().lower()
    if said not in _YES | _NO:
        problems.add(TRACK, f'must be true or false, not "{said[:40]}"', ENVIRONMENT)
    return said in _YES if said else configured


def _experiment(name: str, table: Table, strategies: Collection[str], known: Choosable) -> Experiment:
    asked = table.text("asked") or ""
    both = [key for key in ("strategies", "models") if key in table]
    if len(both) != 1:
        table.problems.add(table.path, "needs either strategies or models, each with its share in percent")
    key = both[0] if both else "strategies"
    shares = table.table(key)
    arms = tuple((arm, _share(shares, arm)) for arm in shares)
    if key == "models":
        _check_asked(table, asked, known)
        for arm in shares:
            _check_model(shares, arm, arm, known)
    else:
        if "asked" in table:
            table.wrong("asked", "goes with models; strategies are for requests that leave the model open")
        for arm in shares:
            if arm not in strategies:
                shares.wrong(arm, _unknown(arm, strategies))
    _check_shares(shares, arms)
    for unread in ("strategies", "models"):
        table.raw(unread)
    table.finish()
    return Experiment(name, arms, asked)


def _share(shares: Table, arm: str) -> int:
    hundredths = shares.decimal(arm, 100, 2)
    return hundredths or 0


def _check_shares(shares: Table, arms: tuple[tuple[str, int], ...]) -> None:
    if not 2 <= len(arms) <= ARMS_CAP:
        shares.problems.add(shares.path, f"must share between 2 and {ARMS_CAP}, not {len(arms)}")
    total = sum(share for _, share in arms)
    if total != WHOLE:
        shares.problems.add(shares.path, f"must come to 100 percent, not {total / 100:g}")


def _check_asked(table: Table, asked: str, known: Choosable) -> None:
    if not asked:
        table.wrong("asked", "is missing: the model whose requests are shared out")
    else:
        _check_model(table, "asked", asked, known)


def _check_experiments(experiments: Mapping[str, Experiment], problems: Problems) -> None:
    """A request is part of one experiment at most."""
    takers: dict[str, str] = {}
    for one in experiments.values():
        other = takers.setdefault(one.asked, one.name)
        if other != one.name:
            what = f"requests for {one.asked}" if one.asked else "requests that leave the model open"
            problems.add(join("experiments", one.name), f"takes {what}, as [{join('experiments', other)}] does")


def _check_names(strategies: Collection[str], known: Choosable, problems: Problems) -> None:
    """Nothing else may have the name that leaves the model open."""
    if not strategies:
        return
    for section, names in _taken(known).items():
        for name in names:
            if name == AUTO or name.startswith(f"{AUTO}/"):
                what = "is what a client asks for that leaves the model to [strategies]; choose another name"
                problems.add(join(section, name), what)


def _taken(known: Choosable) -> dict[str, Collection[Any]]:
    return {"providers": known.providers, "models": known.models, "embeddings": known.embeddings}
