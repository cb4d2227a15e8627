"""The structured log: lines, batches, and readers that stall."""

import asyncio
import gc
import io
import os
import sys
import threading

import orjson
import pytest

from proxy.telemetry import logs
from proxy.telemetry.logs import Log, LogWriter, standard_output

SOON = 5.0


class StandingClock:
    def wall(self) -> float:
        return 1_700_000_000.25


class Known(logs.Line):
    id: str
    ok: bool | None


class Reader(io.BytesIO):
    """Tells when something was written; may be made to stall or to be gone."""

    def __init__(self) -> None:
        super().__init__()
        self.wrote = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.gone = False
        self.writes = 0

    def write(self, data) -> int:
        self.go.wait(SOON)
        if self.gone:
            raise BrokenPipeError
        self.writes += 1
        return super().write(data)

    def flush(self) -> None:
        self.wrote.set()


@pytest.fixture
async def reader():
    return Reader()


@pytest.fixture
async def writer(reader):
    made = LogWriter(reader)
    yield made
    reader.go.set()
    await made.close()


async def test_a_call_is_one_json_line(writer, reader):
    clock = StandingClock()
    log = Log(writer, clock)
    log.events.info("breaker", target="a/b", n=1)
    log.tell(Known(logs.moment(clock), "error", "exchange", "req_1", None))
    await writer.close()
    first, second = map(orjson.loads, reader.getvalue().splitlines())
    time = "2023-11-14T22:13:20.250000Z"
    assert first == {"time": time, "level": "info", "event": "breaker", "target": "a/b", "n": 1}
    assert second == {"time": time, "level": "error", "event": "exchange", "id": "req_1", "ok": None}


async def test_what_is_below_info_is_not_written(writer, reader):
    Log(writer, StandingClock()).events.debug("detail")
    await writer.close()
    assert reader.getvalue() == b""


async def test_lines_of_one_moment_are_one_write_in_order(writer, reader, monkeypatch):
    monkeypatch.setattr(logs, "BATCH_S", 0.01)
    for n in range(100):
        writer.msg(b"%d" % n)
    assert await asyncio.to_thread(reader.wrote.wait, SOON)
    assert reader.getvalue().splitlines() == [b"%d" % n for n in range(100)]
    assert reader.writes == 1


async def test_much_is_written_before_its_time(writer, reader, monkeypatch):
    monkeypatch.setattr(logs, "BATCH_S", 3600)
    writer.msg(b"x" * logs.BATCH_BYTES)
    assert await asyncio.to_thread(reader.wrote.wait, SOON)


async def test_a_stalled_reader_blocks_nobody_and_costs_bounded_memory(writer, reader, monkeypatch):
    """What is dropped is counted."""
    monkeypatch.setattr(logs, "PENDING_BYTES", 1000)
    reader.go.clear()
    for _ in range(10):
        writer.msg(b"x" * 299)
        writer.flush()
    assert writer.dropped == 7
    reader.go.set()
    await writer.close()
    assert len(reader.getvalue()) == 900


async def test_after_a_stall_it_goes_on(writer, reader, monkeypatch):
    monkeypatch.setattr(logs, "PENDING_BYTES", 1000)
    writer.msg(b"x" * 999)
    writer.flush()
    assert await asyncio.to_thread(reader.wrote.wait, SOON)
    await writer.close()
    assert writer._pending == 0


async def test_a_reader_that_is_gone_is_no_error(writer, reader):
    reader.gone = True
    writer.msg(b"a")
    writer.msg(b"b")
    await writer.close()
    assert writer.dropped == 2


def test_without_a_loop_lines_are_written_at_once():
    reader = Reader()
    writer = LogWriter(reader)
    writer.msg(b"starting")
    assert reader.wrote.wait(SOON)
    assert reader.getvalue() == b"starting\n"
    asyncio.run(_close(writer))


async def _close(writer):
    await writer.close()


class Sipping(io.RawIOBase):
    """Takes a little at a time, as a raw stream may, and now and then nothing."""

    def __init__(self, ready) -> None:
        self.taken = b""
        self.calls = 0
        self._ready = ready

    def fileno(self) -> int:
        return self._ready

    def write(self, data):
        self.calls += 1
        if self.calls % 2:
            return None
        self.taken += bytes(data[:3])
        return min(3, len(data))


async def test_a_stream_that_takes_a_part_at_a_time_gets_everything():
    reading, writing = os.pipe()
    stream = Sipping(writing)
    writer = LogWriter(stream)
    writer.msg(b"0123456789")
    await writer.close()
    assert (stream.taken, writer.dropped) == (b"0123456789\n", 0)
    os.close(reading)
    os.close(writing)


def test_standard_output_is_written_past_its_buffer(capfd):
    """The log shares no lock with whoever else prints."""
    with standard_output() as stream:
        assert stream.fileno() != sys.stdout.fileno()
        stream.write(b"line\n")
    assert capfd.readouterr().out == "line\n"


def test_standard_output_is_let_go_of_without_a_warning(recwarn):
    descriptor = standard_output().fileno()
    gc.collect()
    assert not recwarn.list
    with pytest.raises(OSError):
        os.fstat(descriptor)
