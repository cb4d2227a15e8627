"""Which chain a drill asks, and which of its targets meets the fault."""

from collections.abc import Iterator

from msgspec import Struct

from proxy.config.profiles import profile_for, vendor_of
from proxy.config.values import Config, ModelRoute, Target
from proxy.routing.resolve import Router

ANY = "*"


class NoChoice(Exception):
    """The message says in one sentence what is missing, or what there is to choose from."""


class Choice(Struct, frozen=True):
    asked: str
    """The model that the drill's client asks for."""
    targets: tuple[Target, ...]
    """The chain, in order."""
    target: Target
    """The one that meets the fault."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(target.name for target in self.targets)

    @property
    def alone(self) -> bool:
        return len(self.targets) == 1


def choose(config: Config, name: str | None) -> Choice:
    """The target called `name` (`provider/model`, or a provider for its first), in the chain where it stands first if
    there is one; without a name the head of the first chain that has a second target. Raises NoChoice."""
    chains = list(_chains(config))
    if not chains:
        raise NoChoice("the configuration has no chain for chat: a drill needs one to ask")
    if name is None:
        asked, targets = next((chain for chain in chains if len(chain[1]) > 1), chains[0])
        return Choice(asked, targets, targets[0])
    found = [
        Choice(asked, targets, target)
        for asked, targets in chains
        for target in targets
        if name in (target.name, target.provider.name)
    ]
    if not found:
        known = dict.fromkeys(target.name for _, targets in chains for target in targets)
        raise NoChoice(f"no chain has a target {name[:100]}; there are: {', '.join(known)}")
    return min(found, key=lambda one: (one.target is not one.targets[0], one.alone))


def _chains(config: Config) -> Iterator[tuple[str, tuple[Target, ...]]]:
    router = Router(config, profile_for, vendor_of)
    for route in config.models.values():
        asked = _asked(config, route)
        found = router.chat(asked)
        if found is not None and found.targets:
            yield asked, found.targets


def _asked(config: Config, route: ModelRoute) -> str:
    """A name that leads to `route`: of the one for all names, the first model that a step speaks of."""
    if route.name != ANY:
        return route.name
    for step in route.chain:
        model = config.providers[step.provider].default_model if step.model == ANY else step.model
        if model:
            return model
    return "drill"
