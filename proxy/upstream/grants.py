"""Asking for a token: one call to Microsoft Entra, to Google, or to the machine's metadata server.

Sources: Microsoft's identity platform (client credentials; client assertions for workload identity), Azure's managed
identities (the instance metadata service; App Service and Container Apps), Google's OAuth 2.0 for installed
applications (refreshing a token) and for servers (a service account's assertion), Google Cloud's metadata server. All
answer with RFC 6749's JSON, but for Azure's apps, which tell the end in place of the lifetime.

Of a refusal only the status and OAuth's own error word are told: the rest of such an answer may repeat what was sent.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode, urlsplit

import orjson
from msgspec import Struct, structs

from proxy.config.hidden import Secret
from proxy.config.secrets import NoSecret, checked, read_secret
from proxy.config.values import EntraToken, GoogleToken, ManagedIdentity, Provider, ServiceAccount, Token
from proxy.upstream.bodies import answered
from proxy.upstream.hygiene import USER_AGENT
from proxy.upstream.seam import Call, Cut, Engine, Unreachable
from proxy.upstream.signing import Unsigned, assertion

ENTRA: Final = "https://login.microsoftonline.com"
GOOGLE: Final = "https://oauth2.googleapis.com"
METADATA: Final = "http://metadata.google.internal"
"""Plain by design: the machine's own hypervisor answers."""
METADATA_PATH: Final = "/computeMetadata/v1/instance/service-accounts/default/token"
AZURE_METADATA: Final = "http://169.254.169.254"
"""Likewise."""
AZURE_PATH: Final = "/metadata/identity/oauth2/token"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TIMEOUT_S: Final = 10.0
ANSWER_LIMIT: Final = 64 * 1024
LONGEST_S: Final = 86_400.0

_WORD = re.compile(r"[a-z_]{1,60}\Z")


class NoToken(Exception):
    """The message is a clause without secrets."""


class Grant(Struct, frozen=True):
    secret: Secret
    lifetime_s: float


class _Ask(Struct, frozen=True):
    base: str
    path: str
    form: dict[str, str] | None
    """None: a GET."""
    header: tuple[str, str] = ("content-type", "application/x-www-form-urlencoded")


async def grant(
    renewal: Token, provider: Provider, engine_of: Callable[[Provider], Engine], wall: Callable[[], float]
) -> Grant:
    """A new token. Raises NoToken. `wall` gives Unix seconds.

    `engine_of` makes the connection, under the provider's own `proxy` and `ca_file` unless it is the metadata server's.
    """
    ask = await _ask(renewal, provider.token_url, wall)
    base = provider.token_url or ask.base
    here = structs.replace(provider, base_url=base, proxy=None if ask.form is None else provider.proxy)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            status, body = await _asked(_call(base, ask, provider), engine_of(here))
    except (Unreachable, Cut) as error:
        raise NoToken(f"{base} could not be asked: {error}") from None
    except TimeoutError:
        raise NoToken(f"{base} did not answer in time") from None
    return _read(status, body, base, wall)


async def _ask(renewal: Token, token_url: str | None, wall: Callable[[], float]) -> _Ask:
    """What is asked; `token_url` is the issuer where it is not the usual one."""
    match renewal:
        case EntraToken():
            return await _entra(renewal)
        case ManagedIdentity():
            return _managed(renewal)
        case ServiceAccount():
            audience = f"{token_url or GOOGLE}/token"
            try:
                signed = await asyncio.to_thread(assertion, renewal, audience, wall())
            except Unsigned as error:
                raise NoToken(str(error)) from None
            return _Ask(GOOGLE, "/token", {"grant_type": JWT_BEARER, "assertion": signed})
        case GoogleToken():
            return _google(renewal)


def _call(base: str, ask: _Ask, provider: Provider) -> Call:
    headers = [("accept", "application/json"), ("accept-encoding", "identity"), ("user-agent", USER_AGENT)]
    headers.append(ask.header)
    return Call(
        method="GET" if ask.form is None else "POST",
        url=base + ask.path,
        headers=headers,
        body=b"" if ask.form is None else urlencode(ask.form).encode(),
        stream=False,
        connect_s=provider.timeouts.connect_s,
        pool_s=provider.timeouts.pool_s,
        write_s=provider.timeouts.write_s,
    )


async def _asked(call: Call, engine: Engine) -> tuple[int, bytes]:
    """Status and body, over a connection of its own: hours lie between two such calls."""
    try:
        return await answered(engine, call, ANSWER_LIMIT)
    finally:
        await engine.close()


async def _entra(renewal: EntraToken) -> _Ask:
    form = {"grant_type": "client_credentials", "client_id": renewal.client_id, "scope": renewal.scope}
    if renewal.secret is not None:
        form["client_secret"] = renewal.secret.reveal()
    else:
        try:
            assertion = await asyncio.to_thread(read_secret, f"file:{renewal.token_file}", {})
        except NoSecret as error:
            raise NoToken(str(error)) from None
        form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        form["client_assertion"] = assertion.reveal()
    return _Ask(ENTRA, f"/{renewal.tenant}/oauth2/v2.0/token", form)


def _managed(renewal: ManagedIdentity) -> _Ask:
    asked = {"resource": renewal.resource} | ({"client_id": renewal.client_id} if renewal.client_id else {})
    if renewal.header is None:
        query = urlencode({"api-version": "2018-02-01", **asked})
        return _Ask(AZURE_METADATA, f"{AZURE_PATH}?{query}", None, ("metadata", "true"))
    parts = urlsplit(renewal.endpoint)
    query = urlencode({"api-version": "2019-08-01", **asked})
    header = ("x-identity-header", renewal.header.reveal())
    return _Ask(f"{parts.scheme}://{parts.netloc}", f"{parts.path}?{query}", None, header)


def _google(renewal: GoogleToken) -> _Ask:
    if renewal.refresh_token is None or renewal.client_secret is None:
        return _Ask(METADATA, METADATA_PATH, None, ("metadata-flavor", "Google"))
    form = {
        "grant_type": "refresh_token",
        "client_id": renewal.client_id,
        "client_secret": renewal.client_secret.reveal(),
        "refresh_token": renewal.refresh_token.reveal(),
    }
    return _Ask(GOOGLE, "/token", form)


def _read(status: int, body: bytes, base: str, wall: Callable[[], float]) -> Grant:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        found = {}
    token, lifetime = found.get("access_token"), found.get("expires_in")
    if status != 200 or not isinstance(token, str) or not token:
        word = found.get("error")
        told = f" ({word})" if isinstance(word, str) and _WORD.match(word) else ""
        raise NoToken(f"{base} gave none: status {status}{told}")
    try:
        seconds = float(lifetime) if isinstance(lifetime, (int, float, str)) else 0.0
        if lifetime is None and isinstance(ends := found.get("expires_on"), (int, float, str)):
            seconds = float(ends) - wall()
        return Grant(checked(token, "the token"), min(LONGEST_S, seconds))
    except (ValueError, NoSecret):
        raise NoToken(f"{base} gave one that cannot be used") from None
