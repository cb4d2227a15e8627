"""Ids of a client's calls, made unique, as other dialects' targets demand.

Some local servers count from the same id in every turn, and a client sends back what it was given. An id that comes
again gets a number; results of it answer its calls in the latest turn that has any, one after another.
"""

from collections import deque

from translators.unique import Unique


class CallIds:
    """Reads a conversation's calls and results in order."""

    __slots__ = ("_unique", "_waiting")

    def __init__(self) -> None:
        self._unique = Unique()
        self._waiting: dict[str, tuple[int, deque[str]]] = {}
        """The client's id -> the last turn with calls of it, and the unique ids of those."""

    def called(self, own: str, turn: int) -> str:
        """The unique id of a call; `turn` is the place of its message."""
        unique = self._unique.named(own)
        last, waiting = self._waiting.get(own, (turn, None))
        if waiting is None or last != turn:
            waiting = deque()
            self._waiting[own] = turn, waiting
        waiting.append(unique)
        return unique

    def answered(self, own: str) -> str:
        """The unique id of the call that a result is for; its own id where no call has it."""
        if own not in self._waiting:
            return own
        waiting = self._waiting[own][1]
        return waiting.popleft() if len(waiting) > 1 else waiting[0]
