"""Who chooses models, as `sidestep check` shows it to people, and who was chosen, as `explain` does."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from proxy.config.dollars import in_dollars

if TYPE_CHECKING:
    from proxy.config.selection import Experiment, Levels, Selection, Strategy
    from proxy.routing.explain import Chosen

Plain = dict[str, Any]


def described(selection: "Selection") -> Plain:
    """In JSON's terms."""
    return {
        "strategy": selection.strategy or None,
        "track": selection.track,
        "tasks": {
            name: {"simple_below": task.simple_below, "complex_from": task.complex_from, "hint": task.hint}
            for name, task in selection.tasks.items()
        },
        "strategies": {name: _strategy(one) for name, one in selection.strategies.items()},
        "experiments": {name: _experiment(one) for name, one in selection.experiments.items()},
    }


def _strategy(strategy: "Strategy") -> Plain:
    return {
        "default": _levels(strategy.default),
        "tasks": {task: _levels(levels) for task, levels in strategy.tasks.items()},
        "embeddings": dict(strategy.embeddings),
        "fallback": strategy.fallback or None,
        "max_cost_per_request_usd": in_dollars(strategy.max_cost_per_request),
    }


def _levels(levels: "Levels") -> Plain:
    return {"simple": levels.simple, "standard": levels.standard, "complex": levels.complex}


def _experiment(experiment: "Experiment") -> Plain:
    return {"asked": experiment.asked or None, "arms": {arm: share / 100 for arm, share in experiment.arms}}


def lines(told: Plain) -> Iterator[str]:
    """Of what `described` says."""
    active = told["strategy"] or "none, auto is not served"
    yield f"\nselection  {active}{'' if told['track'] else '; how models do is not kept'}"
    for name, task in told["tasks"].items():
        hint = f", hint {task['hint']:g}" if task["hint"] else ""
        yield f"  task {name}: simple below {task['simple_below']:g}, complex from {task['complex_from']:g}{hint}"
    for name, strategy in told["strategies"].items():
        most = strategy["max_cost_per_request_usd"]
        then = f", then {strategy['fallback']}" if strategy["fallback"] else ""
        yield f"  strategy {name}: {_served(strategy['default'])}{then}{f', at most {most} USD' if most else ''}"
        yield from (f"    {task}: {_served(levels)}" for task, levels in strategy["tasks"].items())
        yield from (f"    vectors {use}: {model}" for use, model in strategy["embeddings"].items())
    for name, experiment in told["experiments"].items():
        arms = ", ".join(f"{arm} {share:g}%" for arm, share in experiment["arms"].items())
        yield f"  experiment {name}: of requests for {experiment['asked'] or 'auto'} {arms}"


def _served(levels: Plain) -> str:
    """One name for all levels, or each with its own."""
    if len(set(levels.values())) == 1:
        return str(levels["standard"])
    return ", ".join(f"{level} {model}" for level, model in levels.items())


def chosen_lines(chosen: "Chosen") -> Iterator[str]:
    """Who was chosen for a request, and why."""
    yield f"  {chosen.reason}"
    if chosen.score is not None:
        parts = ", ".join(f"{name} {share:.2f}" for name, share in chosen.parts.items()) or "nothing counts"
        yield f"  complexity {chosen.score:g} ({chosen.level}): {parts}"
