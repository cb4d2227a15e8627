"""Where records are kept, and where they are read again: what the writer and the commands know of it."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from proxy.usage.record import Record
from proxy.usage.scores import Score

PIECE: Final = 200
"""Records that are written or deleted at once: other processes, and budgets, wait for the same file."""


class NotKept(Exception):
    """The records were not kept, or nobody knows whether they were. The message says why in one clause, without a
    secret.

    `passing`: the same records may be given again, and may then be kept within seconds (the place is busy or cannot be
    reached); else they are lost.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class Unread(Exception):
    """Records cannot be read; the message says why in one sentence."""


class Sink(Protocol):
    """Used by one thread, the writer's, from `open` to `close`; may block, for a bounded time (some seconds)."""

    @property
    def place(self) -> str:
        """Where that is, as people are told it; without a secret."""

    def open(self) -> None:
        """Sees to it that records can be kept. Raises NotKept; `write` then tries anew."""

    def write(self, records: Sequence[Record]) -> None:
        """Keeps all of these, `PIECE` at most. One that is kept already, by its `id`, is not kept twice, or its twin is
        left out when they are read. Raises NotKept."""

    def tidy(self, before: float) -> bool:
        """Forgets a small piece of what ended before `before` (Unix seconds); whether there may be more of it. Raises
        NotKept."""

    def close(self) -> None:
        """Lets go of what it holds. Raises nothing."""


class Source(Protocol):
    """Where records are read: by a command, or a thread of its own."""

    @property
    def place(self) -> str:
        """Where that is, as people are told it; without a secret."""

    def records(self, since: float | None, until: float | None) -> Iterator[Record]:
        """Those that ended from `since` on and before `until` (Unix seconds), about in the order of their ends, each
        once; never all in memory. Raises Unread."""

    def scores(self, since: float | None, until: float | None) -> Iterator[Score]:
        """The scores of requests that ended then, each request's latest last. Raises Unread."""
