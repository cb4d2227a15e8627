"""A pipe around another one."""

from collections.abc import Sequence

import pytest

from translators.codec import Around
from translators.faults import Truncated
from translators.ir import Delta, Event, TextDelta


class Inner:
    """A pipe that says what it is given, and ends once."""

    def __init__(self) -> None:
        self.done = False

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        return (TextDelta(event.data.decode()),), event.data

    def close(self) -> tuple[Sequence[Delta], bytes]:
        if self.done:
            raise Truncated("over")
        self.done = True
        return (), b"end"

    def fault(self, _):
        return b"fault"

    def shows(self, delta: Delta) -> bool:
        return isinstance(delta, TextDelta)


class Hearing(Around):
    def __init__(self, pipe) -> None:
        super().__init__(pipe)
        self.heard = []

    def hear(self, deltas, data):
        self.heard.append((tuple(deltas), data))


def test_it_does_as_the_pipe_within_and_hears_all_that_it_tells():
    pipe = Hearing(Inner())
    said = (TextDelta("a"),)
    assert pipe.feed(Event(b"a")) == (said, b"a")
    assert (pipe.done, pipe.shows(TextDelta("a")), pipe.fault(None)) == (False, True, b"fault")
    assert pipe.close() == ((), b"end")
    assert pipe.done
    assert pipe.heard == [(said, b"a"), ((), b"end")]


def test_what_the_pipe_within_refuses_is_refused_and_not_heard():
    pipe = Hearing(Inner())
    pipe.close()
    with pytest.raises(Truncated):
        pipe.close()
    assert len(pipe.heard) == 1
