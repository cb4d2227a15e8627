"""Where a target's settings came from: the built-in default, the file's top level, its provider's or its model's block.

Only what stands in the file counts as said: a block that repeats a default says it all the same.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct, structs

from proxy.config.values import ModelRoute, Target

Origin = Literal["default", "top level", "provider", "model"]
SECTIONS: Final = ("timeouts", "retry", "breaker", "health")


class Setting(Struct, frozen=True):
    value: float | bool
    origin: Origin


class Origins(Struct, frozen=True):
    """What a file says of these sections at its top level, as (section, key), and in its providers' blocks, as
    (provider, section, key). Without a file: nothing."""

    top: frozenset[tuple[str, str]] = frozenset()
    providers: frozenset[tuple[str, str, str]] = frozenset()

    def effective(self, target: Target, route: ModelRoute) -> dict[str, dict[str, Setting]]:
        """Every setting of `target` by section and name; `route` is the model's entry that led to it, which does not
        speak of `health`."""
        return {
            section: {
                name: Setting(value, self._of(section, name, target.provider.name, getattr(route, section, {})))
                for name, value in structs.asdict(getattr(target, section)).items()
            }
            for section in SECTIONS
        }

    def _of(self, section: str, name: str, provider: str, of_model: Mapping[str, Any]) -> Origin:
        if name in of_model:
            return "model"
        if (provider, section, name) in self.providers:
            return "provider"
        return "top level" if (section, name) in self.top else "default"


def origins_of(content: Mapping[str, Any]) -> Origins:
    """What a file's checked content says."""
    return Origins(
        frozenset((section, name) for section in SECTIONS for name in content.get(section, ())),
        frozenset(
            (provider, section, name)
            for provider, block in content.get("providers", {}).items()
            for section in SECTIONS
            for name in block.get(section, ())
        ),
    )
