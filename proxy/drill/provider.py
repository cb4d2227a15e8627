"""A provider that does what its script says, on a real socket.

    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT, status(503).times(2).then(ok())) as alpha:
        ...  # talk to alpha.base_url
        alpha.script = silence()
        await alpha.wait_for_requests(3)

The script is for POST requests; models are listed whatever it says. It may be changed at any time and then applies
from the next request on. While it is `refuse()`, the listening socket is closed and a second, bound one keeps the
port, so that a connect is refused by the kernel and nobody else gets the port meanwhile.
"""

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, Self

import orjson

from proxy.drill.http import Connection, Request
from proxy.drill.scene import Scene
from proxy.drill.script import Script, Step, ok
from proxy.drill.speech import digest
from proxy.drill.voice import Hear, Voice, voices_of
from proxy.drill.wire import Plan, whole
from translators.ir import Dialect

HEARD = 1_000
WAIT_S = 10.0
_CACHED = 256
_CACHED_BYTES = 65_536
_JSON = ("content-type", "application/json")
_EMBEDDING = (Dialect.OPENAI_CHAT, Dialect.GEMINI)


class Heard:
    """A request that was read to its end."""

    __slots__ = ("_raw", "time")

    def __init__(self, raw: Request, time: float) -> None:
        self._raw = raw
        self.time = time
        """Loop time in seconds."""

    @property
    def method(self) -> str:
        return self._raw.method

    @property
    def path(self) -> str:
        """Without the query."""
        return _path(self._raw)

    @property
    def headers(self) -> dict[str, str]:
        """Names in lower case; of a repeated one the last."""
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._raw.headers}

    @property
    def body(self) -> Any:
        """Parsed JSON; None without a body. Raises orjson.JSONDecodeError on anything else."""
        return orjson.loads(self._raw.body) if self._raw.body else None

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"


def _path(request: Request) -> str:
    return request.target.split(b"?", 1)[0].decode("latin-1")


class ScriptedProvider:
    """An async context manager; listens on a free port of the loopback address while it is open.

    `model` and `embed_model` are listed as its models; any model is answered under the name asked for. `note` stands
    before every free text. `heard` is how many requests are remembered.
    """

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        script: Script | None = None,
        *,
        model: str = "demo-large",
        embed_model: str = "demo-embed",
        tls: ssl.SSLContext | None = None,
        note: str = "",
        heard: int = HEARD,
    ) -> None:
        self.name = name
        self.dialect = dialect
        self.requests: deque[Heard] = deque(maxlen=heard)
        """The last requests heard, of any method."""
        self.request_count = 0
        self.cancelled = 0
        """Requests the peer gave up on: its connection was gone before the answer's end."""
        self.refused = 0
        """Requests that a real server would not have taken either."""
        self._voices = voices_of(dialect)
        self._voice = self._voices[0]
        self._base = self._voice.PATH[: self._voice.PATH.index("/", 1)]
        self._models = [model, embed_model] if dialect in _EMBEDDING else [model]
        self._tls = tls
        self._note = note
        self._script = script or ok()
        self._at = 0
        self._cache: dict[tuple[Step, str, bytes, bytes], Plan] = {}
        self._connections: set[Connection] = set()
        self._held: list[Connection] = []
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._port = 0
        self._loop: asyncio.AbstractEventLoop
        self._reserved: socket.socket
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._opening: asyncio.Task[None] | None = None

    # -- life -------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._reserved = _bound(0)
        self._port = self._reserved.getsockname()[1]
        if not self._script.refusing:
            await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_listening()
        for connection in list(self._connections):
            connection.close()
        await self.wait_until(lambda: not self._connections)
        self._reserved.close()

    def _listen(self) -> asyncio.Task[None]:
        """Takes connections from here on: the kernel queues them until the server is ready."""
        self._listener = _bound(self._port)
        self._listener.listen(2_048)
        self._listener.setblocking(False)  # noqa: FBT003 - takes no keyword
        self._opening = self._loop.create_task(self._serve(self._listener))
        return self._opening

    async def _serve(self, listener: socket.socket) -> None:
        self._server = await self._loop.create_server(
            lambda: Connection(self, self._loop), sock=listener, ssl=self._tls, backlog=2_048
        )

    def _stop_listening(self) -> None:
        """Refuses connections from here on, even where the loop closes sockets later."""
        if self._opening:
            self._opening.cancel()
        if self._listener:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
        if self._server:
            self._server.close()
        elif self._listener:
            self._listener.close()
        self._opening = self._listener = self._server = None

    # -- what tests and the demo use --------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        return self.url + self._base

    @property
    def script(self) -> Script:
        return self._script

    @script.setter
    def script(self, script: Script) -> None:
        """Begins `script` at its first step; it applies to requests that come from here on."""
        self._script = script
        self._at = 0
        if script.refusing:
            self._stop_listening()
            for connection in list(self._connections):
                connection.reset()
        elif self._listener is None:
            self._listen()

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def release(self) -> None:
        """Lets every request that is held go on."""
        held, self._held = self._held, []
        for connection in held:
            connection.proceed()

    async def wait_for_requests(self, count: int) -> None:
        """Until `count` requests were heard in all. Raises TimeoutError after 10 s."""
        await self.wait_until(lambda: self.request_count >= count)

    async def wait_for_cancelled(self, count: int) -> None:
        """Until peers gave up on `count` requests in all. Raises TimeoutError after 10 s."""
        await self.wait_until(lambda: self.cancelled >= count)

    async def wait_until(self, true: Callable[[], bool]) -> None:
        """Until `true()`, asked at each request and each connection's begin and end. Raises TimeoutError after 10 s."""
        if true():
            return
        waiter = (true, self._loop.create_future())
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(WAIT_S):
                await waiter[1]
        except TimeoutError:
            seen = f"{self.request_count} requests, {self.cancelled} cancelled, {self.open_connections} connections"
            raise TimeoutError(f"{self.name} waited {WAIT_S:g} s for what did not come; seen: {seen}") from None
        finally:
            self._waiters.remove(waiter)

    def _wake(self) -> None:
        for true, future in self._waiters:
            if not future.done() and true():
                future.set_result(None)

    # -- what a connection asks (http.Host) -------------------------------------------------------------------------

    def joined(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._wake()

    def left(self, connection: Connection, *, cancelled: int) -> None:
        self._connections.discard(connection)
        self._held = [one for one in self._held if one is not connection]
        self.cancelled += cancelled
        self._wake()

    def holds(self, connection: Connection) -> None:
        self._held.append(connection)

    def plan(self, request: Request) -> Plan:
        self.requests.append(Heard(request, self._loop.time()))
        self.request_count += 1
        if self._waiters:
            self._wake()
        if request.method != "POST":
            return self._listed(_path(request)) if request.method == "GET" else self._unknown(request)
        step = self._script.steps[min(self._at, len(self._script.steps) - 1)]
        self._at += 1
        version = request.header(self._voice.VERSION_HEADER)
        remembered = (step, version, request.target, request.body)
        if (known := self._cache.get(remembered)) is not None:
            return known
        refused = self.refused
        plan = self._played(step, request, version)
        if refused == self.refused and _small(plan) and len(request.body) <= _CACHED_BYTES:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            self._cache[remembered] = plan
        return plan

    def _played(self, step: Step, request: Request, version: str) -> Plan:
        key = digest(request.body)
        voice, hear = self._ears(request)
        if hear is None:
            return self._unknown(request)
        try:
            about = hear(orjson.loads(request.body), version, self.name, key)
            if not isinstance(about, str):
                return step.plan(Scene(voice, key, about, self._note))
        except (ValueError, KeyError, TypeError, AttributeError):
            about = "The body of the request could not be read."
        self.refused += 1
        return [whole(400, [_JSON], voice.fault(400, None, about))]

    def _ears(self, request: Request) -> tuple[Voice, Hear | None]:
        """Who answers at a request's path, and how it reads one; None where nothing is."""
        path, _, query = request.target.decode("latin-1").partition("?")
        for voice in self._voices:
            if hear := voice.ears(path, query):
                return voice, hear
        return self._voice, None

    def _listed(self, path: str) -> Plan:
        if path == f"{self._base}/models":
            return [whole(200, [_JSON], orjson.dumps(self._voice.models(self._models)))]
        name = path.removeprefix(f"{self._base}/models/")
        if name in self._models:
            return [whole(200, [_JSON], orjson.dumps(self._voice.model(name)))]
        return [whole(404, [_JSON], self._voice.fault(404))]

    def _unknown(self, request: Request) -> Plan:
        return [
            whole(404, [_JSON], self._voice.fault(404, None, f"Unknown request: {request.method} {_path(request)}"))
        ]


def _small(plan: Plan) -> bool:
    """Whether a plan may be played again and is worth remembering."""
    if not isinstance(plan, (list, tuple)):
        return False
    return sum(len(action) for action in plan if isinstance(action, bytes)) <= _CACHED_BYTES


def _bound(port: int) -> socket.socket:
    """A socket bound to `port`, 0 for a free one. Several may share it; only a listening one gets connections."""
    # The protocol is named: the loop turns Nagle's algorithm off only for sockets that say they speak TCP.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound
