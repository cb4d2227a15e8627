"""What a provider says of a call may quote the call itself, its key among the rest. None of that is told on. Pure.

A sentence may end in the middle of a key, where it was cut, and a key may be quoted shortened. So whatever begins as a
secret does is hidden, up to the end of its word. Keys too short to be anybody's secret (`none`, `ollama`) are words.
"""

import re
from collections.abc import Sequence

from msgspec import structs

from translators.faults import Fault

Sent = Sequence[tuple[str, str]]
"""The headers of the call."""
HIDDEN = "***"
BEGINNING = 12
"""So many characters tell a secret from other words: as long as the longest prefix that a vendor's keys share."""
SHORTEST = 8

_SECRET = re.compile(r"auth|key|token|secret", re.IGNORECASE)
_NO_SECRET = frozenset({"idempotency-key"})


def unquoted(fault: Fault, sent: Sent) -> Fault:
    """The fault without what `sent` holds of secrets."""
    told = {"message": fault.message, "type": fault.type, "code": fault.code, "param": fault.param}
    clean = {name: None if text is None else _clean(text, sent) for name, text in told.items()}
    return fault if clean == told else structs.replace(fault, **clean)


def unquoted_body(body: bytes, sent: Sent) -> bytes:
    """The same of an answer that passes as it is."""
    return _clean(body.decode("latin-1"), sent).encode("latin-1")


def _clean(text: str, sent: Sent) -> str:
    for name, value in sent:
        secret = value.rpartition(" ")[2]  # a scheme may stand before it
        if len(secret) >= SHORTEST and secret[:BEGINNING] in text and _SECRET.search(name) and name not in _NO_SECRET:
            text = re.sub(re.escape(secret[:BEGINNING]) + r"[^\s\"'\\]*", HIDDEN, text)
    return text
