"""The admin port's first application: the two pages that a kubelet asks for, and behind them all others.

Those, with the library that serves them, are a tenth of what a start would load, and whoever waits for a process to be
ready asks for none of them: they are made when the first of them is, or when the proxy serves already.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from proxy.admin.health import Told
from proxy.edge import CONNECTION


class Front:
    """`first` tells the answers to a GET of these paths, `others` makes the application for all else."""

    def __init__(self, first: Mapping[str, Callable[[], Told]], others: Callable[[], Any]) -> None:
        self._first = first
        self._make = others
        self._others: Any = None

    def whole(self) -> None:
        """Makes the others, unless they are."""
        if self._others is None:
            self._others = self._make()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        page = self._first.get(scope["path"])
        if page is None or scope["method"] != "GET" or scope["extensions"][CONNECTION].problem is not None:
            self.whole()
            await self._others(scope, receive, send)
            return
        status, told = page()
        body = orjson.dumps(told)
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
