"""What is chosen, of what is known of a request: pure.

The strategy is the one that the request names (where it may), else its arm of an experiment, else the active one. The
strategy's entry for the task decides, else its default; where that tells simple requests from complex ones, their score
does. Why is told in one clause, for the answer's metadata, the usage record and `explain`.
"""

from msgspec import Struct, structs

from proxy.answers import selection_header
from proxy.config.selection import NO_TASK, Levels, Selection, Strategy, Task
from proxy.flow import Choice


class Deciding(Struct, frozen=True, eq=False):
    """Which strategy decides, and how it came to that."""

    strategy: Strategy
    why: str
    experiment: str = ""
    arm: str = ""
    choices: dict[tuple[str, float], Choice] = {}
    """What it has chosen, by task and score: there are a hundred scores."""

    def choose(self, task: Task, score: float) -> Choice:
        """`chosen`, remembered."""
        found = self.choices[task.name, score] = chosen(self, task, score)
        return found


def levels_of(strategy: Strategy, task: str) -> Levels:
    """The strategy's models for a task; empty for none."""
    return strategy.tasks.get(task, strategy.default)


def task_of(selection: Selection, name: str) -> Task:
    return selection.tasks.get(name, NO_TASK)


def chosen(deciding: Deciding, task: Task, score: float) -> Choice:
    """Whom the strategy gives a request of this task that looks so complex."""
    strategy = deciding.strategy
    levels = levels_of(strategy, task.name)
    level = task.level(score)
    model = levels.of(level)
    differs = not levels.simple == levels.standard == levels.complex
    looks = f"{level} requests ({score:g})" if differs else "requests"
    if not task.name:
        what = f"{looks} without a task"
    elif task.name in strategy.tasks:
        what = f"{looks} of the task {task.name}"
    else:
        what = f"{looks} of the task {task.name}, which it does not name"
    return told(
        Choice(
            model=model,
            reason=f"strategy {strategy.name} ({deciding.why}) has {model} for {what}",
            strategy=strategy.name,
            task=task.name,
            score=score,
            level=level,
            experiment=deciding.experiment,
            arm=deciding.arm,
        )
    )


def chosen_vectors(deciding: Deciding, use: str) -> Choice | None:
    """Whom it gives vectors for this use; None where it has nobody for that."""
    strategy = deciding.strategy
    model = strategy.embeddings.get(use)
    if model is None:
        return None
    reason = f"strategy {strategy.name} ({deciding.why}) has {model} for vectors of the use {use}"
    return told(Choice(model=model, reason=reason, strategy=strategy.name))


def shared_out(experiment: str, asked: str, arm: str) -> Choice:
    """A request for a model whose requests an experiment shares out."""
    reason = f"experiment {experiment} has {arm} for this part of the requests for {asked}"
    return told(Choice(model=arm, reason=reason, experiment=experiment, arm=arm))


def told(choice: Choice) -> Choice:
    """The choice with its header, which is the same for many requests."""
    return structs.replace(choice, header=selection_header(choice))
