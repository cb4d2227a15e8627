"""`sidestep probe`: asks a running proxy's admin port whether it is ready or alive. For container health checks.

Standard library only, down to the socket: an HTTP client would cost more time than the question.
"""

import argparse
import re
import socket
from typing import TYPE_CHECKING

from proxy.cli.options import Stop

if TYPE_CHECKING:
    from proxy.cli.options import Commands

DEFAULT = "http://127.0.0.1:4601"
TIMEOUT_S = 2.0
ANSWER_LIMIT = 4096
_HOST = re.compile(r"[^\s/@]+\Z")
_PORT = re.compile(r"[1-9][0-9]{0,4}\Z")


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "probe",
        help="ask a running proxy whether it is ready or alive",
        description="Asks the admin port of a running proxy. Exit code 0: yes; 1: no, or no answer within 2 seconds.",
    )
    parser.add_argument("--admin", metavar="URL", default=DEFAULT, help=f"the admin address (default: {DEFAULT})")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--ready", dest="path", action="store_const", const="/readyz", help="can it serve? (default)")
    which.add_argument("--live", dest="path", action="store_const", const="/livez", help="is it running at all?")
    parser.set_defaults(run=run, path="/readyz")


def run(arguments: argparse.Namespace) -> int:
    host, port = _address(arguments.admin)
    status = _status(host, port, arguments.path)
    if status != "200":
        raise Stop(f"{arguments.path} at {host}:{port} answered {status}")
    return 0


def _address(url: str) -> tuple[str, int]:
    place = url.removeprefix("http://").rstrip("/")
    host, _, port = place.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not _HOST.match(host) or not _PORT.match(port) or int(port) > 65535:
        raise Stop(f"--admin must be http://HOST:PORT, as in {DEFAULT}", code=2)
    return host, int(port)


def _status(host: str, port: int, path: str) -> str:
    """The answer's status, as text. Raises Stop without an answer."""
    name = f"[{host}]" if ":" in host else host
    request = f"GET {path} HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n"
    try:
        # As text the host would bring in the tables of international names.
        with socket.create_connection((host.encode(), port), TIMEOUT_S) as connection:  # type: ignore[arg-type]  # it may be bytes
            connection.settimeout(TIMEOUT_S)
            connection.sendall(request.encode())
            words = _first_line(connection).split(" ", 2)
    except (OSError, OverflowError) as error:
        what = (
            "timed out" if isinstance(error, TimeoutError) else (getattr(error, "strerror", "") or str(error)).lower()
        )
        raise Stop(f"no answer from {host}:{port}: {what}") from None
    if len(words) < 2 or not words[0].startswith("HTTP/1."):
        raise Stop(f"{host}:{port} does not speak HTTP")
    return words[1].strip()


def _first_line(connection: socket.socket) -> str:
    received = b""
    while b"\n" not in received and len(received) < ANSWER_LIMIT:
        more = connection.recv(ANSWER_LIMIT)
        if not more:
            break
        received += more
    return received.split(b"\n", 1)[0].decode("latin-1")
