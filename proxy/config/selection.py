"""Which model serves a request that leaves it open, and which requests an experiment takes: frozen values, checked when
they are loaded (`proxy.config.choosing`).

Names of models are entries of `[models]`, of `[embeddings]` where vectors are asked for, or `provider/model`.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from msgspec import Struct

AUTO: Final = "auto"
"""The model whom a client asks for that leaves it open; `auto/NAME` says the task, or what the vectors are for."""
DEFAULT: Final = "default"
"""The use of vectors whose client names none."""
WHOLE: Final = 10_000
"""Shares are hundredths of a percent; those of an experiment come to this."""

Level = Literal["simple", "standard", "complex"]


class Levels(Struct, frozen=True):
    """The model for each level of a task's requests; often one for all."""

    simple: str
    standard: str
    complex: str

    def of(self, level: Level) -> str:
        found: str = getattr(self, level)
        return found


class Task(Struct, frozen=True):
    """`[tasks.NAME]`: from which complexity on its requests are more than simple, and more than standard."""

    name: str
    simple_below: float = 0.3
    complex_from: float = 0.7
    hint: float = 0.0
    """Added to the score of its requests."""

    def level(self, score: float) -> Level:
        if score < self.simple_below:
            return "simple"
        return "complex" if score >= self.complex_from else "standard"


NO_TASK: Final = Task("")
"""Of requests that say none."""


class Strategy(Struct, frozen=True):
    """`[strategies.NAME]`."""

    name: str
    default: Levels
    """For tasks it does not name, and for requests without one."""
    tasks: Mapping[str, Levels] = {}
    embeddings: Mapping[str, str] = {}
    """By what the vectors are for."""
    fallback: str = ""
    """The entry whose targets follow the chosen one's; empty: none do."""
    max_cost_per_request: int | None = None
    """Nano-dollars; it holds beside whatever else does."""

    def models(self) -> Iterator[str]:
        """Whom it may choose for a conversation, repeats among them."""
        for levels in (self.default, *self.tasks.values()):
            yield from (levels.simple, levels.standard, levels.complex)
        if self.fallback:
            yield self.fallback


class Experiment(Struct, frozen=True):
    """`[experiments.NAME]`: its arms with their shares, in order. Strategies for requests that leave the model open, or
    models for those that ask for `asked`."""

    name: str
    arms: tuple[tuple[str, int], ...]
    asked: str = ""


class Selection(Struct, frozen=True):
    """All of it, of one configuration."""

    strategy: str = ""
    """The one that is active until somebody switches it; empty: `auto` is not served."""
    track: bool = True
    """Whether it is kept how models do."""
    tasks: Mapping[str, Task] = {}
    strategies: Mapping[str, Strategy] = {}
    experiments: Mapping[str, Experiment] = {}
    folder: str = ""
    """Where it is kept that the strategy was switched; empty: nowhere."""

    @property
    def chooses(self) -> bool:
        """Whether anything is ever chosen."""
        return bool(self.strategies or self.experiments)

    @property
    def split(self) -> Experiment | None:
        """The experiment that shares requests out between strategies: there is one at most."""
        return next((one for one in self.experiments.values() if not one.asked), None)

    def models(self) -> tuple[str, ...]:
        """Whoever may be chosen for a conversation, each once."""
        found = [name for one in self.strategies.values() for name in one.models()]
        found += [arm for one in self.experiments.values() if one.asked for arm, _ in one.arms]
        return tuple(dict.fromkeys(found))

    def embeddings(self) -> tuple[str, ...]:
        """Whoever may be chosen for vectors, each once."""
        return tuple(dict.fromkeys(name for one in self.strategies.values() for name in one.embeddings.values()))

    def uses(self) -> tuple[str, ...]:
        """What vectors may be asked for."""
        return tuple(dict.fromkeys(use for one in self.strategies.values() for use in one.embeddings))

    def names(self) -> tuple[str, ...]:
        """The model names by which a client leaves it open."""
        if not self.strategies:
            return ()
        named = dict.fromkeys((*self.tasks, *(use for use in self.uses() if use != DEFAULT)))
        return (AUTO, *(f"{AUTO}/{name}" for name in named))


def leaves_open(model: str) -> bool:
    """Whether a name is `auto` or begins with `auto/`."""
    return model.startswith(AUTO) and (len(model) == len(AUTO) or model[len(AUTO)] == "/")


def named_in(model: str) -> str:
    """The task, or the use, in such a name; empty where there is none."""
    return model[len(AUTO) + 1 :]
