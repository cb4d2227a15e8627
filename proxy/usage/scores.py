"""Scores that people gave to answers: one for a request, the latest that was given.

They lie beside the records: in a table of the same file, or in a stream of the same Redis, which is capped. A score
knows when its request ended, by which the record of it is found without an index.

Who gives a score names the request by its id alone. The records of the last `SCORED_DAYS` are looked through for it, in
a thread: a file's by an index that the first such question makes, a stream's one after another.
"""

from typing import Final, Protocol

from msgspec import Struct

from proxy.usage.record import Record

SCORED_DAYS: Final = 30
"""An answer may be scored so long after its end."""
LABEL_CAP: Final = 64
"""Characters of a label."""


class Score(Struct, frozen=True):
    request: str
    """The request's id."""
    ended: float
    """When it ended, as its record says."""
    at: float
    """When it was scored, in Unix seconds."""
    score: float
    """From 0 to 1."""
    label: str = ""


class Scores(Protocol):
    """Where they are kept. Used by one thread at a time; each call may block for some seconds, and raises Unread or
    NotKept."""

    def find(self, request: str, since: float) -> Record | None:
        """The record of a request that ended after `since`; None where there is none."""

    def keep(self, score: Score) -> None:
        """Keeps it, in place of an earlier one of the same request."""
