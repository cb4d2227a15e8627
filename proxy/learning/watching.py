"""Watches how models and strategies fare while they serve, and tells people.

`note` is told each record: it adds to a list, and no more. Every `LOOK_S` all subjects are looked at, as long as there
is any that somebody asked for; at most `SUBJECTS` of each kind, for clients may name any number of models. Each process
watches what it serves itself. A model is told by what it did itself (`proxy.usage.tried`), a strategy by what came of
the requests.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from proxy.alerts.message import Facts
from proxy.clock import Clock
from proxy.config.spending import AlertSettings, Watched, dollars
from proxy.learning.watch import COST, Subject, Turn
from proxy.usage.deeds import deeds, model_of
from proxy.usage.record import Record

LOOK_S: Final = 5.0
SUBJECTS: Final = 50

Tell = Callable[[Facts], None]


class Watching:
    """Used in one running loop. `tell` is told each turn."""

    def __init__(self, clock: Clock, tell: Tell) -> None:
        self._clock = clock
        self._tell = tell
        self._settings = AlertSettings()
        self._models: dict[str, Subject] = {}
        self._strategies: dict[str, Subject] = {}
        self._timer: asyncio.TimerHandle | None = None

    def follow(self, settings: AlertSettings) -> None:
        """These marks hold from now on."""
        self._settings = settings
        if settings.models is None:
            self._models.clear()
        if settings.strategies is None:
            self._strategies.clear()

    def note(self, record: Record) -> None:
        if not (record.provider or record.attempts) or record.route == "passthrough":
            return
        now = self._clock.now()
        if self._settings.models is not None:
            for deed in deeds(record):
                if deed.model:
                    _subject(self._models, deed.model).note(deed, now)
        if self._settings.strategies is not None and record.strategy:
            _subject(self._strategies, record.strategy).note(record, now)
        self._later()

    def score(self, record: Record, score: float) -> None:
        """Somebody scored that request. One that ended before the window says nothing of it any more."""
        ago = max(0.0, self._clock.wall() - record.at)
        for name, watched, subjects in (
            (model_of(record), self._settings.models, self._models),
            (record.strategy, self._settings.strategies, self._strategies),
        ):
            if name and watched is not None and ago < watched.of(name).window_s:
                _subject(subjects, name).score(record.id, score, self._clock.now() - ago)
                self._later()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> None:
        """Looks at all of them now, and again later if there is any to look at."""
        self._timer = None
        now, wall = self._clock.now(), self._clock.wall()
        for kind, watched, subjects in (
            ("model", self._settings.models, self._models),
            ("strategy", self._settings.strategies, self._strategies),
        ):
            if watched is None:
                continue
            for name, subject in subjects.items():
                marks = watched.of(name)
                for turn in subject.look(marks, now, wall):
                    self._tell(facts(kind, name, turn, marks.window_s))
        if any(not one.idle for one in (*self._models.values(), *self._strategies.values())):
            self._later()

    def _later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self.look)


def watches(settings: AlertSettings) -> Watched | None:
    """Whether anything is watched."""
    return settings.models or settings.strategies


def _subject(subjects: dict[str, Subject], name: str) -> Subject:
    found = subjects.get(name)
    if found is None:
        if len(subjects) >= SUBJECTS:
            idle = next((known for known, one in subjects.items() if one.idle), next(iter(subjects)))
            del subjects[idle]
        found = subjects[name] = Subject()
    return found


def facts(kind: str, name: str, turn: Turn, window_s: float) -> Facts:
    """In JSON's terms: dollars are text, for they are exact, and what is not known is left out."""
    told: dict[str, str | float] = {kind: name, "sign": turn.sign, "state": "bad" if turn.bad else "good"}
    if turn.sign == COST:
        told |= {"value": dollars(int(turn.value or 0)), "mark": dollars(int(turn.mark))}
    else:
        told |= {"mark": turn.mark} if turn.value is None else {"value": round(turn.value, 4), "mark": turn.mark}
        told["window_s"] = window_s
    return {**told, "samples": turn.samples}
