"""The admin port's `/api/v1/models/performance`, `/api/v1/models/settings` and `/api/v1/feedback`: how models fare, by
which strategy they are chosen, and what people say of answers. With and without a slash at the end.

Figures are made of the records by a thread, for one who asks at a time and for at most `LONGEST_S` seconds, and are
told again for `FRESH_S`: a page that is open asks every few seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import Response

from proxy.admin.answers import error, told_as_json
from proxy.admin.asked import body_of, only, who
from proxy.admin.overview import Choosing
from proxy.clock import Clock
from proxy.config.selection import Experiment
from proxy.config.spending import LedgerSettings
from proxy.learning.feedback import NotTaken
from proxy.learning.learning import Learning
from proxy.telemetry.names import INVALID_VALUE

Page = Callable[[Request], Response | Awaitable[Response]]

LONGEST_S: Final = 10.0
FRESH_S: Final = 10.0
SINCE: Final = "7d"
"""How far back, where nobody says."""
NOTHING: Final = (
    "Nothing is learned here: [selection] track is false, in the configuration or by TRACK_MODEL_PERFORMANCE."
)
UNKEPT: Final = (
    "The current strategy ends with this process: it could not be written to the state folder (SIDESTEP_STATE_DIR)."
)
ALONE: Final = (
    "A switch counts in this process alone: of several behind one address, each is switched by itself, and all of them "
    "by their configuration."
)


class Models:
    """Used in one running loop. `tokens` gives the admin tokens' digests."""

    def __init__(self, serving: Learning, clock: Clock, tokens: Callable[[], Sequence[str]]) -> None:
        self._serving = serving
        self._clock = clock
        self._tokens = tokens
        self._busy = False
        self._fresh: tuple[str, float, LedgerSettings, dict[str, Any]] | None = None

    @property
    def pages(self) -> Mapping[str, Mapping[str, Page]]:
        """Each path's pages by method."""
        return {
            "/api/v1/models/performance": {"GET": self._performance},
            "/api/v1/models/settings": {"GET": self._settings, "PUT": self._switch},
            "/api/v1/feedback": {"POST": self._score},
        }

    async def _performance(self, request: Request) -> Response:
        since = request.query_params.get("since", SINCE)
        status, told = await self._figures(since)
        if status != 200:
            return error(status, None, told)
        return told_as_json(200, told)

    async def _figures(self, since: str) -> tuple[int, Any]:
        from proxy.usage.moments import moment  # noqa: PLC0415 - most are never asked

        if not self._serving.tracks():
            return 409, NOTHING
        now, ledger = self._clock.now(), self._serving.ledger()
        if self._fresh is not None and self._fresh[0] == since and self._fresh[2] == ledger and now < self._fresh[1]:
            return 200, self._fresh[3]
        try:
            start = moment(since, self._clock.wall())
        except ValueError as problem:
            return 400, f"since {problem}."
        if self._busy:
            return 503, "The figures are being made for somebody else; ask again in some seconds."
        self._busy = True
        status, told = await asyncio.to_thread(self._alone, ledger, start)
        if status == 200:
            self._fresh = (since, self._clock.now() + FRESH_S, ledger, told)
        return status, told

    def _alone(self, ledger: LedgerSettings, since: float) -> tuple[int, Any]:
        """Whoever asked may be gone by its end; the thread is not."""
        try:
            return self._summed(ledger, since)
        finally:
            self._busy = False

    def _summed(self, ledger: LedgerSettings, since: float) -> tuple[int, Any]:
        from proxy.learning.performance import BY, told  # noqa: PLC0415 - as above
        from proxy.usage.fares import fares  # noqa: PLC0415 - likewise
        from proxy.usage.moments import told as said  # noqa: PLC0415 - likewise
        from proxy.usage.sink import Unread  # noqa: PLC0415 - likewise
        from proxy.usage.sources import source_for  # noqa: PLC0415 - likewise
        from proxy.usage.summary import database_of  # noqa: PLC0415 - likewise

        latest, wall = self._clock.now() + LONGEST_S, self._clock.wall()
        try:
            source = source_for(ledger, here=True)
        except Unread as problem:  # nothing is wrong, but nothing can be known
            return 200, {"place": None, "since": said(since), "hint": str(problem), **told([], [])}
        try:
            with database_of(source, since, None, lambda: self._clock.now() >= latest, scores=True) as database:
                span, tasks = (since, float("inf")), self._serving.tasks()
                found = fares(database, BY[0], span, now=wall), fares(database, BY[1], span, now=wall, tasks=tasks)
        except Unread as problem:
            return 503, str(problem)
        return 200, {"place": source.place, "since": said(since), **told(*found)}

    def _settings(self, _: Request) -> Response:
        return told_as_json(200, self._told())

    def choosing(self) -> Choosing:
        """By what strategy models are chosen now."""
        strategy, split = self._serving.strategy, self._serving.experiment()
        notes, shares = [], None
        if split is not None:
            notes.append(_split(split))
            shares = {"name": split.name, "strategies": {arm: share / 100 for arm, share in split.arms}}
        if not strategy.kept:
            notes.append(UNKEPT)
        return Choosing(strategy.name or None, [*strategy.available], shares, strategy.kept, " ".join([*notes, ALONE]))

    def _told(self) -> dict[str, Any]:
        models = {kind: list(names) for kind, names in self._serving.models().items()}
        return {**to_builtins(self.choosing()), "available_models": models}

    async def _switch(self, request: Request) -> Response:
        """Nothing is switched by what is refused."""
        try:
            name = only("strategy", await body_of(request))
            await self._serving.strategy.switch(name, who(request, self._tokens()))
        except NotTaken as problem:
            return error(problem.status, problem.code, str(problem), param=problem.param)
        except ValueError as problem:
            return error(400, INVALID_VALUE, f"'strategy': {problem}", param="strategy")
        return told_as_json(200, self._told())

    async def _score(self, request: Request) -> Response:
        try:
            return told_as_json(200, await self._serving.feedback.take(await body_of(request), None))
        except NotTaken as problem:
            return error(problem.status, problem.code, str(problem), param=problem.param)


def _split(experiment: Experiment) -> str:
    """That it decides before the current strategy does."""
    return (
        f"The experiment {experiment.name} shares out the requests that leave their model open, so a switch moves none "
        "of them: the current strategy decides for vectors alone, and for the rest once the experiment is out of the "
        "configuration."
    )
