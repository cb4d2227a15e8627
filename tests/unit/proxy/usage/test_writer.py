"""Records reach their sink in batches and in time, and what does not is counted and told."""

import asyncio
import threading

import pytest

from proxy.config.spending import LedgerSettings
from proxy.usage import writer as module
from proxy.usage.sink import PIECE, NotKept
from proxy.usage.writer import DAY_S, FULL, Writer

BUSY = NotKept("the place is busy", passing=True)
GONE = NotKept("the place is gone")


class Clock:
    time = 100.0

    def now(self):
        return self.time

    def wall(self):
        return 1.7e9


class Sink:
    """Does as the next of `moods` says: raises it, waits for it, or keeps the records (also once there are no more)."""

    place = "the sink"

    def __init__(self):
        self.moods = []
        self.kept = []
        self.pieces = []
        self.tidied = []
        self.old = 0
        self.closed = threading.Event()
        self.asked = threading.Event()

    def open(self):
        self._mood()

    def write(self, records):
        self.asked.set()
        self._mood()
        self.pieces.append(len(records))
        self.kept += [one.id for one in records]

    def tidy(self, before):
        self.tidied.append(before)
        self.old -= 1
        return self.old > 0

    def close(self):
        self.closed.set()

    def _mood(self):
        mood = self.moods.pop(0) if self.moods else None
        if isinstance(mood, Exception):
            raise mood
        if mood is not None:
            assert mood.wait(5)


@pytest.fixture
def lab(monkeypatch):
    monkeypatch.setattr(module, "AGAIN_S", 0.001)

    class Lab:
        sink, clock, told = Sink(), Clock(), []

        def writer(self, **settings):
            made = Writer(LedgerSettings("sqlite:///x", **settings), self.sink, self.clock, self.told.append)
            made.open()
            return made

    return Lab()


async def until(holds):
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.to_thread(threading.Event().wait, 0.002)


async def test_what_is_noted_is_kept_when_its_time_has_come(lab, record, monkeypatch):
    monkeypatch.setattr(module, "BATCH_S", 0.005)
    writer = lab.writer()
    writer.note(record(1))
    writer.note(record(2))
    await until(lambda: lab.sink.kept)
    assert lab.sink.kept == ["req_0001", "req_0002"]
    assert lab.sink.pieces == [2]
    await writer.close()
    assert (writer.dropped, lab.told, lab.sink.closed.is_set()) == (0, [], True)


async def test_a_large_batch_does_not_wait_and_goes_in_pieces(lab, record, monkeypatch):
    monkeypatch.setattr(module, "BATCH_S", 3600)
    writer = lab.writer()
    for number in range(module.BATCH):
        writer.note(record(number))
    await until(lambda: len(lab.sink.kept) == module.BATCH)
    assert set(lab.sink.pieces) == {PIECE}
    await writer.close()


async def test_the_end_writes_what_is_left(lab, record):
    writer = lab.writer()
    for number in range(5):
        writer.note(record(number))
    await writer.close()
    assert len(lab.sink.kept) == 5
    assert writer.dropped == 0


async def test_what_is_in_the_way_for_a_moment_costs_nothing(lab, record):
    lab.sink.moods = [None, BUSY, BUSY]
    writer = lab.writer()
    writer.note(record())
    await until(lambda: lab.sink.kept)
    await writer.close()
    assert (lab.sink.kept, writer.dropped, lab.told) == (["req_0001"], 0, [])


async def test_what_stays_in_the_way_loses_what_waited_so_long(lab, record):
    lab.sink.moods = [None, *[BUSY] * 1000]
    writer = lab.writer()
    writer.note(record(1))
    await until(lab.sink.asked.is_set)
    lab.clock.time += module.PATIENCE_S
    await until(lambda: writer.dropped)
    lab.sink.moods.clear()
    writer.note(record(2))
    await writer.close()
    assert (writer.dropped, lab.told, lab.sink.kept) == (1, ["the place is busy"], ["req_0002"])


async def test_what_cannot_be_is_lost_at_once_counted_and_told_until_it_works_again(lab, record):
    lab.sink.moods = [GONE, GONE, GONE, None, GONE]
    writer = lab.writer()
    for number, kept in ((1, 0), (2, 0), (3, 1), (4, 1)):
        writer.note(record(number))
        writer._hand_over()
        await until(lambda number=number, kept=kept: writer.dropped + len(lab.sink.kept) == number)
        assert len(lab.sink.kept) == kept
    await writer.close()
    assert (writer.dropped, lab.told) == (3, ["the place is gone", "the place is gone"])


async def test_a_place_that_cannot_be_opened_is_told_before_anything_is_lost(lab):
    lab.sink.moods = [GONE]
    writer = lab.writer()
    await until(lambda: lab.told)
    assert (writer.dropped, lab.told) == (0, ["the place is gone"])
    await writer.close()


async def test_a_place_that_is_busy_at_first_is_no_news(lab, record):
    lab.sink.moods = [BUSY]
    writer = lab.writer()
    writer.note(record())
    await writer.close()
    assert (lab.sink.kept, lab.told) == (["req_0001"], [])


async def test_a_sink_that_fails_is_told_as_our_fault_and_asked_again(lab, record):
    lab.sink.moods = [None, ValueError("with a name in it")]
    writer = lab.writer()
    writer.note(record(1))
    writer._hand_over()
    await until(lambda: writer.dropped)
    writer.note(record(2))
    await writer.close()
    assert lab.told == ["internal error: ValueError; please report it"]
    assert lab.sink.kept == ["req_0002"]


async def test_no_more_wait_than_there_is_room_for_and_each_time_it_is_told(lab, record, monkeypatch):
    monkeypatch.setattr(module, "WAITING", 3)
    writer = lab.writer()
    await until(lambda: lab.sink.tidied)  # it has been opened
    for start in (0, 10):
        go_on = threading.Event()
        lab.sink.moods = [go_on]
        for number in range(start + 1, start + 7):
            writer.note(record(number))
            writer._hand_over()
        assert (writer.dropped, lab.told) == ((3, [FULL]) if not start else (6, [FULL, FULL]))
        go_on.set()
        await until(lambda: not writer._waiting)
    await writer.close()
    assert len(lab.sink.kept) == 6


async def test_the_end_does_not_wait_for_a_place_that_hangs(lab, record, monkeypatch):
    monkeypatch.setattr(module, "CLOSE_S", 0.01)
    hangs = threading.Event()
    lab.sink.moods = [None, hangs]
    writer = lab.writer()
    writer.note(record())
    await writer.close()
    assert writer.dropped == 1
    assert lab.told == ["the sink: it took longer than 0.01 s to write what was left"]
    hangs.set()
    assert await asyncio.to_thread(lab.sink.closed.wait, 5)


async def test_at_the_end_nobody_is_patient(lab, record):
    lab.sink.moods = [None, *[BUSY] * 1000]
    writer = lab.writer()
    for number in range(PIECE + 1):
        writer.note(record(number))
    await writer.close()
    assert (writer.dropped, lab.told) == (PIECE + 1, ["the place is busy"])


async def test_what_is_old_goes_piece_by_piece(lab, monkeypatch):
    monkeypatch.setattr(module, "TIDY_ON_S", 0.0)
    lab.sink.old = 3
    writer = lab.writer(keep_days=7)
    await until(lambda: len(lab.sink.tidied) == 3)
    await writer.close()
    assert set(lab.sink.tidied) == {1.7e9 - 7 * DAY_S}


async def test_one_that_was_never_opened_has_nothing_to_end(lab):
    await Writer(LedgerSettings(), lab.sink, lab.clock, lab.told.append).close()
    assert not lab.sink.closed.is_set()
