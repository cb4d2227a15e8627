"""Records as a stream of a real redis-server, written by a thread."""

import asyncio

import pytest
from msgspec import json

from proxy.config.hidden import Secret
from proxy.config.spending import LedgerSettings
from proxy.redis import BlockingRedis
from proxy.usage import redis as usage
from proxy.usage.record import Record
from proxy.usage.redis import STREAM, RedisSink, RedisSource
from proxy.usage.sink import NotKept, Unread


@pytest.fixture
def sink(redis_server):
    made = RedisSink(LedgerSettings(url=redis_server.url))
    yield made
    made.close()


async def entries(server) -> list[Record]:
    reader = BlockingRedis(server.url, None, 1)
    [found] = await asyncio.to_thread(reader.ask, ("XRANGE", STREAM, "-", "+"))
    reader.close()
    return [json.decode(fields[1], type=Record) for _, fields in found]


async def test_every_record_is_an_entry_whole_and_in_order(sink, redis_server, record):
    records = [record(number, user="Zoë\n", cost=None) for number in range(200)]
    await asyncio.to_thread(sink.write, records)
    assert await entries(redis_server) == records


async def test_the_stream_is_capped(sink, redis_server, record, monkeypatch):
    monkeypatch.setattr(usage, "LENGTH", 100)
    for start in range(0, 2_000, 200):
        await asyncio.to_thread(sink.write, [record(start + number) for number in range(200)])
    kept = await entries(redis_server)
    assert 100 <= len(kept) < 400
    assert kept[-1] == record(1_999)


async def test_what_is_old_is_forgotten(sink, redis_server, record):
    for number in range(3):
        await asyncio.to_thread(sink.write, [record(number)] * 100)
    seconds = int((await redis_server.says("LASTSAVE"))[1:])
    assert not await asyncio.to_thread(sink.tidy, seconds - 60)
    assert await asyncio.to_thread(sink.tidy, seconds + 60)
    assert await entries(redis_server) == []


async def test_a_server_that_is_away_is_asked_again_and_found(sink, redis_server, record):
    await asyncio.to_thread(sink.open)
    await redis_server.stop()
    for _ in range(2):
        with pytest.raises(NotKept, match="cannot be reached") as caught:
            await asyncio.to_thread(sink.write, [record(1)])
        assert caught.value.passing
    await redis_server.start()
    await asyncio.to_thread(sink.write, [record(1)])
    assert await entries(redis_server) == [record(1)]


async def test_a_server_that_is_full_may_have_room_later(sink, redis_server, record):
    await redis_server.says("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(NotKept, match="OOM") as caught:
        await asyncio.to_thread(sink.write, [record(1)])
    assert caught.value.passing


async def test_a_wrong_password_is_no_passing_thing_and_not_shown(make_redis, record):
    server = await make_redis("--requirepass", "right")
    sink = RedisSink(LedgerSettings(url=server.url, password=Secret("hush")))
    with pytest.raises(NotKept, match="WRONGPASS") as caught:
        await asyncio.to_thread(sink.open)
    assert not caught.value.passing and "hush" not in str(caught.value)
    assert sink.place == f"Redis at 127.0.0.1:{server.port}, stream {STREAM}"
    sink.close()


async def read(server, since=None, until=None):
    source = RedisSource(LedgerSettings(url=server.url))
    return await asyncio.to_thread(lambda: list(source.records(since, until)))


async def test_the_stream_is_read_again_in_pages_and_each_record_once(sink, redis_server, record, monkeypatch):
    monkeypatch.setattr(usage, "PAGE", 7)
    records = [record(number, tags={}, user="Zoë") for number in range(20)]
    await asyncio.to_thread(sink.write, records)
    await asyncio.to_thread(sink.write, records[-3:])
    assert await read(redis_server) == records


async def test_an_entry_of_an_earlier_version_is_read_too(sink, redis_server, record):
    await asyncio.to_thread(sink.write, [record()])
    told = json.decode(json.encode(record(2)))
    for name in ("strategy", "experiment", "arm", "complexity", "signal"):
        del told[name]
    writer = BlockingRedis(redis_server.url, None, 1)
    await asyncio.to_thread(writer.ask, ("XADD", STREAM, "*", "record", json.encode(told)))
    writer.close()
    assert await read(redis_server) == [record(), record(2)]


async def test_a_span_of_time_has_its_beginning_and_not_its_end(sink, redis_server, record):
    now = float((await redis_server.says("LASTSAVE"))[1:])
    records = [record(number, at=now + number) for number in range(4)]
    await asyncio.to_thread(sink.write, records)
    assert await read(redis_server, now + 1, now + 3) == records[1:3]
    assert await read(redis_server, now - 5000, now - 4000) == []


async def test_more_twins_than_are_remembered_are_told_apart_no_more(sink, redis_server, record, monkeypatch):
    monkeypatch.setattr(usage, "TWINS", 2)
    await asyncio.to_thread(sink.write, [record(1), record(2), record(2), record(3), record(1)])
    assert await read(redis_server) == [record(1), record(2), record(3), record(1)]


async def test_a_stream_that_cannot_be_read_is_told_in_a_sentence(sink, redis_server, record):
    await asyncio.to_thread(sink.write, [record(1)])
    await redis_server.says("XADD", STREAM, "*", "record", "no record")
    with pytest.raises(Unread, match="Records of usage cannot be read: JSON is malformed"):
        await read(redis_server)
    await redis_server.stop()
    with pytest.raises(Unread, match=r"Records of usage cannot be read: .* cannot be reached"):
        await read(redis_server)
