"""Headers are built, never forwarded: what goes upstream, and what of an answer's headers passes back.

Two allowlists. Towards the upstream: what every call needs, the dialect's authentication and version, what the
configuration sets for this provider, and of the client's headers its idempotency key alone. Towards the client: the
upstream's rate limits under names that cannot be taken for ours, OpenAI's processing time and version, and the
upstream's request id apart, for it becomes `x-sidestep-upstream-id`.

Odd cases
- Configured headers win over the dialect's, except `anthropic-beta`, a list to which both may add.
- Nothing configured can change how the message is framed or read: those names are skipped.
- A foreign value that is not printable ASCII, or above 1 KiB, is dropped. Our own credentials may be longer.
"""

from collections.abc import Iterable, Mapping

from proxy import __version__
from proxy.flow import Headers
from proxy.telemetry.names import HOP

USER_AGENT = f"sidestep/{__version__}"
IDEMPOTENCY_KEY = "idempotency-key"
VALUE_CAP = 1024

_UPSTREAM_IDS = ("x-request-id", "request-id", "x-ms-request-id", "apim-request-id")
_PASSED = frozenset({"openai-processing-ms", "openai-version"})
_LIMITS = "x-ratelimit-"
_LISTS = frozenset({"anthropic-beta"})
_OURS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        HOP,
    }
)
"""Names that only this module or the engine sets."""


def request_headers(
    codec_headers: Iterable[tuple[str, str]],
    provider_headers: Mapping[str, str],
    client_headers: Mapping[str, str],
    *,
    stream: bool = False,
) -> Headers:
    """The headers of one call upstream; host and length are the engine's.

    `client_headers` have lower-case names; of them the client's own idempotency key goes on.
    """
    chosen: dict[str, str] = {
        "content-type": "application/json",
        "accept": "text/event-stream" if stream else "application/json",
        "accept-encoding": "identity",
        "user-agent": USER_AGENT,
        HOP: "1",
    }
    for name, value in codec_headers:
        _choose(chosen, name, value)
    for name, value in provider_headers.items():
        _choose(chosen, name, value)
    key = client_headers.get(IDEMPOTENCY_KEY)
    if key is not None and _fit(key):
        chosen[IDEMPOTENCY_KEY] = key
    return list(chosen.items())


def answer_headers(headers: Headers) -> tuple[Headers, str]:
    """What of an upstream's headers passes back to the client, and the upstream's request id (empty without one)."""
    passed: Headers = []
    ids: dict[str, str] = {}
    for name, value in headers:
        if name.startswith(_LIMITS):
            renamed = "x-upstream-" + name.removeprefix("x-")
        elif name in _PASSED:
            renamed = name
        elif name in _UPSTREAM_IDS:
            if _fit(value):
                ids.setdefault(name, value)
            continue
        else:
            continue
        if _fit(value):
            passed.append((renamed, value))
    return passed, next((ids[name] for name in _UPSTREAM_IDS if name in ids), "")


def _choose(chosen: dict[str, str], name: str, value: str) -> None:
    name = name.lower()
    if name in _OURS or not _clean(value):
        return
    chosen[name] = f"{chosen[name]},{value}" if name in _LISTS and name in chosen else value


def _fit(value: str) -> bool:
    return len(value) <= VALUE_CAP and _clean(value)


def _clean(value: str) -> bool:
    return value.isascii() and value.isprintable()
