"""Who may use the data port.

With `[clients.NAME]` configured, a request needs one of their keys, as a Bearer token or in `x-api-key`; keys are known
by their SHA-256 alone. The digest is compared with every candidate's in constant time, without stopping at a match, so
neither a key's content nor its position shows in the time taken. Who it is, is not remembered; a key's digest is, for
a connection's next request with the same head, byte for byte.

Without clients, anyone on loopback is let in, and nobody else; there is no switch. One exception: a request that a
browser made for a page that is not of this machine. Such a page can make any visitor's browser call loopback, under
its own name (DNS rebinding) or across origins, and would spend the operator's money.

What the edge found wrong with a request (unknown path, wrong method, body of another type) is told here, to those who
are let in: a stranger learns neither paths nor methods. A head that cannot be read is told to anybody.
"""

import hmac
from collections.abc import Coroutine, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlsplit

from proxy.config.addresses import is_loopback
from proxy.config.values import Client
from proxy.flow import Exchange, Refused, Service, Unreadable
from proxy.telemetry.names import INVALID_API_KEY, ORIGIN_REFUSED
from translators.faults import Fault, Kind

T = TypeVar("T")

_BEARER = "bearer "


class Auth:
    """`clients` by name; every route goes through the same check."""

    def __init__(self, clients: Mapping[str, Client]) -> None:
        self._candidates = [
            (bytes.fromhex(digest), client) for client in clients.values() for digest in client.key_sha256
        ]
        self._anonymous = not clients

    def __call__(self, exchange: Exchange, service: Service) -> Coroutine[Any, Any, None]:
        """Raises Refused at once: 401, 403 for a foreign web page, or the edge's own refusal."""
        refusal = exchange.refusal
        if isinstance(refusal, Unreadable):
            raise refusal
        if self._anonymous:
            refuse_strangers(exchange)
        else:
            exchange.client = self._client(exchange)
        if refusal is not None:
            raise refusal
        return service(exchange)

    def _client(self, exchange: Exchange) -> Client:
        digest = exchange.said.digest
        if digest is None:
            key = presented_key(exchange.headers)
            if not key:
                message = "No API key was given; send one as 'Authorization: Bearer KEY' or 'x-api-key'."
                raise Refused(_fault(401, INVALID_API_KEY, message))
            exchange.said.digest = digest = sha256(key.encode()).digest()
        found = matching(digest, self._candidates)
        if found is None:
            raise Refused(_fault(401, INVALID_API_KEY, "The API key is not one of this proxy's clients'."))
        return found


def presented_key(headers: Mapping[str, str]) -> str:
    """The key a request carries, empty without one; an Authorization header goes before `x-api-key`."""
    authorization = headers.get("authorization")
    if authorization is None:
        return headers.get("x-api-key", "")
    if authorization[: len(_BEARER)].lower() != _BEARER:
        return ""
    return authorization[len(_BEARER) :].strip()


def matching(digest: bytes, candidates: list[tuple[bytes, T]]) -> T | None:
    """The owner of `digest`. Every candidate is compared, whatever matched before."""
    found = None
    for known, owner in candidates:
        if hmac.compare_digest(known, digest):
            found = owner
    return found


def refuse_strangers(exchange: Exchange) -> None:
    """Raises Refused for all but programs of this machine."""
    if not is_own(exchange.peer):
        message = "This proxy has no clients configured, so it serves its own machine only; add [clients.NAME]."
        raise Refused(_fault(401, INVALID_API_KEY, message))
    origin = exchange.headers.get("origin")
    if origin is not None and not _is_local_page(origin):
        message = "Web pages of other machines may not use this proxy; configure [clients.NAME] and send a key."
        raise Refused(_fault(403, ORIGIN_REFUSED, message))


@lru_cache(maxsize=256)
def is_own(host: str) -> bool:
    """Whether a peer's address, or the host of a page's origin, is this machine."""
    return is_loopback(host.removeprefix("::ffff:"))


def _is_local_page(origin: str) -> bool:
    try:
        return is_own(urlsplit(origin).hostname or "")
    except ValueError:
        return False


def _fault(status: int, code: str, message: str) -> Fault:
    return Fault(kind=Kind.REFUSED, status=status, type="invalid_request_error", code=code, message=message)
