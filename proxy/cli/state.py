"""Asking a running proxy's admin port how it stands: `--admin` and `--admin-token` of a command.

The token is named by its source, as keys are, so that it stands in no list of processes and no shell's history.
"""

import argparse
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from proxy.cli.options import Stop
from proxy.cli.probe import DEFAULT
from proxy.cli.tables import printable

if TYPE_CHECKING:
    from proxy.config.hidden import Secret
    from proxy.routing.live import Live

T = TypeVar("T")
TIMEOUT_S = 5.0


def add_admin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--admin",
        metavar="URL",
        help=f"the admin address of a running proxy, as in {DEFAULT}: tells how it would take the request now",
    )
    add_token(parser)


def add_running(parser: argparse.ArgumentParser) -> None:
    """The same of a command that is about a running proxy: without a word, the one of this machine."""
    parser.add_argument("--admin", metavar="URL", default=DEFAULT, help=f"the admin address (default: {DEFAULT})")
    add_token(parser)


def add_token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--admin-token",
        metavar="SOURCE",
        help="where the admin token is, as in env:SIDESTEP_ADMIN_TOKEN or file:/run/secrets/admin (default: none)",
    )


def live(url: str, source: str | None) -> "Live":
    """How the proxy at `url` stands. Raises Stop, with exit code 2 for options that cannot be used."""
    from proxy.routing.live import read  # noqa: PLC0415 - see the package's docstring

    return asked(url, source, "/state", read)


def asked(
    url: str, source: str | None, path: str, read: Callable[[bytes], T], sent: Mapping[str, Any] | None = None
) -> T:
    """What a page of the proxy at `url` tells, as `read` understands it; that raises msgspec.DecodeError for another
    page. With `sent` the page is to do something with these fields. Raises Stop as `live` does, and with what a refusal
    says of one of them."""
    import asyncio  # noqa: PLC0415 - see the package's docstring

    import msgspec  # noqa: PLC0415 - likewise

    from proxy.config.addresses import check_url  # noqa: PLC0415 - likewise

    base = url.rstrip("/")
    if problem := check_url(base, plain_hosts=None):
        raise Stop(f"--admin {problem}, as in {DEFAULT}", code=2)
    status, body = asyncio.run(_asked(base, path, _token(source), sent))
    if status == 401:
        more = "another admin token than the given one" if source else "an admin token: add --admin-token env:NAME"
        raise Stop(f"{base} wants {more}")
    try:
        if status == 200:
            return read(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    if sent and (refusal := _of_a_field(sent, body)):
        raise Stop(refusal)
    raise Stop(f"{base} has no {path} (it answered {status}): give the admin address, port 4601 unless configured")


def _of_a_field(fields: Mapping[str, Any], body: bytes) -> str:
    """What a refusal says of one of them; empty where it is none."""
    import json  # noqa: PLC0415 - see the package's docstring

    try:
        error = json.loads(body)["error"]
        return printable(error["message"]) if error["param"] in fields else ""
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""


def _token(source: str | None) -> "Secret | None":
    from proxy.config.secrets import NoSecret, read_secret  # noqa: PLC0415 - see the package's docstring

    if source is None:
        return None
    try:
        return read_secret(source, os.environ)
    except NoSecret as error:
        raise Stop(f"--admin-token: {error}", code=2) from None


async def _asked(base: str, path: str, token: "Secret | None", sent: Mapping[str, Any] | None) -> tuple[int, bytes]:
    """Raises Stop without an answer."""
    import asyncio  # noqa: PLC0415 - see the package's docstring
    import json  # noqa: PLC0415 - likewise

    from proxy.config.values import Provider  # noqa: PLC0415 - likewise
    from proxy.routing.live import STATE_CAP  # noqa: PLC0415 - likewise
    from proxy.upstream.bodies import answered  # noqa: PLC0415 - likewise
    from proxy.upstream.engines import engine_for  # noqa: PLC0415 - likewise
    from proxy.upstream.seam import Call, Cut, Unreachable  # noqa: PLC0415 - likewise
    from translators.ir import Dialect  # noqa: PLC0415 - likewise

    headers = [("authorization", f"Bearer {token.reveal()}")] if token else []
    method, body = "GET", b""
    if sent is not None:
        method, body = "POST", json.dumps(sent).encode()
        headers.append(("content-type", "application/json"))
    place = f"{base}{path}"
    call = Call(method, place, headers, body, stream=False, connect_s=TIMEOUT_S, pool_s=1.0, write_s=TIMEOUT_S)
    engine = engine_for("native", Provider("admin", Dialect.OPENAI_CHAT, base), connections=1)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await answered(engine, call, STATE_CAP)
    except TimeoutError:
        raise Stop(f"no answer from {base} within {TIMEOUT_S:g} s") from None
    except (Unreachable, Cut) as error:
        raise Stop(f"no answer from {base}: {str(error).lower()}") from None
    finally:
        await engine.close()
