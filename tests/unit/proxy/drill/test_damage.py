"""Taking answers apart: where streams and bodies are split. test_script sees the bytes on the wire."""

import pytest

from proxy.drill import damage
from proxy.drill.wire import LAST_CHUNK, Act, Answer, Event, Wait, chunk, chunked_head

EVENTS = (
    Event("frame", b"start\n\n"),
    Event("delta", b"one\n\n"),
    Event("frame", b"ping\n\n"),
    Event("delta", b"two\n\n"),
    Event("frame", b"stop\n\n"),
    Event("finish", b"finish\n\n"),
    Event("end", b"end\n\n"),
)
STREAM = Answer(200, [("a", "b")], events=EVENTS)
BODY = Answer(200, [], b"0123456789")


def sent(plan) -> list[bytes]:
    """The events of a plan's bytes, its head left out."""
    raw = b"".join(action for action in plan if isinstance(action, bytes)).removeprefix(chunked_head(STREAM))
    return [event.data for event in EVENTS if chunk(event.data) in raw]


@pytest.mark.parametrize(
    ("after", "last"),
    [(None, b"start\n\n"), (0, b"start\n\n"), (1, b"ping\n\n"), (2, b"stop\n\n"), (9, b"stop\n\n")],
)
def test_a_cut_comes_before_the_next_content_or_the_finish(after, last):
    plan = list(damage.cut(STREAM, after, b""))
    assert sent(plan)[-1] == last
    assert plan[-1] is Act.CUT


def test_a_cut_in_a_chunk_is_in_the_middle_of_the_next_content():
    head, act = damage.cut_in_chunk(STREAM, 1)
    assert head.endswith(chunk(b"ping\n\n") + b"5\r\nt"[:2])
    assert len(head.rsplit(b"\r\n", 1)[1]) < 5
    assert act is Act.CUT


@pytest.mark.parametrize(("kind", "last"), [("finish", b"finish\n\n"), ("end", b"end\n\n")])
def test_a_reset_comes_behind_the_last_event_of_a_kind(kind, last):
    plan = damage.reset_behind(STREAM, kind)
    assert sent(plan)[-1] == last
    assert not plan[0].endswith(LAST_CHUNK)
    assert plan[-1] is Act.RESET


def test_where_a_dialect_has_no_end_but_its_finish_a_reset_comes_behind_that():
    events = EVENTS[:-1]
    assert sent(damage.reset_behind(Answer(200, [("a", "b")], events=events), "end"))[-1] == b"finish\n\n"


def test_a_pause_loses_nothing():
    before, pause, behind = damage.paused(STREAM, 1, Act.HOLD)
    assert pause is Act.HOLD
    assert before + behind == b"".join(damage.told(STREAM))


def test_a_paused_body_stops_in_its_middle():
    before, _, behind = damage.paused(BODY, 1, Act.NEVER)
    assert before.endswith(b"\r\n\r\n01234")
    assert behind == b"56789"


def test_a_slow_stream_waits_between_events_and_not_after_the_last():
    plan = list(damage.told(STREAM, 0.5))
    assert plan.count(Wait(0.5)) == len(EVENTS) - 1
    assert plan[-1] == chunk(b"end\n\n") + LAST_CHUNK


def test_the_headers_of_a_body_announce_its_length():
    assert damage.opening(BODY).endswith(b"content-length: 10\r\n\r\n")
    assert damage.opening(STREAM) == chunked_head(STREAM)


def test_an_answer_without_events_has_one_finish():
    assert damage.finished_twice(BODY) == damage.told(BODY)


def test_a_truncated_body_is_half_of_it():
    assert damage.truncated(BODY, None, by_close=False) == damage.halved(BODY)
    assert damage.halved(BODY)[0].endswith(b"content-length: 5\r\n\r\n01234")


def test_a_trickle_lets_each_byte_leave_before_the_next():
    plan = list(damage.trickled(BODY))
    assert all(len(byte) == 1 for byte in plan[0::2])
    assert set(plan[1::2]) == {Wait(0)}
    assert b"".join(plan[0::2]) == damage.told(BODY)[0]
