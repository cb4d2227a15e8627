"""What a configuration expects of its providers: the targets of its chains. Pure."""

from collections.abc import Iterable

from msgspec import Struct, structs

from proxy.config.profiles import profile_for, vendor_of
from proxy.config.values import Config, Target
from proxy.routing.resolve import Resolution, Router


class Expected(Struct, frozen=True):
    """A target, and the entries of the configuration that name it."""

    target: Target
    embeds: bool
    entries: tuple[str, ...]
    found: Resolution
    """A chain of this target alone, to ask it by."""

    @property
    def provider(self) -> str:
        return self.target.provider.name


def expected(config: Config) -> list[Expected]:
    """Every target of every chain once, in the configuration's order; a provider's `*` stands for its default model,
    and for nothing where it has none."""
    router = Router(config, profile_for, vendor_of)
    chains = [(f'[models."{name}"]', False, router.chat(name)) for name in config.models]
    chains += [(f'[embeddings."{name}"]', True, router.embeddings(name)) for name in config.embeddings]
    found: dict[tuple[str, str, bool], Expected] = {}
    for entry, embeds, resolution in chains:
        for target in _named(resolution):
            key = (target.provider.name, target.model, embeds)
            if key in found:
                found[key] = structs.replace(found[key], entries=(*found[key].entries, entry))
            elif resolution is not None:
                alone = structs.replace(resolution, name=target.name, targets=(target,))
                found[key] = Expected(target, embeds, (entry,), alone)
    return list(found.values())


def _named(resolution: Resolution | None) -> Iterable[Target]:
    for target in resolution.targets if resolution else ():
        provider = target.provider
        if target.model != "*":
            yield target
        elif provider.default_model:
            model = provider.default_model
            yield structs.replace(target, model=model, profile=profile_for(provider, model))
