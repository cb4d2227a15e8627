"""A service account's assertion is what Google's documentation says, and its signature is one that openssl accepts."""

import base64
import json
import subprocess
import sys

import pytest

from proxy.config.hidden import Secret
from proxy.config.values import ServiceAccount
from proxy.upstream.signing import Unsigned, assertion

AUDIENCE = "https://oauth2.googleapis.com/token"


def openssl(*arguments, given=None):
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=False)


def made(kind, *options):
    """A private key in PEM."""
    done = openssl("genpkey", "-algorithm", kind, *(part for one in options for part in ("-pkeyopt", one)))
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


@pytest.fixture(scope="module")
def pem():
    return made("RSA", "rsa_keygen_bits:2048")


def account(pem):
    return ServiceAccount("proxy@example-project.iam.gserviceaccount.com", "key-1", Secret(pem))


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_the_claims_are_googles(pem):
    head, claims, _ = assertion(account(pem), AUDIENCE, 1_700_000_000.9).split(".")
    assert json.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
    assert json.loads(decoded(claims)) == {
        "iss": "proxy@example-project.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": AUDIENCE,
        "iat": 1_700_000_000,
        "exp": 1_700_003_600,
    }


def test_the_signature_is_one_that_openssl_accepts(pem, tmp_path):
    text, _, signature = assertion(account(pem), AUDIENCE, 1e9).rpartition(".")
    public, sealed = tmp_path / "public.pem", tmp_path / "signature"
    public.write_bytes(openssl("pkey", "-pubout", given=pem.encode()).stdout)
    sealed.write_bytes(decoded(signature))
    check = ("dgst", "-sha256", "-verify", str(public), "-signature", str(sealed))
    assert openssl(*check, given=text.encode()).stdout.startswith(b"Verified OK")
    assert openssl(*check, given=text.encode() + b"x").returncode == 1


def test_nothing_of_a_signed_token_needs_escaping(pem):
    assert all(set(part).isdisjoint("=+/") for part in assertion(account(pem), AUDIENCE, 1e9).split("."))


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("canary", "the service account's private_key cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (("EC", "ec_paramgen_curve:P-256"), "the service account's private_key is no RSA key"),
    ],
)
def test_a_key_that_cannot_sign_is_told_and_not_shown(key, told):
    key = key if isinstance(key, str) else made(*key)
    with pytest.raises(Unsigned) as caught:
        assertion(account(key), AUDIENCE, 1e9)
    assert told in str(caught.value)
    assert "canary" not in str(caught.value)


def test_the_package_is_loaded_by_a_signature_and_by_nothing_else():
    told = "import sys, proxy.app, proxy.upstream.signing; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
