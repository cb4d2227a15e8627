"""Records in a real SQLite file: kept once, forgotten in time, and what goes wrong is told."""

import sqlite3
import stat
import subprocess
import sys
import tracemalloc
from contextlib import closing

import pytest

from proxy.usage.sink import PIECE, NotKept, Unread
from proxy.usage.sqlite import PAGE_ROWS, SqliteSink, SqliteSource


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "sidestep" / "ledger.db"


@pytest.fixture
def sink(path):
    made = SqliteSink(str(path))
    yield made
    made.close()


def read(path, since=None, until=None):
    return [one.id for one in SqliteSource(str(path)).records(since, until)]


def test_records_are_kept_in_a_file_of_a_folder_that_is_made_for_its_owner_alone(sink, path, record):
    sink.write([record(2), record(1)])
    assert list(SqliteSource(str(path)).records(None, None)) == [record(1), record(2)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.with_name("ledger.db-wal").stat().st_mode) == 0o600
    assert sink.place == SqliteSource(str(path)).place == str(path)


def test_what_is_given_again_is_kept_once(sink, path, record):
    sink.write([record(1), record(2)])
    sink.write([record(2), record(3)])
    assert read(path) == ["req_0001", "req_0002", "req_0003"]


def test_they_can_be_read_while_it_is_written_and_after_its_writer_is_gone(sink, path, record):
    sink.write([record(1)])
    assert read(path) == ["req_0001"]
    sink.close()
    assert read(path) == ["req_0001"]


def test_a_span_of_time_has_its_beginning_and_not_its_end(sink, path, record):
    sink.write([record(number) for number in range(1, 6)])
    assert read(path, since=record(2).at, until=record(4).at) == ["req_0002", "req_0003"]


def test_more_than_a_page_is_read_in_order_and_each_once(sink, path, record):
    many = [record(number, at=record().at + number // 3) for number in range(2 * PAGE_ROWS + 7)]
    for start in range(0, len(many), PIECE):
        sink.write(many[start : start + PIECE])
    assert list(SqliteSource(str(path)).records(None, None)) == many


def test_reading_has_one_page_in_memory(sink, path, record):
    """Ten thousand of these records are some 8 MB."""
    name = "x" * 180
    for start in range(0, 10_000, PIECE):
        sink.write(
            [record(number, user=f"{number} {name}", task=f"{number} {name}") for number in range(start, start + PIECE)]
        )
    tracemalloc.start()
    try:
        assert sum(1 for _ in SqliteSource(str(path)).records(None, None)) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_reading_goes_on_beside_writing(sink, path, record):
    """No lock is held between two pages, so that the write-ahead log can be written back."""
    sink.write([record(number) for number in range(PAGE_ROWS + 1)])
    rows = SqliteSource(str(path)).records(None, None)
    next(rows)
    with closing(sqlite3.connect(path)) as other:
        busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    assert len(list(rows)) == PAGE_ROWS


def test_what_is_old_goes_in_pieces(sink, path, record):
    sink.write([record(number) for number in range(PIECE + 3)])
    assert sink.tidy(record(PIECE + 1).at) is True
    assert sink.tidy(record(PIECE + 1).at) is False
    assert read(path) == [f"req_{PIECE + 1:04}", f"req_{PIECE + 2:04}"]


def test_opening_it_leaves_the_locks_of_others_in_this_process(sink, path, record):
    """POSIX drops all locks of a process on a file as soon as it closes any descriptor of it. Then another process that
    leaves would take itself for the last one, and take the log along that is still written to."""
    sink.write([record(1)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("SELECT 1 FROM usage_records").fetchall()
        sink.close()
        sink.open()
        leaves = (
            "import sqlite3, sys; one = sqlite3.connect(sys.argv[1]); one.execute('PRAGMA user_version'); one.close()"
        )
        subprocess.run([sys.executable, "-c", leaves, str(path)], check=True, timeout=30)
        assert path.with_name("ledger.db-wal").exists()


def test_a_file_that_was_moved_away_is_made_anew(sink, path, record):
    sink.write([record(1)])
    path.rename(path.with_name("old.db"))
    sink.write([record(2)])
    assert read(path) == ["req_0002"]


def test_a_place_that_cannot_be_is_told(sink, path, record):
    path.parent.parent.write_text("a file where a folder should be")
    with pytest.raises(NotKept, match=r"/state(/sidestep)?: (file exists|not a directory)") as caught:
        sink.open()
    assert not caught.value.passing


def test_a_file_that_is_no_database_is_told_with_what_to_do(sink, path, record):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(NotKept, match=r"it is no SQLite database: move it away, or name another file") as caught:
        sink.write([record()])
    assert not caught.value.passing
    with pytest.raises(Unread, match=r"cannot be read: it is no SQLite database"):
        read(path)
    path.unlink()
    sink.write([record()])
    assert read(path) == ["req_0001"]


def test_who_waits_for_others_too_long_may_try_again(sink, path, record, monkeypatch):
    monkeypatch.setattr("proxy.usage.sqlite.BUSY_S", 0.0)
    sink.write([record(1)])
    sink.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotKept, match="others are writing to it") as caught:
            sink.write([record(2)])
        assert caught.value.passing
    sink.write([record(2)])
    assert read(path) == ["req_0001", "req_0002"]


def test_a_full_disk_is_told_and_what_was_kept_stays(sink, path, record):
    sink.write([record(1)])
    sink._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(NotKept, match="the disk is full") as caught:
        sink.write([record(number, asked="x" * 200) for number in range(2, 200)])
    assert not caught.value.passing
    assert read(path) == ["req_0001"]


def test_what_was_never_kept_cannot_be_read(path):
    with pytest.raises(Unread, match=r"There is no file .*ledger.db: nothing has been kept there yet."):
        read(path)
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(Unread, match="has no records of usage"):
        read(path)


def test_reading_changes_nothing(sink, path, record):
    sink.write([record(1)])
    with SqliteSource(str(path)).connection() as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("DELETE FROM usage_records")
