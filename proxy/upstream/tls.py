"""Which certificates are trusted: the system's, and an operator's own beside them (`ca_file` of a provider).

The system's are where OpenSSL looks for them, `SSL_CERT_FILE` and `SSL_CERT_DIR` included: that is how a system says
where it keeps them, and the one thing of the environment that counts here. Python builds that were made elsewhere look
in places that do not exist; then the usual files of the distributions are tried.
"""

import re
import ssl
from functools import lru_cache
from pathlib import Path

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_USUAL = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def client_context(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies certificate and host name. Raises ValueError for a `ca_file` that cannot be used.

    Reading the system's certificates takes tens of milliseconds: providers without a `ca_file` share one context.
    """
    if ca_file is None:
        return _shared()
    context = _system()
    for certificate in own_certificates(ca_file):
        context.load_verify_locations(cadata=certificate)
    return context


@lru_cache(maxsize=1)
def _shared() -> ssl.SSLContext:
    return _system()


def _system() -> ssl.SSLContext:
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and paths.capath is None:
        usual = next((path for path in _USUAL if Path(path).is_file()), None)
        if usual is not None:
            context.load_verify_locations(cafile=usual)
    return context


def own_certificates(ca_file: str | None) -> list[bytes]:
    """The certificates in `ca_file` (PEM, one or many) as DER; none without a file. Raises ValueError naming it."""
    if ca_file is None:
        return []
    try:
        text = Path(ca_file).read_text("ascii", "replace")
    except OSError as error:
        raise ValueError(f"ca_file {ca_file} cannot be read: {error.strerror}") from None
    try:
        certificates = [ssl.PEM_cert_to_DER_cert(block) for block in _PEM.findall(text)]
        trial = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for certificate in certificates:
            trial.load_verify_locations(cadata=certificate)
    except (ssl.SSLError, ValueError):
        raise ValueError(f"ca_file {ca_file} holds a broken certificate; give a PEM file of certificates") from None
    if not certificates:
        raise ValueError(f"ca_file {ca_file} holds no certificate; give a PEM file of certificates")
    return certificates
