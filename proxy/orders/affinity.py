"""Requests that stay together: the same user's, session's or prompt's at the same target. Pure.

Every target draws a number from its own name and the key (rendezvous hashing). A target that is added takes its share
of the keys from all others evenly, and moves no other; one that goes leaves its keys to the others in the same way. All
processes draw the same.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from proxy.config.orders import Affinity
from proxy.telemetry.names import SESSION

_SIZE: Final = 1 << 53
"""Of the numbers that a fraction holds exactly."""


def draws(key: str, names: Sequence[str]) -> list[float]:
    """A number in [0, 1) for each target."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8)
    found = []
    for name in names:
        drawn = digest.copy()
        drawn.update(name.encode())
        found.append((int.from_bytes(drawn.digest()) >> 11) / _SIZE)
    return found


def key_of(affinity: Affinity, user: str, headers: Mapping[str, str], payload: Any) -> str:
    """What a request stays by; empty where it does not say. A session is the header's, else the conversation's that the
    provider keeps."""
    if affinity == "user":
        return user
    if affinity == "session" and (named := headers.get(SESSION)):
        return named
    body = payload if isinstance(payload, dict) else {}
    said = body.get("prompt_cache_key" if affinity == "cache_key" else "conversation")
    if isinstance(said, dict):
        said = said.get("id")
    return said if isinstance(said, str) else ""
