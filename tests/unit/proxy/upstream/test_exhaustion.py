"""What this machine lacks for a connection is told apart from what an upstream does."""

import errno
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.upstream import dial, exhaustion
from proxy.upstream.exhaustion import LACKING, lacking
from proxy.upstream.seam import ConnectTimeout, Exhausted, Unreachable
from tests.unit.proxy.upstream.answers import HI

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


IN_A_SMALL_NETWORK = """
import asyncio, errno, fcntl, pathlib, socket, struct
from proxy.upstream.dial import dial
from proxy.upstream.exhaustion import lacking

with socket.socket() as raw:
    fcntl.ioctl(raw, 0x8914, struct.pack("16sh", b"lo", 65))  # loopback is up
settings = pathlib.Path("/proc/sys/net")
(settings / "ipv4/ip_local_port_range").write_text("40000 40003")
(settings / "ipv6/conf/all/disable_ipv6").write_text("1")

async def told(host, port):
    try:
        return await dial(host, port)
    except OSError as error:
        print(errno.errorcode[error.errno], lacking(error) or "no lack", sep=": ")

async def main():
    await told("::1", 39000)
    with socket.create_server(("127.0.0.1", 39000)):
        held = [await dial("127.0.0.1", 39000) for _ in range(4)]
        await told("127.0.0.1", 39000)
        await told("::1", 39000)
        for one in held:
            one.close()

asyncio.run(main())
"""


@pytest.fixture
def no_ports(monkeypatch):
    """No port is free on this machine."""
    monkeypatch.setattr(exhaustion, "_lack_of_ports", lambda: LACKING[errno.EADDRNOTAVAIL])


def test_an_address_that_cannot_be_had_is_told_from_a_lack_of_ports():
    """In a network of its own: four ports, and no IPv6. What is to blame is the address, until no port is left."""
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a network of their own (unshare --net)")
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [*alone, sys.executable, "-c", IN_A_SMALL_NETWORK],
        env={"PYTHONPATH": str(root), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lack = f"EADDRNOTAVAIL: {LACKING[errno.EADDRNOTAVAIL]}"
    assert (done.stdout.splitlines(), done.stderr) == (["EADDRNOTAVAIL: no lack", lack, lack], "")


def test_an_address_that_cannot_be_had_while_ports_are_free_is_no_lack():
    assert lacking(NO_ADDRESS) == ""
    assert lacking(caused(NO_ADDRESS, NO_ADDRESS)) == ""


@pytest.mark.usefixtures("no_ports")
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
    assert lacking(caused(FULL, REFUSED)) == ""


def test_an_address_that_cannot_be_had_says_nothing_beside_another():
    assert lacking(caused(FULL, NO_ADDRESS)) == lacking(caused(NO_ADDRESS, FULL)) == LACKING[errno.EMFILE]


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ((NO_ADDRESS, REFUSED), REFUSED),
        ((REFUSED, NO_ADDRESS), REFUSED),
        ((FULL, REFUSED), REFUSED),
        ((REFUSED, FULL), REFUSED),
        ((NO_ADDRESS, FULL), FULL),
        ((FULL, NO_ADDRESS), FULL),
    ],
)
async def test_of_several_addresses_the_error_that_says_most_is_told(monkeypatch, soon, order, told):
    """What speaks of the host, else what is lacking here, else that there is no such address."""
    errors = iter(order)

    async def resolved(host, port):
        return [(socket.AF_INET, 0, 0, "", one) for one in order]

    async def fails(address):
        raise next(errors)

    monkeypatch.setattr(dial, "_resolved", resolved)
    monkeypatch.setattr(dial, "_try", fails)
    with pytest.raises(OSError) as caught:
        await soon(dial.dial("name.test", 443))
    assert caught.value is told


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
