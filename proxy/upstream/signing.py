"""What a service account of Google signs to be given a token: a JSON Web Token, by RS256.

Sources: Google's OAuth 2.0 for server to server applications; RFC 7515 for the form, RFC 7523 for the claims.

The signature is the one thing here that the standard library cannot make. `cryptography`, which can, is an extra
(`sidestep[vertex]`), and is loaded when the first token is asked for and by nobody else.
"""

import base64
from typing import Final

import orjson

from proxy.config.values import ServiceAccount

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
LIFETIME_S: Final = 3600
"""The longest that Google takes."""


class Unsigned(Exception):
    """The message is a clause without the key."""


def assertion(account: ServiceAccount, audience: str, at: float) -> str:
    """A signed token for `audience`, from the Unix time `at` on. Raises Unsigned for a key that cannot sign so."""
    head = {"alg": "RS256", "typ": "JWT", "kid": account.key_id}
    claims = {"iss": account.email, "scope": SCOPE, "aud": audience, "iat": int(at), "exp": int(at) + LIFETIME_S}
    text = b".".join(_encoded(orjson.dumps(part)) for part in (head, claims))
    return b".".join((text, _encoded(_signature(text, account.key.reveal())))).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _signature(text: bytes, key: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - likewise
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - likewise
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - likewise
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - likewise

    try:
        loaded = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unsigned("the service account's private_key cannot be read") from None
    if not isinstance(loaded, RSAPrivateKey):
        raise Unsigned("the service account's private_key is no RSA key")
    return loaded.sign(text, PKCS1v15(), SHA256())
