"""Keys that are not a fixed text: files read again when they change, and tokens fetched before they expire.

- `entra:` or `entra:SCOPE`: a Microsoft Entra token for an application, by AZURE_TENANT_ID and AZURE_CLIENT_ID with
  AZURE_CLIENT_SECRET, or with the token in the file that AZURE_FEDERATED_TOKEN_FILE names (workload identity).
- `entra-managed:` or `entra-managed:SCOPE`: the same for the managed identity of an Azure machine, or of an app there,
  which has IDENTITY_ENDPOINT and IDENTITY_HEADER set; AZURE_CLIENT_ID says which of several.
- `google:`: a Google token, by the file that GOOGLE_APPLICATION_CREDENTIALS names, a person's (`authorized_user`) or a
  service account's, else by the metadata server of the machine. A service account signs what it asks with, for which
  the package `cryptography` must be there.

Nothing is fetched here; that is `proxy.upstream.credentials`.
"""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final, get_args
from urllib.parse import urlsplit

import orjson

from proxy.config.hidden import Secret
from proxy.config.secrets import FILE_LIMIT, NoSecret, checked, read_secret
from proxy.config.values import EntraToken, GoogleToken, KeyFile, ManagedIdentity, ProviderKey, ServiceAccount, Token

ENTRA_SCOPE: Final = "https://ai.azure.com/.default"
"""For the v1 API and Foundry; a dated deployment wants https://cognitiveservices.azure.com/.default."""
TOKENS: Final[tuple[type, ...]] = get_args(Token)

_PLAIN = re.compile(r"[A-Za-z0-9._-]+\Z")
_SCOPE = re.compile(r"[!-~]+\Z")
_HERE = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|169\.254\.\d+\.\d+)\Z")
"""Where Azure lets an app ask: this machine, or a link-local address."""


def read_key(source: str, env: Mapping[str, str]) -> ProviderKey:
    """The key at `source`; without a secret yet where that is a token. Raises NoSecret for one that cannot be had."""
    scheme, _, place = source.partition(":")
    if scheme == "entra":
        return ProviderKey(source, None, _entra(_scope(scheme, place), env))
    if scheme == "entra-managed":
        return ProviderKey(source, None, _managed(_scope(scheme, place), env))
    if source == "google:":
        return ProviderKey(source, None, _google(env))
    secret = read_secret(source, env)
    return ProviderKey(source, secret, KeyFile(place) if scheme == "file" else None)


def _scope(scheme: str, place: str) -> str:
    scope = place or ENTRA_SCOPE
    if not _SCOPE.match(scope):
        raise NoSecret(f'names no scope: say "{scheme}:" alone, or as in "{scheme}:{ENTRA_SCOPE}"')
    return scope


def _entra(scope: str, env: Mapping[str, str]) -> EntraToken:
    tenant, client = _variable("AZURE_TENANT_ID", env), _variable("AZURE_CLIENT_ID", env)
    secret, file = env.get("AZURE_CLIENT_SECRET", "").strip(), env.get("AZURE_FEDERATED_TOKEN_FILE", "").strip()
    if secret:
        where = "environment variable AZURE_CLIENT_SECRET"
        return EntraToken(scope, tenant, client, checked(secret, where), "")
    if not file:
        raise NoSecret("needs AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE, and neither is set")
    read_secret(f"file:{file}", env)
    return EntraToken(scope, tenant, client, None, file)


def _managed(scope: str, env: Mapping[str, str]) -> ManagedIdentity:
    client = _variable("AZURE_CLIENT_ID", env) if env.get("AZURE_CLIENT_ID", "").strip() else ""
    resource = scope.removesuffix("/.default")
    endpoint = env.get("IDENTITY_ENDPOINT", "").strip()
    if not endpoint:
        return ManagedIdentity(resource, client)
    where = "environment variable IDENTITY_ENDPOINT"
    try:
        parts = urlsplit(endpoint)
        here = parts.scheme == "http" and bool(_HERE.match(parts.hostname or "")) and parts.port != 0
    except ValueError:
        here = False
    if not here or "@" in endpoint or parts.query or parts.fragment or not _SCOPE.match(endpoint):
        raise NoSecret("must be an http address on this machine, as Azure sets it", where)
    header = read_secret("env:IDENTITY_HEADER", env)
    return ManagedIdentity(resource, client, endpoint, header)


def _variable(name: str, env: Mapping[str, str]) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise NoSecret("is not set", f"environment variable {name}")
    if not _PLAIN.match(value):
        raise NoSecret("has characters that no such id has", f"environment variable {name}")
    return value


def _google(env: Mapping[str, str]) -> GoogleToken | ServiceAccount:
    path = env.get("GOOGLE_APPLICATION_CREDENTIALS", "").strip()
    if not path:
        return GoogleToken()
    where = f"file {path}"
    found = _json(path)
    if found.get("type") == "service_account":
        return _service_account(found, where)
    if found.get("type") != "authorized_user":
        raise NoSecret(
            f"is of type {str(found.get('type'))[:40]!r}, which is not known: fetch its token outside and give it "
            'by "file:/path", or unset GOOGLE_APPLICATION_CREDENTIALS where a metadata server gives tokens',
            where,
        )
    client, secret, token = (_member(name, found, where) for name in ("client_id", "client_secret", "refresh_token"))
    return GoogleToken(client, checked(secret, where), checked(token, where))


def _service_account(found: Mapping[str, object], where: str) -> ServiceAccount:
    if find_spec("cryptography") is None:
        raise NoSecret(
            "is a service account's, which takes the package cryptography to sign with: pip install 'sidestep[vertex]'",
            where,
        )
    email, key_id, key = (_member(name, found, where) for name in ("client_email", "private_key_id", "private_key"))
    return ServiceAccount(email, key_id, Secret(key))


def _member(name: str, found: Mapping[str, object], where: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise NoSecret(f"lacks {name}", where)
    return value


def _json(path: str) -> dict[str, object]:
    try:
        with Path(path).open("rb") as file:
            found = orjson.loads(file.read(FILE_LIMIT))
    except OSError as error:
        raise NoSecret(f"cannot be read: {(error.strerror or 'unknown error').lower()}", f"file {path}") from None
    except orjson.JSONDecodeError:
        raise NoSecret("is not valid JSON", f"file {path}") from None
    if not isinstance(found, dict):
        raise NoSecret("holds no JSON object", f"file {path}")
    return found
