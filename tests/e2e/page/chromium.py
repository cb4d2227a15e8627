"""A headless Chromium, driven by its own protocol over a pair of pipes: nothing has to be installed beside it.

A page is loaded, told what to do in its own language, looked at as a picture; what its console says is kept.
"""

import asyncio
import base64
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import orjson

PATIENCE_S = 20.0
"""Only a failing test waits that long."""
FOUND = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ELSEWHERE = "elsewhere.test"
"""A name for this machine that is not one of its own."""
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync"),
    *("--remote-debugging-pipe", f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"),
)

ENTRY = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
"""It reads from descriptor 3 and writes to 4."""

AWAY = -32000


class Away(Exception):
    """The page that was asked is gone: another one is in its place."""


class Chromium:
    """The process, and what is said to it and by it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self.pages: dict[str, Page] = {}
        """By session."""

    async def listen(self) -> None:
        while True:
            told = orjson.loads((await self._reader.readuntil(b"\0"))[:-1])
            if (asked := self._asked.pop(told.get("id"), None)) is not None:
                if not asked.done():
                    asked.set_result(told)
            elif page := self.pages.get(told.get("sessionId")):
                page.hear(told["method"], told["params"])

    async def ask(self, method: str, session: str | None = None, **params: Any) -> Any:
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        command = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self._writer.write(orjson.dumps(command) + b"\0")
        async with asyncio.timeout(PATIENCE_S):
            answer = await self._asked[number]
        if answer.get("error", {}).get("code") == AWAY:
            raise Away(answer["error"]["message"])
        assert "error" not in answer, answer
        return answer["result"]

    @asynccontextmanager
    async def page(self, *, width: int = 1280, dark: bool = False) -> "AsyncIterator[Page]":
        """An empty one, which knows nothing of the others."""
        context = (await self.ask("Target.createBrowserContext"))["browserContextId"]
        target = (await self.ask("Target.createTarget", url="about:blank", browserContextId=context))["targetId"]
        session = (await self.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.ask(f"{domain}.enable")
        await page.look(width=width, dark=dark)
        try:
            yield page
        finally:
            del self.pages[session]
            await self.ask("Target.disposeBrowserContext", browserContextId=context)


class Page:
    """A tab."""

    def __init__(self, chromium: Chromium, session: str) -> None:
        self._chromium = chromium
        self._session = session
        self.console: list[str] = []
        """Errors and warnings: of scripts, of policies, of what could not be loaded."""
        self.asked: list[str] = []
        """Every address that was asked."""
        self._answer: Callable[[Any], tuple[int, Any]] | None = None
        self._answering: set[asyncio.Task[Any]] = set()

    async def ask(self, method: str, **params: Any) -> Any:
        return await self._chromium.ask(method, self._session, **params)

    def hear(self, method: str, params: Any) -> None:
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning", "assert"}:
            self.console.append(str(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.console.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method == "Fetch.requestPaused" and self._answer is not None:
            status, body = self._answer(params["request"])
            told = {"responseCode": status, "body": base64.b64encode(orjson.dumps(body)).decode()}
            kind = [{"name": "content-type", "value": "application/json"}]
            answer = self.ask("Fetch.fulfillRequest", requestId=params["requestId"], responseHeaders=kind, **told)
            self._answering.add(task := asyncio.create_task(answer))
            task.add_done_callback(self._answering.discard)

    async def stand_in(self, path: str, answer: "Callable[[Any], tuple[int, Any]]") -> None:
        """Requests for a path are answered by `answer(request)`: a status, and what is told as JSON."""
        self._answer = answer
        await self.ask("Fetch.enable", patterns=[{"urlPattern": f"*{path}"}])

    async def look(self, *, width: int, dark: bool) -> None:
        """As on a screen so wide, in one of the two schemes."""
        narrow = width < 600
        sizes = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": narrow}
        await self.ask("Emulation.setDeviceMetricsOverride", **sizes)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self.ask("Emulation.setEmulatedMedia", features=scheme)

    async def open(self, url: str) -> None:
        answer = await self.ask("Page.navigate", url=url)
        assert "errorText" not in answer, answer

    async def run(self, script: str) -> Any:
        """What an expression comes to, as JSON; a promise is waited for."""
        found = await self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def until(self, script: str) -> Any:
        """What the expression comes to, once that is true; asked anew each time the page is painted."""
        watch = f"new Promise(done => {{ const look = () => {{ let found; try {{ found = {script} }} catch {{}}; "
        watch += "found ? done(found) : setTimeout(look, 20) }; look() })"
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    with suppress(Away):
                        return await self.run(watch)
        except TimeoutError:
            said = await self.run("document.body.innerText")
            raise AssertionError(f"never: {script}; the page says: {said}") from None

    async def press(self, key: str, code: int = 0, text: str = "") -> None:
        """A key, as a person does it."""
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            await self.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)

    async def type(self, text: str) -> None:
        await self.ask("Input.insertText", text=text)

    async def picture(self, *, whole: bool = True) -> bytes:
        """A PNG of the page, or of what is seen of it without moving."""
        taken = await self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(taken["data"])


@asynccontextmanager
async def running(profile: Path) -> AsyncIterator[Chromium]:
    """A browser whose files are all in the folder `profile`."""
    assert FOUND
    theirs, ours = os.pipe()
    told, tells = os.pipe()
    loop = asyncio.get_running_loop()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ENTRY, str(theirs), str(tells), FOUND, *OPTIONS, f"--user-data-dir={profile}"),
        pass_fds=(theirs, tells),
        env={"PATH": os.environ["PATH"], "HOME": str(profile), "LANG": "C.UTF-8"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(theirs)
    os.close(tells)
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    listening, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(told, "rb"))
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(ours, "wb"))
    chromium = Chromium(reader, asyncio.StreamWriter(transport, protocol, None, loop))
    task = asyncio.create_task(chromium.listen())
    try:
        yield chromium
        await chromium.ask("Browser.close")  # it ends those that it started, which write to its folder
        async with asyncio.timeout(PATIENCE_S):
            await child.wait()
    finally:
        task.cancel()
        transport.close()
        listening.close()
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
