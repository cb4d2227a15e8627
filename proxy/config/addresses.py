"""Addresses: where the proxy listens, and where it may send. Pure checks; each returns what is wrong, or nothing.

Requests carry keys, so they leave only over TLS, unless the destination is this machine or a name that
`[server] cluster_hosts` lists.
"""

import ipaddress
import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+\Z")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+\Z")
_PATH = re.compile(r"/[!\"$-~]*\Z")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")

OWN_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "api-key",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-api-key",
        "x-goog-api-key",
    }
)
"""Set by the proxy itself, never by configuration."""
KEY_HEADERS: Final = frozenset({"api-key", "authorization", "x-api-key", "x-goog-api-key"})
"""Those of them that carry a provider's key."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can be behind `host`: `localhost` or a loopback address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def split_listen(text: str, like: str = "127.0.0.1:4600") -> tuple[str, int]:
    """Host (without brackets) and port of `host:port`. Raises ValueError with a clause, which shows one `like` this."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        found = _ip(host[1:-1])
        host = str(found) if found is not None and found.version == 6 else ""
    elif ":" in host:
        raise ValueError("an IPv6 address stands in brackets, as in [::1]:4600")
    if not colon or not host or not is_listenable(host):
        raise ValueError(f"must be host:port, as in {like}")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError("the port must be a number from 0 (any free one) to 65535")
    return host, int(port)


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_listenable(host: str) -> bool:
    """Whether this is an address, or a host's name, by its spelling."""
    return _ip(host) is not None or (is_host(host) and not host.replace(".", "").isdigit())


def join_listen(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_url(url: str, *, plain_hosts: Collection[str] | None) -> str:
    """What is wrong with an upstream's or proxy's URL, or "". `plain_hosts`: those that may be reached without TLS
    besides this machine; None for any."""
    if any(character.isspace() or character == "\\" or not character.isprintable() for character in url):
        return "must not contain spaces, backslashes or control characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a valid URL"
    if parts.scheme not in ("https", "http"):
        return "must start with https:// or http://"
    if "@" in parts.netloc:
        return "must not contain a user or password: keys belong in `keys`"
    if parts.query or parts.fragment or "?" in url or "#" in url:
        return "must not have a query or fragment"
    if not parts.hostname or port == 0 or not (":" in parts.hostname or is_host(parts.hostname)):
        return "must name a host"
    if parts.scheme == "http" and plain_hosts is not None and not _plain(parts.hostname, plain_hosts):
        return f"must be https: {parts.hostname} is neither this machine nor listed in [server] cluster_hosts"
    return ""


def is_host(host: str) -> bool:
    """Whether this is a host's name or IPv4 address by its spelling."""
    return bool(_HOST.match(host)) and ".." not in host


def _plain(host: str, plain_hosts: Collection[str]) -> bool:
    return is_loopback(host) or host.lower() in {name.lower() for name in plain_hosts}


def points_at(url: str, listen: str) -> bool:
    """Whether `url` (a checked one) leads back to this proxy's own listener on this machine."""
    host, port = split_listen(listen)
    parts = urlsplit(url)
    there = parts.port or (443 if parts.scheme == "https" else 80)
    return port == there and (is_loopback(parts.hostname or "") or parts.hostname == host)


def check_header(name: str, value: object) -> str:
    """What is wrong with a header that is always sent to a provider, or ""."""
    if not _HEADER_NAME.match(name):
        return "is not a header name"
    if name.lower() in OWN_HEADERS or name.lower().startswith("x-sidestep-"):
        return "is set by Sidestep itself"
    if not isinstance(value, str) or not _HEADER_VALUE.match(value) or value != value.strip():
        return "must be printable ASCII text without outer spaces"
    return ""


def check_key_header(name: str) -> str:
    """What is wrong with the name of the header that carries a provider's key, or ""."""
    lower = name.lower()
    if not _HEADER_NAME.match(name) or name != lower:
        return "must be a header's name in lower case, as in api-key"
    if lower in OWN_HEADERS - KEY_HEADERS or lower.startswith("x-sidestep-"):
        return "is set by Sidestep itself and cannot carry a key"
    return ""


def check_path(path: str) -> str:
    """What is wrong with a path (and query) that follows a base URL, or ""."""
    if not _PATH.match(path):
        return "must start with / and be printable ASCII without spaces and #"
    if "{" in (rest := path.replace("{model}", "")) or "}" in rest:
        return "knows no placeholder but {model}"
    return ""


def repeated_headers(headers: Collection[str]) -> list[str]:
    """Names that occur more than once but for their case."""
    names = [name.lower() for name in headers]
    return [name for name in headers if names.count(name.lower()) > 1]
