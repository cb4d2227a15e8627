"""What to do about a failure, in one sentence that says where. Pure.

Whoever reads this has an outage or a first start before them: a sentence names the file's block, the variable, the
address or the command, and what to put there. Nothing here repeats a key or a provider's own words.
"""

import errno
import socket
import ssl

from proxy.config.values import EntraToken, GoogleToken, ManagedIdentity, Provider, ProviderKey, ServiceAccount
from translators.faults import Fault, Kind

EXPIRED, NOT_YET, OTHER_NAME = 10, 9, 62
"""OpenSSL's codes: X509_V_ERR_CERT_HAS_EXPIRED, _CERT_NOT_YET_VALID, _HOSTNAME_MISMATCH."""


def block(provider: Provider) -> str:
    return f"[providers.{provider.name}]"


def unknown_host(error: socket.gaierror, host: str, where: str) -> tuple[str, str]:
    """What a failed look-up means, and what to do; `where` is the setting that names the host."""
    if error.errno == socket.EAI_AGAIN:
        return (
            f"the look-up of {host} failed for now",
            f"Look at this machine's name servers (/etc/resolv.conf, CoreDNS), or correct the host in {where}.",
        )
    return f"no such host: {host}", f"Correct the host in {where}, or add {host} to this machine's DNS."


def not_connected(error: OSError, place: str, where: str) -> tuple[str, str]:
    """What a connection to `place` failed of, and what to do."""
    if isinstance(error, ConnectionRefusedError):
        return (
            f"{place} refuses connections",
            f"Start what should listen at {place}, or correct host and port in {where}.",
        )
    if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL):
        return f"no route to {place}", f"Give this machine a route to {place}, or name a way out as its proxy."
    return f"no connection to {place}", f"Look at the network between this machine and {place}."


def no_connection_in_time(place: str, seconds: float) -> tuple[str, str]:
    return (
        f"no connection to {place} within {seconds:g} s",
        f"Let TCP through to {place} in firewalls and NetworkPolicies, or name a way out as its proxy.",
    )


def not_trusted(error: ssl.SSLCertVerificationError, provider: Provider) -> str:
    """What to do about a certificate that is not trusted."""
    if error.verify_code == EXPIRED:
        return (
            f"Have the certificate of {provider.base_url} renewed by whoever runs it; if this machine's clock is "
            "ahead, set that instead."
        )
    if error.verify_code == NOT_YET:
        return "Set this machine's clock, which is behind the certificate's first day."
    if error.verify_code == OTHER_NAME:
        return f"Use a host name that the certificate has as base_url of {block(provider)}."
    return (
        "If this is a private server or a network that inspects TLS, put its certificate authority into a PEM file and "
        f"name it as ca_file of {block(provider)}; otherwise do not send keys there."
    )


def no_authority(provider: Provider) -> str:
    return f"Correct ca_file of {block(provider)}."


def refused_key(key: ProviderKey | None, status: int, provider: Provider) -> str:
    if key is None:
        return f"{provider.name} wants a key: say where it is with keys = [...] in {block(provider)}."
    if status == 403:
        return (
            f"Allow the key of {key.source} to use this API in the provider's console, and look whether it bars this "
            "address or country."
        )
    scheme, _, place = key.source.partition(":")
    if scheme == "env":
        return f"Put a valid key for {provider.base_url} into {place}, and start Sidestep again."
    if scheme == "file":
        return f"Write a valid key for {provider.base_url} into {place}; Sidestep reads it again by itself."
    return f"Give the identity behind {key.source} the right to use {provider.base_url}."


def no_token(key: ProviderKey) -> str:
    match key.renewal:
        case EntraToken():
            return (
                "Look at AZURE_TENANT_ID and AZURE_CLIENT_ID, and at AZURE_CLIENT_SECRET or the file that "
                "AZURE_FEDERATED_TOKEN_FILE names."
            )
        case ManagedIdentity():
            return (
                "Give this machine or app a managed identity in Azure's portal; where it has several, say which in "
                "AZURE_CLIENT_ID."
            )
        case ServiceAccount():
            return (
                "See that the service account and its key are still there, or make the file that "
                "GOOGLE_APPLICATION_CREDENTIALS names anew (gcloud iam service-accounts keys create)."
            )
        case GoogleToken(refresh_token=None):
            return (
                "Give this machine or pod a service account, or name a credentials file in "
                "GOOGLE_APPLICATION_CREDENTIALS."
            )
        case _:
            return (
                "Make the file that GOOGLE_APPLICATION_CREDENTIALS names anew (gcloud auth application-default login)."
            )


def of_fault(fault: Fault, provider: Provider, key: ProviderKey | None) -> str:
    """What to do about an answer that is a fault of this kind."""
    match fault.kind:
        case Kind.AUTH:
            return refused_key(key, fault.status, provider)
        case Kind.QUOTA:
            return "Add credit or raise the spend limit in the provider's console; until then the next target serves."
        case Kind.THROTTLED:
            return "Wait and ask again; if it stays so, raise the account's limits or add a second key."
        case Kind.MISSING:
            return (
                f"Correct the model's name in the chain, or base_url of {block(provider)} (with most it ends in /v1)."
            )
        case Kind.TIMEOUT:
            return (
                "See the provider's status page; if a proxy or firewall stands between, let it pass what it holds back."
            )
        case Kind.CONNECT:
            return (
                f"Look at the network between this machine and {provider.base_url}, and at proxy of {block(provider)}."
            )
        case Kind.PROTOCOL:
            return (
                f"Point base_url of {block(provider)} at the API itself, and see what stands between (a login page, a "
                "gateway, a redirect)."
            )
        case Kind.SERVER | Kind.OVERLOADED:
            return "See the provider's status page; until it is well again the next target of the chain serves."
        case Kind.SHED:
            return "Give this process more files (ulimit -n) or this machine more ports and memory."
        case _:
            return "Read what the provider says, and correct the request's defaults or the model's profile."


def of_answer(provider: Provider) -> str:
    """What to do about a model's answer that is none, or breaks off."""
    return (
        f"See whether {provider.base_url} speaks {provider.dialect.value}, and whether something between (a gateway, a "
        "proxy) cuts or rewrites answers."
    )
