"""Takes a target out by an operator's hand: its breaker opens, and lets it back in as after any other opening.

A target is a model at a provider, and has one breaker: whichever chains it stands in and however many keys it has, it
is out of all of them at once. Where a configuration has moved its provider, the breaker of the former address, which
requests from before may still meet, opens too. A name is known if the configuration has it or it was called: of a
provider whose every model may be asked for, any other name may be a slip.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from proxy.admin import standing
from proxy.clock import Clock
from proxy.resilience.targets import Registry, TargetState
from proxy.routing.resolve import Router

NAMED: Final = 32
"""So many names are told to whoever gives another; clients choose some of them."""
NAME_CAP: Final = 100
"""Characters of one."""


class Trips:
    """Used in one running loop. `router` gives the one of the configuration that serves, `tell` is told who was taken
    out and by whom."""

    def __init__(
        self, registry: Registry, router: Callable[[], Router], clock: Clock, tell: Callable[[str, str], None]
    ) -> None:
        self._registry = registry
        self._router = router
        self._clock = clock
        self._tell = tell

    def trip(self, name: str, by: str) -> dict[str, Any]:
        """Takes out the target of this name, and tells how it stands then, as `/state` does. Raises LookupError with a
        sentence for whoever asked, who is `by`."""
        now = self._clock.now()
        found = self._found(name, now)
        if not found:
            raise LookupError(self._unknown(name))
        self._tell(name, by)
        for state in found:
            state.breaker.trip(now)
        return standing.target(found[0], now, self._clock.wall(), self._registry.pool_of(found[0]))

    def _found(self, name: str, now: float) -> list[TargetState]:
        """All that have the name, the one that requests of now meet first."""
        router = self._router()
        stated = next((target for target in router.stated() if target.name == name), None)
        if stated is not None:
            self._registry.seen([stated], now)
        states = [state for state in self._registry.targets() if state.name == name]
        return sorted(states, key=lambda state: not router.leads_to(state.key))

    def _names(self) -> Iterator[str]:
        yield from (target.name for target in self._router().stated())
        yield from (state.name for state in self._registry.targets())

    def _unknown(self, name: str) -> str:
        known = [one[:NAME_CAP] for one in dict.fromkeys(self._names())]
        more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
        told = f"{', '.join(known[:NAMED])}{more}" if known else "none"
        return f"There is no target '{name[:NAME_CAP]}' here, as PROVIDER/MODEL; known: {told}."
