"""The recorders of a configuration's generations: one stays as long as its settings do, over reloads.

Where nothing is recorded, nothing that records is loaded. A recorder whose last exchange has ended writes what waits in
the background; what was lost is one count over all of them.
"""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from proxy.clock import Clock
from proxy.config.values import RecordSettings
from proxy.lasting import Lasting

if TYPE_CHECKING:
    from proxy.config.values import Provider
    from proxy.recording.recorder import Recorder
    from proxy.upstream.pools import Pool
    from proxy.upstream.seam import Engine


class Recorders(Lasting["Recorder"]):
    """`state` is what `/state` shows of targets and keys; `tell` is told why exchanges are lost."""

    def __init__(self, clock: Clock, state: Callable[[], Mapping[str, Any]], tell: Callable[[str], None]) -> None:
        super().__init__()
        self._clock = clock
        self._state = state
        self._tell = tell

    def recorder_for(self, settings: RecordSettings) -> "Recorder | None":
        """Who records by these settings; None where nothing is recorded."""
        if not settings.file:
            return None
        found = next((one for one in self.opened if one.settings == settings), None)
        if found is not None:
            return found
        from proxy.recording.recorder import Recorder  # noqa: PLC0415 - most processes record nothing

        return Recorder(settings, self._clock, lambda: standing(self._state()), self._tell)

    def keep(self, used: "Collection[Recorder | None]") -> None:
        """Nobody gives anything to the others any more. Waits for nothing."""
        for recorder in self.opened:
            if recorder not in used:
                self.end(recorder)


_OF_TARGET = ("target", "throttled_for_s", "breaker")


def standing(state: Mapping[str, Any]) -> dict[str, Any]:
    """What of `/state` is not as at the start of a process, as `proxy.replay` takes it; keys by their place."""
    targets = [{name: told[name] for name in _OF_TARGET} for told in state["targets"] if _moved(told)]
    keys = {name: [_of_key(key) for key in told] for name, told in state["providers"].items()}
    keys = {name: told for name, told in keys.items() if any(told)}
    return {**({"targets": targets} if targets else {}), **({"keys": keys} if keys else {})}


def _moved(told: Mapping[str, Any]) -> bool:
    breaker = told["breaker"]
    return bool(breaker["state"] != "CLOSED" or breaker["failures"] or breaker["openings"] or told["throttled_for_s"])


def _of_key(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("off", "off_for_s", "throttled_for_s") if told[name] is not None}


def engines(pools: "Mapping[str, Pool]", recorder: "Recorder | None") -> "Callable[[Provider], Engine]":
    """What a provider's calls go through, listened to where they are recorded."""
    if recorder is None:
        return lambda provider: pools[provider.name].engine
    return lambda provider: recorder.engine(provider, pools[provider.name].engine)
