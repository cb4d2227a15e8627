"""Connections are taken as they come, however busy the loop is, and turned away when there is no file for them."""

import asyncio
import errno
import os
import socket

import pytest

from proxy.server import door
from proxy.server.door import AT_ONCE, Door
from proxy.server.listener import bind


class Greeting(asyncio.Protocol):
    def connection_made(self, transport):
        transport.write(b"hello")
        transport.close()


@pytest.fixture
async def open_door():
    doors = []

    def make(protocol=Greeting):
        bound = bind("127.0.0.1:0", "--port")
        address = bound.getsockname()
        doors.append(Door(bound, protocol, 1_024))
        return address, doors[-1]

    yield make
    for one in doors:
        if one._bound.fileno() >= 0:
            one.close()


def connected(address):
    client = socket.socket()
    client.connect(address)
    client.settimeout(0)
    return client


async def said(client):
    async with asyncio.timeout(5):
        with client:
            return await asyncio.get_running_loop().sock_recv(client, 100)


async def test_each_connection_gets_a_protocol_of_its_own(open_door):
    address, _ = open_door()
    assert [await said(connected(address)) for _ in range(3)] == [b"hello"] * 3


async def test_all_who_wait_are_let_in_within_one_turn_of_the_loop(open_door):
    """One a turn would leave the last of them waiting for as many turns as there are others."""
    address, one = open_door()
    waiting = [connected(address) for _ in range(100)]
    one._let_in()
    assert len(one._joining) == len(waiting) < AT_ONCE
    assert [await said(client) for client in waiting] == [b"hello"] * 100


async def test_a_crowd_leaves_others_their_turn(open_door, monkeypatch):
    monkeypatch.setattr(door, "AT_ONCE", 4)
    address, one = open_door()
    waiting = [connected(address) for _ in range(10)]
    one._let_in()
    assert len(one._joining) == 4
    assert [await said(client) for client in waiting] == [b"hello"] * 10


async def test_nobody_is_let_in_after_it_was_closed(open_door):
    address, one = open_door()
    one.close()
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(address)


class Full:
    """A listening socket of a process that has no file left, but for the one that is given up."""

    def __init__(self, bound, spare):
        self._bound = bound
        self._spare = spare

    def __getattr__(self, name):
        return getattr(self._bound, name)

    def accept(self):
        try:
            os.fstat(self._spare)
        except OSError:
            return self._bound.accept()
        raise OSError(errno.EMFILE, "Too many open files")


async def test_without_a_file_left_a_connection_is_closed_and_not_left_waiting(open_door):
    address, one = open_door()
    client = connected(address)
    one._bound = Full(one._bound, one._spare)
    one._let_in()
    assert await said(client) == b""
    assert os.fstat(one._spare), "there is one for the next time"


async def test_a_client_that_left_the_queue_keeps_nobody_waiting(open_door, monkeypatch):
    address, one = open_door()
    refusals = [ConnectionAbortedError(errno.ECONNABORTED, "")]
    accept = one._bound.accept

    class Once:
        def __getattr__(self, name):
            return getattr(bound, name)

        def accept(self):
            if refusals:
                raise refusals.pop()
            return accept()

    bound = one._bound
    client = connected(address)
    one._bound = Once()
    one._let_in()
    one._bound = bound
    assert await said(client) == b"hello"
