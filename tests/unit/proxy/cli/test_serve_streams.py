"""`serve` as a process whose standard streams stall, are full, are gone, or were never there: it serves and ends."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
ENTRY = "import sys; from proxy.cli import main; sys.exit(main())"
SERVE = ["serve", "--demo-without-keys", "--admin", "127.0.0.1:0", "--port"]
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
SOON = 15.0


def start(stdout, port=0, **options):
    return subprocess.Popen(
        [sys.executable, "-c", ENTRY, *SERVE, str(port)],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def data_url(process):
    for line in process.stderr:
        if line.startswith("sidestep: serving "):
            return line.split()[2].strip(",")
    raise AssertionError("it does not serve")


def ended(process, number=signal.SIGTERM):
    """The exit code, and what was said after the start-up lines."""
    process.send_signal(number)
    code = process.wait(SOON)
    return code, [line for line in process.stderr.read().splitlines() if not line.startswith("sidestep: ")]


@pytest.fixture
def stalled():
    """The writing end of a pipe that is full and that nobody reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    yield writing
    os.close(reading)
    os.close(writing)


@pytest.fixture
def full():
    with Path("/dev/full").open("wb") as file:
        yield file.fileno()


@pytest.fixture
def gone():
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("stdout", ["stalled", "full", "gone"])
def test_a_log_that_cannot_be_written_keeps_nobody_from_serving_or_ending(stdout, request, ask):
    with start(request.getfixturevalue(stdout)) as process:
        try:
            url = data_url(process)
            for _ in range(3):
                assert ask(url, BODY)[0] == 200
            assert ended(process) == (0, [])
        finally:
            process.kill()


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_standard_stream_that_is_closed_from_the_start_keeps_nobody_from_serving(missing):
    """Its number would be given to a socket, and then written to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with start(subprocess.PIPE, port=port, preexec_fn=lambda: os.close(missing)) as process:
        try:
            while process.poll() is None and not accepts(port):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.02)
            assert ended(process) == (0, [])
        finally:
            process.kill()


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
