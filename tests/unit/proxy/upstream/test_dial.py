"""Connecting to a name with several addresses."""

import asyncio
import socket
from contextlib import contextmanager

import pytest

from proxy.upstream import dial as module
from proxy.upstream.dial import dial, interleaved

V4, V6 = socket.AF_INET, socket.AF_INET6


def address(host: str, port: int, family: int = V4):
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))


@contextmanager
def listening():
    """The address of a socket that accepts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield address(*listener.getsockname())


@pytest.fixture
def refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return address("127.0.0.1", port)


@pytest.fixture
def resolve(monkeypatch):
    """Makes every name resolve to the given addresses."""

    def to(*found):
        async def resolved(host, port):
            return list(found)

        monkeypatch.setattr(module, "_resolved", resolved)

    return to


async def connected(soon) -> tuple[str, int]:
    raw = await soon(dial("name.test", 443))
    with raw:
        return raw.getpeername()


async def test_a_refused_address_gives_way_to_the_next_at_once(resolve, soon, refused, monkeypatch):
    monkeypatch.setattr(module, "HEAD_START_S", 1000.0)
    with listening() as good:
        resolve(refused, good)
        assert await connected(soon) == good[4]


async def test_a_silent_address_gives_way_after_its_head_start(resolve, soon, monkeypatch, silent):
    monkeypatch.setattr(module, "HEAD_START_S", 0.01)
    with listening() as good:
        resolve(address("127.0.0.1", silent), good)
        assert await connected(soon) == good[4]


async def test_the_first_address_is_preferred(resolve, soon):
    with listening() as first, listening() as second:
        resolve(first, second)
        assert await connected(soon) == first[4]


async def test_the_last_error_is_raised_when_no_address_connects(resolve, soon, refused):
    resolve(refused, refused)
    with pytest.raises(ConnectionRefusedError):
        await soon(dial("name.test", 443))


async def test_a_name_without_addresses_is_an_error(resolve, soon):
    resolve()
    with pytest.raises(OSError, match="no address"):
        await soon(dial("name.test", 443))


async def test_giving_up_leaves_nothing_connecting(resolve, monkeypatch, silent):
    monkeypatch.setattr(module, "HEAD_START_S", 0.0)
    resolve(address("127.0.0.1", silent), address("127.0.0.1", silent))
    before = asyncio.all_tasks()
    task = asyncio.ensure_future(dial("name.test", 443))
    await asyncio.wait([task], timeout=0.02)
    task.cancel()
    await asyncio.wait([task])
    left = asyncio.all_tasks() - before
    if left:
        await asyncio.wait(left, timeout=1)
    assert asyncio.all_tasks() - before == set()


async def test_a_real_name_resolves(soon):
    with listening() as good:
        raw = await soon(dial("127.0.0.1", good[4][1]))
        with raw:
            assert raw.getpeername() == good[4]
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_families_alternate_from_the_resolvers_first():
    found = [address("a", 1, V6), address("b", 1, V6), address("c", 1, V6), address("d", 1, V4)]
    assert [one[4][0] for one in interleaved(found)] == ["a", "d", "b", "c"]
    assert interleaved([]) == []
