"""The strategy that is active: what the configuration says, until somebody switches it while the proxy runs.

A switch is kept in the state folder, so that it outlives a restart, for as long as the configuration says what it said
then: whoever says something newer is heard, be it the configuration or a person. A strategy that the configuration has
no more is active no more.
"""

import asyncio
import json
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from proxy.config.errors import listed, nearest
from proxy.config.selection import Selection

FILE_NAME: Final = "strategy.json"
BY_CAP: Final = 128
_BYTES: Final = 4096

Tell = Callable[..., None]
"""Is told that the strategy changed (`name`, `before`, `by`, `reason`)."""


class Active:
    """Which it is. Used in one running loop."""

    def __init__(self, selection: Selection, tell: Tell, wall: Callable[[], float]) -> None:
        """`wall` gives Unix seconds."""
        self._file = Path(selection.folder) / FILE_NAME if selection.folder else None
        self._tell = tell
        self._wall = wall
        self._keeping = asyncio.Lock()
        self._known: Collection[str] = selection.strategies
        self._said = selection.strategy
        """What the configuration says."""
        self.name = selection.strategy
        """Empty: none is."""
        self.kept = True
        """Whether the strategy that is active would be so after a restart."""
        self._resume()

    @property
    def available(self) -> tuple[str, ...]:
        """What may be switched to."""
        return tuple(self._known)

    async def switch(self, name: str, by: str) -> None:
        """`name` decides from now on. Raises ValueError, and changes nothing, for one that is not configured. `by` says
        who wants it."""
        if name not in self._known:
            known = listed(self._known) if self._known else "none"
            close = nearest(name[:64], self._known) or "."
            raise ValueError(f"there is no strategy '{name[:64]}'; known: {known}{close}")
        before, self.name = self.name, name
        async with self._keeping:  # one after another, so that the latest stays
            self.kept = await asyncio.to_thread(self._keep, name, by)
        self._tell(name, before, by[:BY_CAP], "" if self.kept else "it could not be kept and ends with this process")

    def follow(self, selection: Selection) -> None:
        """The configuration is another one now."""
        said, self._said, self._known = self._said, selection.strategy, selection.strategies
        before = self.name
        if selection.strategy != said:
            reason = "the configuration says so"
            self._forget()
        elif before not in self._known and before != said:
            reason = f"the configuration has no [strategies.{before}] any more"
        else:
            return
        self.name, self.kept = selection.strategy, True
        if self.name != before:
            self._tell(self.name, before, "the configuration", reason)

    def _resume(self) -> None:
        """Goes on with the switch before this process, if there was one that still counts."""
        kept = self._read()
        name = kept.get("strategy")
        if not isinstance(name, str) or kept.get("instead_of") != self._said or name == self.name:
            return
        if name in self._known:
            before, self.name = self.name, name
            self._tell(name, before, str(kept.get("by", ""))[:BY_CAP], "it was switched before this process began")
        elif self._known:
            self._tell(self.name, name[:64], "the configuration", f"it has no [strategies.{name[:64]}] any more")

    def _read(self) -> dict[str, Any]:
        try:
            with open(self._file, "rb") as file:  # type: ignore[arg-type] # noqa: PTH123
                found = json.loads(file.read(_BYTES))
        except (OSError, ValueError, TypeError):
            return {}
        return found if isinstance(found, dict) else {}

    def _forget(self) -> None:
        """Else the switch would count again after a restart, once the configuration says what it said then."""
        if self._file is not None:
            with suppress(OSError):
                self._file.unlink()

    def _keep(self, name: str, by: str) -> bool:
        """Whether it could be written down, wholly or not at all."""
        if self._file is None:
            return False
        told = {"strategy": name, "instead_of": self._said, "by": by[:BY_CAP], "at": int(self._wall())}
        beside = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside.write_text(json.dumps(told))
            beside.replace(self._file)
        except OSError:
            return False
        return True
