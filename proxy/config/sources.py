"""Keys that are not a fixed text: files read again when they change, and tokens fetched before they expire.

- `entra:` or `entra:SCOPE`: a Microsoft Entra token for an application, by AZURE_TENANT_ID and AZURE_CLIENT_ID with
  AZURE_CLIENT_SECRET, or with the token in the file that AZURE_FEDERATED_TOKEN_FILE names (workload identity).
- `google:`: a Google token, by the file that GOOGLE_APPLICATION_CREDENTIALS names when it is a person's
  (`authorized_user`), else by the metadata server of the machine. A service account's key file needs a signature, which
  is not made here: exchange it outside, and give its token by `file:`.

Nothing is fetched here; that is `proxy.upstream.credentials`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson

from proxy.config.secrets import FILE_LIMIT, NoSecret, checked, read_secret
from proxy.config.values import EntraToken, GoogleToken, KeyFile, ProviderKey

ENTRA_SCOPE: Final = "https://ai.azure.com/.default"
"""For the v1 API and Foundry; a dated deployment wants https://cognitiveservices.azure.com/.default."""
TOKENS: Final = (EntraToken, GoogleToken)

_PLAIN = re.compile(r"[A-Za-z0-9._-]+\Z")
_SCOPE = re.compile(r"[!-~]+\Z")


def read_key(source: str, env: Mapping[str, str]) -> ProviderKey:
    """The key at `source`; without a secret yet where that is a token. Raises NoSecret for one that cannot be had."""
    scheme, _, place = source.partition(":")
    if scheme == "entra":
        return ProviderKey(source, None, _entra(place or ENTRA_SCOPE, env))
    if source == "google:":
        return ProviderKey(source, None, _google(env))
    secret = read_secret(source, env)
    return ProviderKey(source, secret, KeyFile(place) if scheme == "file" else None)


def _entra(scope: str, env: Mapping[str, str]) -> EntraToken:
    if not _SCOPE.match(scope):
        raise NoSecret(f'names no scope: say "entra:" alone, or as in "entra:{ENTRA_SCOPE}"')
    tenant, client = _variable("AZURE_TENANT_ID", env), _variable("AZURE_CLIENT_ID", env)
    secret, file = env.get("AZURE_CLIENT_SECRET", "").strip(), env.get("AZURE_FEDERATED_TOKEN_FILE", "").strip()
    if secret:
        where = "environment variable AZURE_CLIENT_SECRET"
        return EntraToken(scope, tenant, client, checked(secret, where), "")
    if not file:
        raise NoSecret("needs AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE, and neither is set")
    read_secret(f"file:{file}", env)
    return EntraToken(scope, tenant, client, None, file)


def _variable(name: str, env: Mapping[str, str]) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise NoSecret("is not set", f"environment variable {name}")
    if not _PLAIN.match(value):
        raise NoSecret("has characters that no such id has", f"environment variable {name}")
    return value


def _google(env: Mapping[str, str]) -> GoogleToken:
    path = env.get("GOOGLE_APPLICATION_CREDENTIALS", "").strip()
    if not path:
        return GoogleToken()
    where = f"file {path}"
    found = _json(path)
    if found.get("type") != "authorized_user":
        raise NoSecret(
            f"is of type {str(found.get('type'))[:40]!r}, which needs a signature: fetch its token outside and give it "
            'by "file:/path", or unset GOOGLE_APPLICATION_CREDENTIALS where a metadata server gives tokens',
            where,
        )
    client, secret, token = (_member(name, found, where) for name in ("client_id", "client_secret", "refresh_token"))
    return GoogleToken(client, checked(secret, where), checked(token, where))


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
