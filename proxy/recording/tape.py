"""What is noted of an exchange while it is under way: the bytes that passed and when, by reference.

All tapes together, those that wait to be written among them, hold so many bytes and no more (`Room`): an exchange that
finds no room is lost to the recording, and serves as if there were none.
"""

from contextvars import ContextVar
from threading import Lock
from typing import Any, Final

from msgspec import Struct, field

from proxy.config.values import Provider
from proxy.flow import Headers
from proxy.recording.form import Stopped, Tried
from proxy.upstream.seam import Call

HELD_BYTES: Final = 64 * 1024 * 1024
OVERHEAD: Final = 4096
"""What a tape counts for beside the bytes on it."""
PIECE_OVERHEAD: Final = 64


class Room:
    """The bytes held at once, and their limit; used from the loop's thread and from the writing one."""

    def __init__(self, limit: int = HELD_BYTES) -> None:
        self.held = 0
        self._limit = limit
        self._lock = Lock()

    def take(self, size: int) -> bool:
        """Whether there is room for so many bytes more; then they are held."""
        with self._lock:
            if self.held + size > self._limit:
                return False
            self.held += size
            return True

    def give_back(self, size: int) -> None:
        with self._lock:
            self.held -= size


class Noted(Struct, eq=False):
    """One call upstream. Moments are loop time in seconds; 0 for what was not."""

    provider: Provider
    call: Call
    sent: float
    head: float = 0.0
    status: int = 0
    headers: Headers = field(default_factory=list)
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    ended: float = 0.0
    whole: bool = False
    error: Exception | None = None


class Facts(Struct, frozen=True):
    """What became of the exchange, as it is told elsewhere."""

    id: str
    route: str
    method: str
    path: str
    headers: dict[str, str]
    asked: str
    client: str | None
    provider: str
    model: str
    stream: bool
    status: int
    kind: str | None
    code: str | None
    translation: str
    attempts: list[Tried]
    skipped: list[tuple[str, str]]
    stopped: Stopped | None
    ended: float


class Tape:
    """One exchange."""

    __slots__ = (
        "_room",
        "at",
        "before",
        "began",
        "body",
        "calls",
        "cut",
        "facts",
        "headers",
        "lost",
        "pieces",
        "secrets",
        "size",
    )  # fmt: skip

    def __init__(self, room: Room, began: float, at: float, before: dict[str, Any]) -> None:
        """`at` is Unix time; `before` how targets and keys stand."""
        self.began = began
        self.at = at
        self.before = before
        self.body: bytes | None = None
        """The request's; None until it is read."""
        self.calls: list[Noted] = []
        self.headers: Headers = []
        """The answer's."""
        self.pieces: list[bytes] = []
        self.cut = False
        self.lost = False
        """Whether there was no room for all of it."""
        self.secrets: set[str] = set()
        """Keys that came by; they must not stand in the recording, wherever they are said."""
        self.facts: Facts | None = None
        self.size = 0
        self._room = room
        self.keep(OVERHEAD)

    def keep(self, size: int) -> bool:
        """Whether so many bytes more may be noted; where not, all that was is thrown away."""
        if self.lost:
            return False
        if self._room.take(size):
            self.size += size
            return True
        self.lost = True
        self.body, self.calls, self.pieces = None, [], []
        self.release()
        return False

    def release(self) -> None:
        """Nothing of it is held any more."""
        self._room.give_back(self.size)
        self.size = 0


TAPE: ContextVar[Tape | None] = ContextVar("tape", default=None)
"""The tape of the exchange that the running task serves."""
