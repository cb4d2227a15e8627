"""The way to a provider, a step at a time: its name, a connection, its certificate.

The engines take these steps together and tell one failure; here each is told for itself, by the same dialling and the
same trust. Behind an HTTP proxy name and connection are the proxy's, and TLS goes through a tunnel, as the engine's. A
proxy that is itself spoken to over TLS is left to the calls that follow.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import urlsplit

from proxy.clock import Clock
from proxy.config.values import Provider
from proxy.doctor import advice
from proxy.doctor.findings import Finding, bad, good, left, odd
from proxy.upstream.dial import dial, resolved
from proxy.upstream.exhaustion import lacking
from proxy.upstream.tls import client_context

SOON_DAYS = 14
"""A certificate that ends within so many days is told: those that are renewed by themselves are renewed earlier."""
DAY_S = 86_400.0
HEAD_LIMIT = 16 * 1024


class Place(NamedTuple):
    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class NoTunnel(Exception):
    """The proxy lets nothing through. The message is a clause."""


def place_of(url: str) -> Place:
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    return Place(parts.hostname or "", parts.port or (443 if tls else 80), tls)


async def walk(provider: Provider, clock: Clock, patience_s: float) -> AsyncIterator[Finding]:
    """The findings up to the first failure. A step may take `patience_s`, connecting the provider's `connect_s`."""
    first = place_of(provider.proxy or provider.base_url)
    where = f"{'proxy' if provider.proxy else 'base_url'} of {advice.block(provider)}"
    found = await _named(provider.name, first, where, clock, patience_s)
    yield found
    if found.verdict == "fail":
        return
    raw, found = await _connected(provider, first, where, clock)
    yield found
    if raw is None:
        return
    try:
        yield await _trusted(provider, raw, clock, patience_s)
    finally:
        raw.close()


async def _named(subject: str, place: Place, where: str, clock: Clock, patience_s: float) -> Finding:
    began = clock.now()
    try:
        async with asyncio.timeout(patience_s):
            addresses = await resolved(place.host, place.port)
    except TimeoutError:
        fix = f"Look at this machine's name servers (/etc/resolv.conf), or correct the host in {where}."
        return bad(subject, "dns", f"no answer for {place.host} within {patience_s:g} s", fix)
    except socket.gaierror as error:
        return bad(subject, "dns", *advice.unknown_host(error, place.host, where))
    except (OSError, UnicodeError):
        return bad(subject, "dns", f"{place.host} is no host name", f"Correct the host in {where}.")
    found = list(dict.fromkeys(str(address[4][0]) for address in addresses))
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    same = found == [place.host]
    return good(subject, "dns", place.host if same else f"{place.host} is {found[0]}{more}", _ms(clock.now() - began))


async def _connected(
    provider: Provider, place: Place, where: str, clock: Clock
) -> tuple[socket.socket | None, Finding]:
    began, seconds = clock.now(), provider.timeouts.connect_s
    try:
        async with asyncio.timeout(seconds):
            raw = await dial(place.host, place.port)
    except TimeoutError:
        return None, bad(provider.name, "tcp", *advice.no_connection_in_time(str(place), seconds))
    except OSError as error:
        lack = lacking(error)
        if lack:
            return None, bad(provider.name, "tcp", lack, "Give this machine more of it and ask again.")
        return None, bad(provider.name, "tcp", *advice.not_connected(error, str(place), where))
    via = "the proxy at " if provider.proxy else ""
    return raw, good(provider.name, "tcp", f"connected to {via}{place}", _ms(clock.now() - began))


async def _trusted(provider: Provider, raw: socket.socket, clock: Clock, patience_s: float) -> Finding:
    place, name = place_of(provider.base_url), provider.name
    if not place.tls:
        return left(name, "tls", "base_url is plain http")
    if provider.proxy and place_of(provider.proxy).tls:
        return left(name, "tls", "the proxy itself is spoken to over TLS; the next call shows whether it works")
    began, where = clock.now(), advice.block(provider)
    try:
        async with asyncio.timeout(patience_s):
            if provider.proxy:
                await _tunnelled(raw, place)
            ends = await _ends_at(provider, raw, place)
    except TimeoutError:
        fix = f"See whether {place} speaks TLS at all and what stands between, or correct base_url of {where}."
        return bad(name, "tls", f"no TLS handshake within {patience_s:g} s", fix)
    except NoTunnel as error:
        return bad(name, "tls", str(error), f"Let {place} through in the proxy, or correct proxy of {where}.")
    except ssl.SSLCertVerificationError as error:
        return bad(name, "tls", f"not trusted: {_clause(error.verify_message)}", advice.not_trusted(error, provider))
    except ValueError as error:
        return bad(name, "tls", str(error), advice.no_authority(provider))
    except OSError as error:
        what = error.reason if isinstance(error, ssl.SSLError) and error.reason else "the connection broke"
        fix = f"See whether {place} speaks TLS (it may be a plain port), and correct base_url of {where}."
        return bad(name, "tls", f"the handshake failed: {what.replace('_', ' ').lower()}", fix)
    return _dated(provider, ends, clock, _ms(clock.now() - began))


def _dated(provider: Provider, ends: float, clock: Clock, ms: float) -> Finding:
    days = int((ends - clock.wall()) // DAY_S)
    told = f"trusted, ends in {days} day{'' if days == 1 else 's'}"
    if days >= SOON_DAYS:
        return good(provider.name, "tls", told, ms)
    fix = f"See that whoever runs {provider.base_url} renews its certificate in time."
    return odd(provider.name, "tls", told, fix, ms)


async def _ends_at(provider: Provider, raw: socket.socket, place: Place) -> float:
    """When the certificate ends, in Unix seconds. Raises OSError, ssl's among them, or ValueError for a `ca_file`."""
    context = await asyncio.to_thread(client_context, provider.ca_file)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(
        asyncio.Protocol, sock=raw.dup(), ssl=context, server_hostname=place.host
    )
    try:
        certificate = transport.get_extra_info("peercert") or {}
        return ssl.cert_time_to_seconds(certificate["notAfter"])
    finally:
        transport.abort()


async def _tunnelled(raw: socket.socket, place: Place) -> None:
    """Asks the proxy at the other end for a tunnel. Raises NoTunnel, or OSError."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(raw, f"CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head and len(head) < HEAD_LIMIT:
        more = await loop.sock_recv(raw, HEAD_LIMIT)
        if not more:
            raise NoTunnel("the proxy closed the connection")
        head += more
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1."):
        raise NoTunnel("the proxy does not speak HTTP")
    if not words[1].startswith("2"):
        raise NoTunnel(f"the proxy refuses a tunnel to {place} (status {words[1][:3]})")


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _clause(sentence: str) -> str:
    """Its first word in small letters, unless it is an abbreviation."""
    first = sentence[:1] if sentence[1:2].isupper() else sentence[:1].lower()
    return first + sentence[1:].rstrip(".")
