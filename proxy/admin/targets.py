"""The admin port's `/targets/trip`, by which an operator takes a target out."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from proxy.admin.answers import error, told_as_json
from proxy.admin.asked import body_of, only, who
from proxy.learning.feedback import NotTaken
from proxy.telemetry.names import TARGET_NOT_FOUND

Page = Callable[[Request], Response | Awaitable[Response]]
Trip = Callable[[str, str], Mapping[str, Any]]
"""Takes a target out, as the second says who wants it, and tells how it stands then (see `proxy.admin.trips`)."""
TARGET = "target"


class Targets:
    """`tokens` gives the admin tokens' digests."""

    def __init__(self, trip: Trip, tokens: Callable[[], Sequence[str]]) -> None:
        self._take_out = trip
        self._tokens = tokens

    @property
    def pages(self) -> Mapping[str, Mapping[str, Page]]:
        """Each path's pages by method."""
        return {"/targets/trip": {"POST": self._trip}}

    async def _trip(self, request: Request) -> Response:
        """Nothing is taken out by what is refused."""
        try:
            name = only(TARGET, await body_of(request))
        except NotTaken as problem:
            return error(problem.status, problem.code, str(problem), param=problem.param)
        try:
            return told_as_json(200, self._take_out(name, who(request, self._tokens())))
        except LookupError as problem:
            return error(404, TARGET_NOT_FOUND, str(problem.args[0]), param=TARGET)
