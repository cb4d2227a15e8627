"""Which certificates are trusted: the system's, and an operator's own beside them (`ca_file` of a provider)."""

import re
import ssl
from pathlib import Path

import httpx2

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def client_context(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies certificate and host name, reading no environment. Raises ValueError for the file."""
    context = httpx2.create_ssl_context(trust_env=False)
    for certificate in own_certificates(ca_file):
        context.load_verify_locations(cadata=certificate)
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
        for certificate in certificates:
            ssl.create_default_context(cadata=certificate)
    except (ssl.SSLError, ValueError):
        raise ValueError(f"ca_file {ca_file} holds a broken certificate; give a PEM file of certificates") from None
    if not certificates:
        raise ValueError(f"ca_file {ca_file} holds no certificate; give a PEM file of certificates")
    return certificates
