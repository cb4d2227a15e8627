"""A probe tells by its exit code whether a proxy is ready or alive."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from proxy.cli import main, probe


@contextmanager
def answering(answer: bytes, host: str = "127.0.0.1") -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives one answer to one connection; its URL, and what it received."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    received: list[bytes] = []
    with socket.socket(family) as server:
        server.bind((host, 0))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(4096))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        name = f"[{host}]" if ":" in host else host
        yield f"http://{name}:{server.getsockname()[1]}", received
        thread.join()


@pytest.mark.parametrize(("args", "path"), [([], b"/readyz"), (["--ready"], b"/readyz"), (["--live"], b"/livez")])
def test_an_ok_is_code_0_and_silence(capsys, args, path):
    with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as (url, received):
        assert main(["probe", "--admin", url, *args]) == 0
    assert received[0].startswith(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1:")
    assert capsys.readouterr() == ("", "")


def test_an_ipv6_address_stands_in_brackets():
    with answering(b"HTTP/1.1 200 OK\r\n\r\n", "::1") as (url, received):
        assert main(["probe", "--admin", f"{url}/"]) == 0
    assert b"\r\nHost: [::1]:" in received[0]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "/readyz at 127.0.0.1:"),
        (b"", "does not speak HTTP"),
        (b"SSH-2.0-x\r\n", "does not speak HTTP"),
        (b"x" * 5000, "does not speak HTTP"),
    ],
)
def test_anything_else_is_code_1_and_one_line(capsys, answer, told):
    with answering(answer) as (url, _):
        assert main(["probe", "--admin", url]) == 1
    line = capsys.readouterr().err
    assert told in line
    assert line.count("\n") == 1


def test_nobody_there_is_code_1(capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert main(["probe", "--admin", url]) == 1
    assert "no answer from 127.0.0.1" in capsys.readouterr().err


def test_silence_ends_in_time(capsys, monkeypatch):
    monkeypatch.setattr(probe, "TIMEOUT_S", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert main(["probe", "--admin", f"http://127.0.0.1:{silent.getsockname()[1]}"]) == 1
    assert "timed out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        *("127.0.0.1", "http://127.0.0.1", "https://127.0.0.1:1", "http://x:1/y", "", "http://:1", "http://me@x:1"),
        *("http://a b:1", "http://a\nb:1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:\u00b2", "x:" + "1" * 5000),
    ],
)
def test_an_address_that_is_none_is_wrong_usage(capsys, url):
    assert main(["probe", "--admin", url]) == 2
    told = capsys.readouterr().err
    assert "--admin must be http://HOST:PORT" in told
    assert told.count("\n") == 1
