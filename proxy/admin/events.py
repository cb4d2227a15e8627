"""What `/events` answers: the picture of the moment as JSON, or, to who asks for `text/event-stream`, the feed."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from proxy.admin.answers import error
from proxy.admin.feed import VIEWERS, Feed, Viewer

STREAM = "text/event-stream"
FULL = f"No more can look now: at most {VIEWERS} do at once, and none while this process ends. Close another page."


def events(feed: Feed, allowed: Callable[[Request], bool], request: Request) -> Response:
    """`allowed` is asked again as long as the stream lasts: a token may be withdrawn."""
    if STREAM in request.headers.get("accept", ""):
        return _Stream(feed, lambda: allowed(request))
    return Response(feed.now(), media_type="application/json")


class _Stream(Response):
    def __init__(self, feed: Feed, allowed: Callable[[], bool]) -> None:
        super().__init__(headers={"content-type": STREAM, "cache-control": "no-store"})
        del self.headers["content-length"]
        self._feed = feed
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        viewer = self._feed.join()
        if viewer is None:
            await error(503, None, FULL, {"retry-after": "5"})(scope, receive, send)
            return
        leaving = asyncio.create_task(_left(receive, viewer))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while scope["method"] == "GET" and (data := await viewer.following()) and self._allowed():
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            self._feed.leave(viewer)
            leaving.cancel()


async def _left(receive: Receive, viewer: Viewer) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    viewer.end()
