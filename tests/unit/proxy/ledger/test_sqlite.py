"""Balances in a file."""

import asyncio
import sqlite3
import stat
import threading

import pytest

from proxy.clock import SystemClock
from proxy.ledger.sqlite import EXPIRE_MAX, VERSION, SqliteStore
from proxy.ledger.store import BEAT_S, GONE_S, Ask, Away, Count, Unfit
from tests.unit.proxy.ledger.contract import Contract, ask, standing, told, wish


class InFile:
    def __init__(self, path):
        self.path = path
        self.opened = []

    def store(self, timeout_s=10.0, clock=None):
        self.opened.append(SqliteStore(self.path, clock or SystemClock(), timeout_s))
        return self.opened[-1]

    async def forget(self):
        self.remove()

    def remove(self):
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def read(self, statement):
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute(statement).fetchall()
        connection.close()
        return rows


@pytest.fixture
async def place(tmp_path):
    place = InFile(tmp_path / "state" / "ledger.db")
    yield place
    for store in place.opened:
        await store.close()


async def opened(place, **options):
    store = place.store(**options)
    await store.open()
    return store


class TestSqliteStore(Contract):
    """Passes the suite of all stores."""


async def test_folder_and_files_are_for_this_user_alone(place):
    store = await opened(place)
    await told(store, "one", wish(1))
    assert stat.S_IMODE(place.path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in place.path.parent.iterdir()} == {0o600}


async def test_what_is_asked_while_a_transaction_is_under_way_shares_the_next(place):
    store, transactions = await opened(place), []
    inner = store._transact

    def counted(jobs, now):
        transactions.append(len(jobs))
        return inner(jobs, now)

    store._transact = counted
    answers = await asyncio.gather(*(told(store, "one", wish(1)) for _ in range(50)))
    assert sorted(answer.standings[0].own.granted for answer in answers) == list(range(1, 51))
    assert transactions == [50]


async def test_a_grant_is_on_the_disk_before_it_is_heard_of_and_what_is_only_told_need_not_be(place):
    store, statements = await opened(place), []
    store._connection.set_trace_callback(statements.append)
    await told(store, "one", wish(1))
    await told(store, "one", ask(own=Count(1, 1)))
    assert [one for one in statements if "synchronous" in one] == [
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = NORMAL",
    ]


async def test_who_only_looks_writes_nothing(place):
    store = await opened(place)
    await told(store, "one", wish(5))
    before = store._connection.total_changes
    await told(store, "one", ask(own=Count(5)), ask("never"))
    assert store._connection.total_changes == before


async def test_what_has_expired_is_deleted_in_pieces(place):
    store = await opened(place)
    old = [Ask(key=f"old {number}", limit=9, least=1, need=1, expires=1) for number in range(EXPIRE_MAX + 1)]
    await told(store, "one", *old, wish(1))
    await store.mark("old", 1)
    store._expire_at = 0.0
    await told(store, "one")
    assert len(place.read("SELECT * FROM balances")) == 2
    await told(store, "one")
    assert place.read("SELECT key FROM balances") == [("b",)]
    assert place.read("SELECT balance, owner, granted FROM counts") == [("b", "one", 1)]
    assert place.read("SELECT * FROM marks") == []


async def test_a_file_that_others_write_to_is_waited_for_and_then_away(place):
    store = await opened(place, timeout_s=1.0)
    other = sqlite3.connect(place.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Away, match=r"^the budget file .*ledger.db is locked by another process$"):
        await told(store, "one", wish(1))
    other.execute("ROLLBACK")
    other.close()
    assert (await standing(store, "one", wish(1))).own == Count(1)


async def test_a_process_that_was_stopped_waits_its_turn_for_the_rest_of_its_time(place):
    """It did not wait while it was stopped."""
    clock, turns = SystemClock(), []
    store = await opened(place, clock=clock)
    real = clock.now
    clock.now = lambda: real() + (100.0 if turns else 0.0)
    other = sqlite3.connect(place.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")

    class Never:
        def wait(self, _):
            turns.append("stopped" if not turns else other.execute("ROLLBACK"))

    store._never = Never()
    assert (await standing(store, "one", wish(1))).own == Count(1)
    other.close()


async def test_a_disk_that_hangs_is_away_in_time_and_what_it_did_is_heard_of_later(place):
    store, gate = await opened(place, timeout_s=0.2), threading.Event()
    inner = store._connected

    def hanging():
        gate.wait(10)
        return inner()

    store._connected = hanging
    with pytest.raises(Away, match=r"did not answer within 0\.2 s$"):
        await told(store, "one", wish(5))
    with pytest.raises(Away):
        await told(store, "one", wish(70))
    gate.set()
    while store._running is not None:
        await asyncio.wait([store._running])
    assert (await standing(store, "one", ask())).own == Count(5), "what nobody waited for any more was not begun"


async def test_a_full_disk_is_said_and_forgotten_when_there_is_room(place):
    store = await opened(place)
    connection = store._connection
    connection.execute("PRAGMA max_page_count = 1")
    many = [wish(1, f"key {number} {'x' * 500}") for number in range(200)]
    with pytest.raises(Unfit, match=r"cannot grow, for the disk is full; make room, or name another file$"):
        await told(store, "one", *many)
    assert (await standing(store, "one", wish(1))).own == Count(1)


async def test_a_file_that_may_not_be_written_is_unfit_until_it_may(place):
    store = await opened(place)
    store._connection.execute("PRAGMA query_only = 1")
    with pytest.raises(Unfit, match=r"cannot be written; make it and its folder writable, or name another file$"):
        await told(store, "one", wish(1))
    assert (await standing(store, "one", wish(1))).own == Count(1)


async def test_a_folder_that_cannot_be_made_is_unfit(place):
    place.path.parent.write_text("a file")
    with pytest.raises(Unfit, match=r"^the budget file .*ledger.db cannot be made: .*; name another one$"):
        await place.store().open()


async def test_a_file_of_something_else_is_unfit_until_it_is_moved_away(place):
    place.path.parent.mkdir()
    place.path.write_text("these are the notes of last week's meeting " * 100)
    store = place.store()
    with pytest.raises(Unfit, match=r"is no database of SQLite; move it away, or name another file$"):
        await store.open()
    place.remove()
    await store.open()
    assert (await standing(store, "one", wish(1))).own == Count(1)


async def test_a_damaged_file_is_unfit_and_says_what_to_do(place):
    store = await opened(place)
    await told(store, "one", *(wish(1, f"key {number}") for number in range(2_000)))
    await store.close()
    whole = place.path.read_bytes()
    place.path.write_bytes(whole[:4_096] + b"\xa5" * (len(whole) - 4_096))
    with pytest.raises(Unfit, match=r"is damaged; move it and the files beside it away, and budgets begin anew$"):
        await told(store, "one", *(wish(1, f"key {number}") for number in range(2_000)))


async def test_a_file_of_a_later_version_is_left_alone(place):
    await opened(place)
    await place.opened[0].close()
    place.read(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(Unfit, match=r"is of a later version of sidestep; name another one$"):
        await place.store().open()


async def test_a_file_that_is_opened_by_many_at_once_is_made_once(place):
    stores = [place.store() for _ in range(8)]
    answers = await asyncio.gather(*(store.call("one", [wish(1)], "") for store in stores))
    assert len({answer.memory for answer in answers}) == 1
    assert sorted(answer.standings[0].own.granted for answer in answers) == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_store_that_was_closed_is_opened_again_by_the_next_call(place):
    store = await opened(place)
    await told(store, "one", wish(3))
    await store.close()
    assert (await standing(store, "one", ask())).own == Count(3)


class Wall(SystemClock):
    """Told what time it is."""

    def __init__(self):
        super().__init__()
        self.at = 1_700_000_000.0
        self.wall = lambda: self.at


async def test_a_process_that_has_just_begun_lives_for_those_who_looked_before(place):
    """And one that lives may be found out to have been gone only once it was not heard of for long."""
    clock = Wall()
    one, two = await opened(place, clock=clock), await opened(place, clock=clock)
    await told(one, "one", ask())
    await told(two, "two", wish(50))
    assert (await standing(one, "one", ask())).lost == 0
    clock.at += GONE_S + 1
    assert (await standing(one, "one", ask())).lost == 50
    await told(two, "two", ask(own=Count(50)))
    clock.at += BEAT_S / 3
    assert (await standing(one, "one", ask())).lost == 0, "it spoke since the last look"


async def test_who_goes_on_in_another_file_is_noted_in_it_at_once(place):
    store = await opened(place)
    await told(store, "one", wish(1))
    await place.forget()
    await told(store, "one", wish(1))
    assert [name for name, _ in place.read("SELECT * FROM owners")] == ["one"]
