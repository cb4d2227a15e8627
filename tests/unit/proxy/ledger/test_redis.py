"""Balances on a real redis-server: what is refused, what is asked again, and what survives what happens to a server."""

import asyncio
from contextlib import suppress

import anyio
import pytest

from proxy.clock import SystemClock
from proxy.config.hidden import Secret
from proxy.config.spending import LedgerSettings
from proxy.ledger.balance import Line
from proxy.ledger.ledger import Ledger
from proxy.ledger.redis import ALIVE, RedisStore, lacking
from proxy.ledger.store import BEAT_S, FORGET_S, GONE_S, Ask, Away, Count, Unfit
from tests.unit.proxy.ledger.contract import Contract

LATER = 4_000_000_000


def store_at(server, *, hard=True, timeout_s=2.0, **settings) -> RedisStore:
    return RedisStore(LedgerSettings(url=server.url, timeout_s=timeout_s, **settings), hard=hard)


@pytest.fixture
async def store(redis_server):
    made = store_at(redis_server)
    await made.open()
    yield made
    await made.close()


def wants(amount: int, key: str = "b", limit: int = 100, own: Count = Count(), **more) -> Ask:  # noqa: B008 - frozen
    return Ask(key, limit, own, least=amount, need=amount, expires=LATER, **more)


async def test_the_time_is_the_servers(store):
    told = await store.call("one", [], "")
    assert abs(told.now - SystemClock().wall()) < 5
    assert told.standings == () and told.memory


async def test_two_who_race_for_the_last_unit_never_both_get_it(redis_server):
    stores = {name: store_at(redis_server) for name in ("one", "two")}
    for store in stores.values():
        await store.open()
    for number in range(100):
        answers = await asyncio.gather(
            *(store.call(name, [wants(1, f"last-{number}", 1)], "") for name, store in stores.items())
        )
        assert sorted(told.standings[0].own.granted for told in answers) == [0, 1]
        assert all(told.standings[0].total == 1 for told in answers)
    for store in stores.values():
        await store.close()


async def test_many_balances_at_once_go_in_pieces_and_come_back_in_order(store):
    asks = [wants(number + 1, f"k{number}", 1_000) for number in range(250)]
    told = await store.call("one", asks, "")
    assert [standing.key for standing in told.standings] == [ask.key for ask in asks]
    assert [standing.own.granted for standing in told.standings] == list(range(1, 251))


async def test_a_server_without_the_script_is_given_it_again(redis_server, store):
    await store.call("one", [wants(10)], "")
    assert await redis_server.says("SCRIPT", "FLUSH") == b"+OK"
    told = await store.call("one", [wants(10, own=Count(10))], "")
    assert told.standings[0].own.granted == 20


async def test_a_server_that_was_killed_still_knows_every_grant(redis_server, store):
    """And its memory is the same, so that nobody needs to say anything twice."""
    before = await store.call("one", [wants(30)], "")
    await redis_server.stop()
    with pytest.raises(Away, match="cannot be reached"):
        await store.call("one", [wants(1)], before.memory)
    await redis_server.start()
    after = await store.call("two", [wants(71)], before.memory)
    assert after.memory == before.memory
    assert after.standings[0].total == 30 and after.standings[0].own.granted == 0


async def heard(store, ask, memory):
    """Its answer, however often a busy machine takes longer than the store waits."""
    for _ in range(20):
        with suppress(Away):
            return await store.call("one", [ask], memory)
    raise AssertionError("it is still away")


async def test_a_slow_server_is_away_and_what_it_did_late_counts(redis_server):
    """The grant whose answer was lost is in the next answer."""
    store = store_at(redis_server, timeout_s=0.3)
    await store.open()
    memory = (await store.call("one", [], "")).memory
    redis_server.pause()
    with pytest.raises(Away, match="takes longer than 300 ms"):
        await store.call("one", [wants(40)], memory)
    redis_server.resume()
    told = await heard(store, Ask("b", 100), memory)
    assert told.standings[0].own in (Count(40), Count())
    assert told.standings[0].total == told.standings[0].own.granted
    await store.close()


async def test_a_server_that_has_forgotten_says_so_grants_nothing_and_learns_what_it_is_told(redis_server, store):
    known = await store.call("one", [wants(40)], "")
    await redis_server.says("FLUSHALL")
    again = await store.call("one", [wants(10, own=Count(40))], known.memory)
    assert again.memory != known.memory
    assert again.standings[0].own == Count(40) and again.standings[0].total == 40
    told = await store.call("one", [wants(1, own=Count(40), others={"two": Count(60)})], again.memory)
    assert told.standings[0].total == 100 and told.standings[0].own == Count(40)


async def test_a_balance_is_forgotten_some_time_after_it_may_be(redis_server, store):
    await store.call("one", [wants(1, "old", limit=9)], "")
    await store.call("one", [Ask("past", 9, least=1, need=1, expires=7)], "")
    assert await redis_server.says("EXPIRETIME", "sidestep:{ledger}:balance:old") == b":%d" % LATER
    left = int((await redis_server.says("TTL", "sidestep:{ledger}:balance:past"))[1:])
    assert 0 < left <= 60


async def test_a_name_is_marked_once_until_it_expires(redis_server, store):
    other = store_at(redis_server)
    await other.open()
    assert await store.mark("told", LATER)
    assert not await store.mark("told", LATER)
    assert not await other.mark("told", LATER)
    assert await store.mark("past", 1) and await other.mark("past", LATER)
    await other.close()


async def test_a_mark_whose_answer_was_lost_is_still_ones_own(redis_server):
    """Or an alert would be told by nobody: by this process for it does not know, by the others for it is marked."""
    store, other = store_at(redis_server, timeout_s=0.3), store_at(redis_server)
    await store.open()
    await other.open()
    redis_server.pause()
    with pytest.raises(Away):
        await store.mark("told", LATER)
    redis_server.resume()
    firsts = [await store.mark("told", LATER), await store.mark("told", LATER), await other.mark("told", LATER)]
    assert firsts == [True, False, False]
    await store.close()
    await other.close()


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("--appendonly", "no", "--maxmemory-policy", "noeviction"), "set appendonly yes in its configuration"),
        (("--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"), "set maxmemory-policy noeviction in its"),
        (("--maxmemory-policy", "volatile-ttl"), "set appendonly yes and maxmemory-policy noeviction in its"),
    ],
)
async def test_a_server_that_may_forget_is_unfit_for_hard_budgets_and_good_enough_for_soft_ones(
    make_redis, words, advice
):
    server = await make_redis(*words)
    store = store_at(server)
    with pytest.raises(Unfit, match=rf"Redis at 127.0.0.1:{server.port} cannot keep hard budgets: {advice}"):
        await store.open()
    await store.close()
    soft = store_at(server, hard=False)
    await soft.open()
    assert (await soft.call("one", [wants(1)], "")).standings[0].own.granted == 1
    await soft.close()


async def test_a_server_that_changed_is_looked_at_again_with_the_next_connection(make_redis):
    server = await make_redis()
    store = store_at(server)
    await store.open()
    await server.stop()
    server.words = ("--appendonly", "no")
    await server.start()
    with pytest.raises(Unfit, match="appendonly"):
        await store.call("one", [wants(1)], "")
    await store.close()


async def test_a_server_that_is_full_is_away_and_says_so(redis_server, store):
    await store.call("one", [wants(1)], "")
    await redis_server.says("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(Away, match="answers: OOM"):
        await store.call("one", [wants(1)], "")
    await redis_server.says("CONFIG", "SET", "maxmemory", "0")
    assert (await store.call("one", [wants(1)], "")).standings[0].own.granted == 2


async def test_what_the_user_may_not_do_is_told_with_what_to_allow(make_redis):
    server = await make_redis("--user", "default", "on", "nopass", "~*", "+@all", "-evalsha", "-info")
    for hard in (True, False):
        store = store_at(server, hard=hard)
        with pytest.raises(Unfit, match=r"NOPERM.*let the user do EVALSHA, EVAL"):
            await opened_and_asked(store)
        await store.close()


async def opened_and_asked(store):
    await store.open()
    await store.call("one", [wants(1)], "")


async def test_the_wrong_password_is_told_and_not_shown(make_redis):
    server = await make_redis("--requirepass", "right")
    store = store_at(server, password=Secret("hush"))
    with pytest.raises(Unfit, match=r"WRONGPASS.*check user and password of \[ledger\]") as caught:
        await store.open()
    assert "hush" not in str(caught.value)
    await store.close()
    nobody = store_at(server)
    with pytest.raises(Unfit, match=r"it wants a password: set \[ledger\] password"):
        await nobody.open()
    await nobody.close()


async def test_other_things_under_its_names_are_not_overwritten(redis_server, store):
    await redis_server.says("SET", "sidestep:{ledger}:balance:b", "mine")
    with pytest.raises(Unfit, match=r"WRONGTYPE.*name another database"):
        await store.call("one", [wants(1)], "")


async def test_without_the_extra_it_is_unfit(monkeypatch, redis_server):
    monkeypatch.setitem(__import__("sys").modules, "redis", None)
    store = store_at(redis_server)
    with pytest.raises(Unfit, match="pip install"):
        await store.open()
    await store.close()


def test_what_is_lacking_is_named_by_its_setting():
    assert lacking("# Memory\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n") == ""
    assert lacking("") == "set appendonly yes and maxmemory-policy noeviction in its configuration"


async def test_what_living_owners_hold_survives_a_server_that_was_emptied(redis_server):
    """Two ledgers, 60 of 100 spent by both in turn; the server forgets everything, and nobody gets more than the 40
    that were left, all of which can be had."""
    ledgers = [Ledger(store_at(redis_server), SystemClock(), name) for name in ("one", "two")]
    for ledger in ledgers:
        await ledger.open()
    for ledger in (*ledgers, *ledgers):
        line = Line(ledger.balance("b", 100, LATER), 15)
        assert await ledger.obtain([line]) is None
        ledger.settle(line, 15)
    await redis_server.says("FLUSHALL")
    lines = [(ledger, Line(ledger.balance("b", 100, LATER), 10)) for ledger in ledgers for _ in range(5)]
    async with asyncio.timeout(10):
        while sum(line.held for _, line in lines) < 40:
            for ledger, line in lines:
                await ledger.obtain([line])
            await anyio.sleep(0.02)
    for ledger, line in lines:
        await ledger.obtain([line])
    assert sum(line.held for _, line in lines) == 40
    for ledger in ledgers:
        await ledger.close()


class OnOneServer:
    """Its stores are of one server."""

    def __init__(self, server):
        self.server = server
        self.made = []

    def store(self):
        self.made.append(store_at(self.server))
        return self.made[-1]

    async def forget(self):
        await self.server.says("FLUSHALL")


class TestRedisStore(Contract):
    @pytest.fixture
    async def place(self, redis_server):
        place = OnOneServer(redis_server)
        yield place
        for store in place.made:
            await store.close()


async def test_who_lives_is_noted_now_and_then_and_who_was_not_for_long_is_lost_and_later_forgotten(
    redis_server, store
):
    async def noted(name):
        return int((await redis_server.lines("HMGET", ALIVE, name))[0])

    async def at(name, ago):
        now = int((await store.call("one", [], "")).now)
        await redis_server.says("HSET", ALIVE, name, str(now - int(ago)))
        return now - int(ago)

    await store.call("two", [wants(30)], "")
    assert (await store.call("one", [wants(1)], "")).standings[0].lost == 0
    await at("two", GONE_S + 1)
    assert (await store.call("one", [wants(1)], "")).standings[0].lost == 30
    before = await at("one", 1)
    await store.call("one", [], "")
    assert await noted("one") == before, "not written in every call"
    await at("two", FORGET_S + 1)
    before = await at("one", BEAT_S + 1)
    await store.call("one", [], "")
    assert await noted("one") > before
    assert await redis_server.says("HEXISTS", ALIVE, "two") == b":0"
