"""What this machine lacks for a connection is told apart from what an upstream does."""

import errno
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from proxy.upstream import dial
from proxy.upstream.exhaustion import LACKING, lacking
from proxy.upstream.seam import ConnectTimeout, Exhausted, Unreachable

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
FULL, REFUSED = OSError(errno.EMFILE, "full"), ConnectionRefusedError(errno.ECONNREFUSED, "refused")
NO_ADDRESS = OSError(errno.EADDRNOTAVAIL, "no address")


@contextmanager
def no_more_files() -> Iterator[None]:
    """Every file and socket that this process may have is open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def caused(*causes: Exception) -> Exception:
    """An error as a client library wraps it."""
    cause = causes[0] if len(causes) == 1 else ExceptionGroup("several", causes)
    error = OSError("All connection attempts failed")
    error.__cause__ = cause
    outer = RuntimeError("no connection")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize("number", LACKING)
def test_what_is_lacking_is_said(number):
    assert lacking(OSError(number, "x")) == LACKING[number]
    assert lacking(caused(OSError(number, "x"))) == LACKING[number]


@pytest.mark.parametrize(
    "error", [REFUSED, TimeoutError(), OSError("no errno"), UnicodeError(), socket.gaierror(socket.EAI_NONAME, "x")]
)
def test_what_an_upstream_or_its_name_does_is_no_lack(error):
    assert lacking(error) == ""
    assert lacking(caused(error)) == ""


def test_a_name_is_out_of_reach_for_our_sake_only_if_each_of_its_addresses_is():
    assert lacking(caused(NO_ADDRESS, REFUSED)) == ""
    assert lacking(caused(REFUSED, NO_ADDRESS)) == ""
    assert lacking(caused(FULL, NO_ADDRESS)) == LACKING[errno.EMFILE]


@pytest.mark.parametrize("order", [(NO_ADDRESS, REFUSED), (REFUSED, NO_ADDRESS)])
async def test_of_several_addresses_the_error_that_speaks_of_the_host_is_told(monkeypatch, soon, order):
    errors = iter(order)

    async def resolved(host, port):
        return [(socket.AF_INET, 0, 0, "", one) for one in order]

    async def fails(address):
        raise next(errors)

    monkeypatch.setattr(dial, "resolved", resolved)
    monkeypatch.setattr(dial, "_try", fails)
    with pytest.raises(ConnectionRefusedError):
        await soon(dial.dial("name.test", 443))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_process_without_a_free_file_blames_itself(engine, soon, to, host):
    with no_more_files(), pytest.raises(Exhausted, match="ulimit -n"):
        await soon(engine.send(to(f"http://{host}:9/v1")))
    with pytest.raises(Unreachable) as caught:
        await soon(engine.send(to("http://127.0.0.1:1/v1")))
    assert not isinstance(caught.value, Exhausted | ConnectTimeout)


async def test_a_kept_connection_serves_when_no_file_is_free(serve, engine, soon, says, read):
    async with serve(says(HI, HI)) as wire:
        assert await soon(read(engine, wire)) == b"hi"
        with no_more_files():
            assert await soon(read(engine, wire)) == b"hi"
        assert wire.connections == 1
