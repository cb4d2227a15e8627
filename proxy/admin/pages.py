"""The admin listener's pages: `/livez`, `/readyz`, `/metrics`, `/state`, `/budgets`, `/usage`, those on models
(`proxy.admin.models`) and targets (`proxy.admin.targets`), and the live page at `/` with its stream of updates,
`/events`.

Who may read them: the two health pages, anyone, since a kubelet's probe carries no token, and the live page's files,
which show nothing by themselves and must be there before a browser can be asked for a token. The others need one of the
admin tokens where any is configured, and are for this machine alone where none is: neither for another machine nor for
a web page of one. A browser names a page's origin only on some requests, so the host that was asked for must be this
machine's too; otherwise a name that was made to point here could read them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.admin.answers import error, told_as_json
from proxy.admin.events import events
from proxy.admin.feed import Feed
from proxy.admin.files import FILES, FOLDER_PATH, file
from proxy.admin.health import Health
from proxy.admin.models import Models
from proxy.admin.targets import Targets, Trip
from proxy.admin.usage import Usage
from proxy.clock import Clock
from proxy.config.spending import LedgerSettings
from proxy.edge import CONNECTION
from proxy.filters.auth import is_own, matching, presented_key
from proxy.learning.learning import Learning
from proxy.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from proxy.telemetry.exposition import Exposition

Page = Callable[[Request], Response | Awaitable[Response]]
API = "/api/"


def admin_app(
    *,
    health: Health,
    clock: Clock,
    metrics: Metrics,
    state: Callable[[], Mapping[str, Any]],
    budgets: Callable[[], Awaitable[Mapping[str, Any]]],
    unfit: Callable[[], str],
    feed: Feed,
    trip: Trip,
    ledger: Callable[[], LedgerSettings] = LedgerSettings,
    token_sha256: Callable[[], Sequence[str]] = tuple,
    serving: Learning | None = None,
) -> ASGIApp:
    """The ASGI application; `state` gives what `/state` shows, free of secrets, `budgets` what `/budgets` shows,
    `unfit` why hard budgets cannot be kept, `feed` is what `/events` sends, `trip` takes a
    target out, `ledger` where usage is kept now,
    `token_sha256` the tokens of now, `serving` what is told of models, where anything is."""
    usage = Usage(ledger, clock)

    @cache
    def exposition() -> "Exposition":
        from proxy.telemetry.exposition import Exposition  # noqa: PLC0415 - loaded once the proxy serves

        return Exposition(metrics)

    def livez(_: Request) -> Response:
        return told_as_json(*health.live(clock.now()))

    def readyz(_: Request) -> Response:
        return told_as_json(*health.ready(unfit()))

    async def scrape(request: Request) -> Response:
        from proxy.telemetry.exposition import process_metrics  # noqa: PLC0415 - as above

        process = await asyncio.to_thread(process_metrics)
        body, content_type = exposition().render(request.headers.get("accept", ""), process)
        return Response(body, headers={"content-type": content_type})

    def show(_: Request) -> Response:
        return told_as_json(200, state())

    async def limits(_: Request) -> Response:
        return told_as_json(200, await budgets())

    async def used(request: Request) -> Response:
        status, body = await usage.answer(request.query_params)
        return told_as_json(status, body) if status == 200 else error(status, None, body)

    async def live(request: Request) -> Response:
        await feed.fresh()
        return events(feed, partial(_admitted, token_sha256), request)

    shown: dict[str, Page] = {"/metrics": scrape, "/state": show, "/budgets": limits, "/usage": used, "/events": live}
    closed: dict[str, Mapping[str, Page]] = {path: {"GET": page} for path, page in shown.items()}
    closed |= Targets(trip, token_sha256).pages
    if serving is not None:
        models = Models(serving, clock, token_sha256)
        closed |= models.pages
        feed.strategy = models.choosing
    feed.pages = sorted(closed)
    return _routed({"/livez": livez, "/readyz": readyz, **dict.fromkeys(FILES, file)}, closed, token_sha256)


def _routed(
    public: Mapping[str, Page], closed: Mapping[str, Mapping[str, Page]], token_sha256: Callable[[], Sequence[str]]
) -> ASGIApp:
    """Each path's pages by method; those of `/api/` with a slash at the end too."""
    routes = [Route(path, _Methods({"GET": page})) for path, page in public.items()]
    for path, methods in closed.items():
        asked = _Methods({method: _guarded(page, token_sha256) for method, page in methods.items()})
        routes += [Route(name, asked) for name in (path, *([f"{path}/"] if path.startswith(API) else []))]
    known = sorted(path for path in [*public, *closed] if not path.startswith(FOLDER_PATH))
    return _Readable(Router(routes, redirect_slashes=False, default=_Unknown(known)))


def _guarded(page: Page, token_sha256: Callable[[], Sequence[str]]) -> Page:
    def checked(request: Request) -> Response | Awaitable[Response]:
        return page(request) if _admitted(token_sha256, request) else _denied(token_sha256())

    return checked


def _admitted(token_sha256: Callable[[], Sequence[str]], request: Request) -> bool:
    return _allowed(request, [(bytes.fromhex(digest), True) for digest in token_sha256()])


class _Methods:
    """A page for each method that is taken, HEAD as GET; what else it is asked is told."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = {**pages, **({"HEAD": pages["GET"]} if "GET" in pages else {})}
        self._taken = " or ".join(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._pages.get(scope["method"])
        if page is not None:
            made = page(Request(scope, receive))
            response = made if isinstance(made, Response) else await made
        else:
            allowed = {"allow": ", ".join(sorted(self._pages))}
            response = error(405, "method_not_allowed", f"This page takes {self._taken}.", allowed)
        await response(scope, receive, send)


class _Unknown:
    def __init__(self, known: Sequence[str]) -> None:
        self._message = f"Unknown page; this is the admin port, it has {', '.join(known)}."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await error(404, "unknown_url", self._message)(scope, receive, send)


class _Readable:
    """Answers what the connection could not read as a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = scope["extensions"][CONNECTION].problem
        app = self._app if problem is None else error(problem.status, problem.code, problem.message)
        await app(scope, receive, send)


def _allowed(request: Request, tokens: list[tuple[bytes, bool]]) -> bool:
    if not tokens:
        return request.client is not None and is_own(request.client.host) and _is_local(request.headers)
    given = presented_key(request.headers)
    return bool(given) and matching(sha256(given.encode()).digest(), tokens) is not None


def _is_local(headers: Mapping[str, str]) -> bool:
    """Whether both the page that asks, if a page does, and the host it asks are this machine."""
    origin = headers.get("origin")
    places = [f"//{headers.get('host', '')}", *([] if origin is None else [origin])]
    try:
        return all(is_own(urlsplit(place).hostname or "") for place in places)
    except ValueError:
        return False


def _denied(tokens: Sequence[str]) -> Response:
    if tokens:
        message = "Send an admin token as 'Authorization: Bearer TOKEN'."
    else:
        message = (
            "This page is for this machine alone, asked for as localhost or 127.0.0.1; "
            "set [admin] token_sha256 to read it from elsewhere."
        )
    return error(401, "invalid_api_key", message, {"www-authenticate": "Bearer"})
