"""From the name a client asked for to the targets that may serve it, in order.

Names are looked up in this order: `[models."NAME"]`; `provider/model` (only where the configuration has a `*` entry,
since then any model may be asked for); `[models."*"]`. In a chain the model `*` stands for the asked one: it goes
unchanged to its own vendor, and to others as their `default_model`.

Embeddings are stricter, because two models' vectors cannot be mixed: `[embeddings.NAME]` chains are checked when the
configuration is loaded, and any other entry serves embeddings only on targets with the head's model id.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeVar

from msgspec import Struct, structs

from proxy.config.selection import AUTO, leaves_open
from proxy.config.spending import Price
from proxy.config.values import (
    BreakerSettings,
    Config,
    ModelRoute,
    Provider,
    RetrySettings,
    Step,
    Target,
    TimeoutSettings,
)
from translators.ir import Dialect
from translators.profile import Profile

MEMO_CAP = 1024
"""Resolutions remembered; clients may ask for any number of names."""


class Resolution(Struct, frozen=True):
    """What a name means: the targets in order, and the route's own settings."""

    name: str
    """The configured entry that matched, or `provider/model`."""
    reason: str
    targets: tuple[Target, ...]
    route: ModelRoute
    dimensions: int | None = None
    barred: tuple[str, ...] = ()
    """Targets left out because this client's requests may not go there."""
    pool: int | None = None
    """How many of the targets are the name's own; those after them are a fallback's. None: all."""


ProfileFor = Callable[[Provider, str], Profile]
VendorOf = Callable[[str], str | None]
PriceFor = Callable[[Provider, str], Price | None]


def unpriced(_: Provider, __: str) -> Price | None:
    """For who only asks where a request may go."""
    return None


class Router:
    """Resolves names against one configuration. Immutable but for its bounded memo."""

    def __init__(
        self, config: Config, profile_for: ProfileFor, vendor_of: VendorOf, price_for: PriceFor = unpriced
    ) -> None:
        self._config = config
        self._profile_for = profile_for
        self._vendor_of = vendor_of
        self._price_for = price_for
        self._memo: dict[tuple[str, str], Resolution | None] = {}
        self._chosen: dict[tuple[str, str], Resolution | None] = {}
        """By name and fallback; the configuration bounds them."""

    def chat(self, asked: str) -> Resolution | None:
        """The chain for a chat model; None when no entry serves the name."""
        try:
            return self._memo["chat", asked]
        except KeyError:
            return self._remembered("chat", asked, self._chat)

    def embeddings(self, asked: str) -> Resolution | None:
        """The chain for an embedding model, all of one vector space; None when nothing serves the name."""
        return self._remembered("embeddings", asked, self._embeddings)

    def chosen(self, name: str, then: str = "") -> Resolution | None:
        """The chain of a name that the configuration itself chose, `provider/model` among them, followed by what of
        `then`'s is not in it."""
        try:
            return self._chosen[name, then]
        except KeyError:
            found = self._chosen[name, then] = self._followed(name, then)
            return found

    def vectors(self, name: str) -> Resolution | None:
        """The same for embeddings, where nothing follows."""
        return self._remembered("vectors", name, lambda name: self._embeddings(name) or self._direct(name))

    def forget(self) -> None:
        """What profiles say has changed, or a price: names are resolved anew."""
        self._memo.clear()
        self._chosen.clear()

    def leads_to(self, key: tuple[str, str, str]) -> bool:
        """Whether any name may lead to the target with this key (`Target.key`)."""
        provider = self._config.providers.get(key[0])
        if provider is None or provider.base_url != key[1]:
            return False
        return "*" in self._config.models or key in self._keys

    @cached_property
    def _keys(self) -> frozenset[tuple[str, str, str]]:
        return frozenset(target.key for target in self._named_targets())

    def _named_targets(self) -> Iterator[Target]:
        """Those of all configured names."""
        found = [self.chat(name) for name in self._config.models]
        found += [self.embeddings(name) for name in self._config.embeddings]
        found += [self.chosen(name) for name in self._config.selection.models()]
        found += [self.vectors(name) for name in self._config.selection.embeddings()]
        yield from (target for one in found if one is not None for target in one.targets)

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """The targets of all configured chains, each once and in the configuration's order; in a `*` entry
        `provider/*` stands for whatever will be asked for there."""
        chains = [one.chain for one in self._config.models.values()]
        chains += [one.chain for one in self._config.embeddings.values()]
        chains += [one.route.chain for name in self._config.selection.models() if (one := self.chosen(name))]
        chains += [one.route.chain for name in self._config.selection.embeddings() if (one := self.vectors(name))]
        return tuple(dict.fromkeys(f"{step.provider}/{step.model}" for chain in chains for step in chain))

    def stated(self) -> Iterator[Target]:
        """The targets that the configuration speaks of, some more than once: those of its chains, and where any model
        may be asked for, those of the models that are listed."""
        yield from (target for target in self._named_targets() if target.model != "*")
        if route := self._config.models.get("*"):
            for found in map(self.chat, self._known(route)):
                yield from found.targets if found is not None else ()

    def names(self) -> tuple[str, ...]:
        """The model names a client may ask for by configuration: what `/v1/models` lists. A `*` entry serves any name;
        of these the ones that the configuration or a vendor's row speaks of."""
        listed = [name for name in self._config.models if name != "*"]
        if route := self._config.models.get("*"):
            listed += self._known(route)
        return tuple(dict.fromkeys([*listed, *self._config.embeddings, *self.left_open]))

    @cached_property
    def left_open(self) -> tuple[str, ...]:
        """The names by which a client leaves the model open; none where there is nobody who chooses."""
        return self._config.selection.names()

    def _known(self, route: ModelRoute) -> Iterator[str]:
        """The head's model by its own name, which gets the whole chain, where that means it; then `provider/model`."""
        providers = self._config.providers
        steps = [(step.provider, step.model) for step in route.chain]
        chain = [(name, providers[name].default_model if model == "*" else model) for name, model in steps]
        defaults = [(name, provider.default_model) for name, provider in providers.items()]
        described = [(name, model) for name, provider in providers.items() for model in provider.models]
        head, first = chain[0]
        if first and (found := self.chat(first)) and found.targets[0].name == f"{head}/{first}":
            yield first
        yield from (f"{name}/{model}" for name, model in (*chain, *defaults, *described) if model)

    def _remembered(self, kind: str, asked: str, resolve: Callable[[str], Resolution | None]) -> Resolution | None:
        try:
            return self._memo[kind, asked]
        except KeyError:
            if len(self._memo) >= MEMO_CAP:
                self._memo.clear()
            found = self._memo[kind, asked] = resolve(asked)
            return found

    def _chat(self, asked: str) -> Resolution | None:
        models = self._config.models
        if route := models.get(asked):
            return Resolution(asked, f'[models."{asked}"]', self._targets(route, asked), route)
        if "*" not in models or (leaves_open(asked) and AUTO not in self._config.providers):
            return None
        if direct := self._direct(asked):
            return direct
        route = models["*"]
        return Resolution("*", '[models."*"]', self._targets(route, asked), route)

    def _followed(self, name: str, then: str) -> Resolution | None:
        route = self._config.models.get(name)
        found = self._chat(name) if route else self._direct(name)
        more = self._followed(then, "") if then else None
        if found is None or more is None:
            return found
        own = {target.key for target in found.targets}
        targets = (*found.targets, *(target for target in more.targets if target.key not in own))
        return structs.replace(found, targets=targets, pool=len(found.targets))

    def _embeddings(self, asked: str) -> Resolution | None:
        if entry := self._config.embeddings.get(asked):
            route = ModelRoute(asked, entry.chain, ordering=entry.ordering)
            targets = tuple(self._target(step.provider, step.model, route) for step in entry.chain)
            return Resolution(asked, f"[embeddings.{asked}]", targets, route, entry.dimensions)
        found = self._chat(asked)
        if found is None:
            return None
        able = [target for target in found.targets if _embeds(target)]
        head = asked if found.name == "*" else (able[0].model if able else "")
        same = tuple(target for target in able if target.model == head)
        return structs.replace(found, targets=same) if same else None

    def _direct(self, asked: str) -> Resolution | None:
        provider, _, model = asked.partition("/")
        if not model or provider not in self._config.providers:
            return None
        step = (Step(provider, model),)
        any_model = self._config.models.get("*")
        route = structs.replace(any_model, name=asked, chain=step) if any_model else ModelRoute(asked, step)
        return Resolution(asked, "provider/model", (self._target(provider, model, route),), route)

    def _targets(self, route: ModelRoute, asked: str) -> tuple[Target, ...]:
        found: dict[tuple[str, str], Target] = {}
        for position, step in enumerate(route.chain):
            model = step.model if step.model != "*" else self._named(step.provider, asked, first=position == 0)
            found.setdefault((step.provider, model), self._target(step.provider, model, route))
        return tuple(found.values())

    def _named(self, provider: str, asked: str, *, first: bool) -> str:
        """What `provider/*` means for this model; one that no vendor claims belongs to the head of the chain."""
        at = self._config.providers[provider]
        owner = self._vendor_of(asked)
        own = first if owner is None else owner == at.vendor
        return asked if own else at.default_model or asked

    def _target(self, name: str, model: str, route: ModelRoute) -> Target:
        provider = self._config.providers[name]
        return Target(
            provider=provider,
            model=model,
            profile=self._profile_for(provider, model),
            breaker=_over(provider.breaker, route.breaker),
            retry=_over(provider.retry, route.retry),
            timeouts=_over(provider.timeouts, route.timeouts),
            price=self._price_for(provider, model),
        )


S = TypeVar("S", BreakerSettings, RetrySettings, TimeoutSettings)


def _over(settings: S, changes: Mapping[str, Any]) -> S:
    return structs.replace(settings, **changes) if changes else settings


def _embeds(target: Target) -> bool:
    return target.profile.embeddings and target.provider.dialect is not Dialect.ANTHROPIC_MESSAGES
