"""Headers are built, never forwarded: what goes upstream, and what of an answer's headers passes back.

Two allowlists. Towards the upstream: what every call needs, the dialect's authentication and version, what the
configuration sets for this provider, and of the client's headers its idempotency key alone (else ours, for those who
honour one); where an Anthropic client's request is relayed, the beta features and the API version it asked for too.
A body that passes through takes its type along, and what the client wants for it.
Towards the client: the upstream's rate limits under names that cannot be taken for ours, OpenAI's processing time and
version, and the upstream's request id apart, for it becomes `x-sidestep-upstream-id`.

Odd cases
- Configured headers win over the dialect's, except `anthropic-beta`, a list to which both may add.
- Of two API versions the older is sent: the dialect's is older where the body has what the newer one refuses, and what
  a later one means is not known here.
- Nothing configured can change how the message is framed or read: those names are skipped.
- A foreign value that is not printable ASCII, or above 1 KiB, is dropped. Our own credentials may be longer.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from proxy import __version__
from proxy.flow import Headers
from proxy.memo import Memo
from proxy.telemetry.names import HOP

USER_AGENT = f"sidestep/{__version__}"
IDEMPOTENCY_KEY = "idempotency-key"
VALUE_CAP = 1024

_AN_ID = "id"
_UPSTREAM_IDS = ("x-request-id", "request-id", "x-ms-request-id", "apim-request-id")
_PASSED = frozenset({"openai-processing-ms", "openai-version"})
_LIMITS = ("x-ratelimit-", "anthropic-ratelimit-", "anthropic-priority-")
BETA = "anthropic-beta"
VERSION = "anthropic-version"
BETAS_CAP = 64
_BETA_VALUE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LISTS = frozenset({BETA})
_MEDIA = r"[\w!#$&^.+*-]+/[\w!#$&^.+*-]+( ?; ?q=[0-9.]+)?"
_RELAYED = {
    "content-type": re.compile(r"[\w!#$&^.+-]+/[ -~]+", re.ASCII),
    "accept": re.compile(rf"{_MEDIA}( ?, ?{_MEDIA})*", re.ASCII),
    "openai-beta": re.compile(r"[\w .,;=-]+", re.ASCII),
    "range": re.compile(r"bytes=[0-9, -]+", re.ASCII),
}
"""The client's own headers that go on with a body that passes through, and what they may look like."""
_ENTITY = frozenset({"accept-ranges", "content-disposition", "content-encoding", "content-range"})
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
    idempotency_key: str = "",
    relayed: bool = False,
) -> Sequence[tuple[str, str]]:
    """The headers of one call upstream; host and length are the engine's. A tuple is the same for all calls that have
    the same: an engine may remember it.

    `client_headers` have lower-case names; of them the client's own idempotency key goes on, else `idempotency_key`.
    `relayed` says that the client speaks the upstream's dialect.
    """
    asked = (client_headers.get(VERSION, ""), client_headers.get(BETA, "")) if relayed else ("", "")
    own = tuple(provider_headers.items()) if provider_headers else ()
    what = tuple(codec_headers), own, stream, relayed, asked
    key = client_headers.get(IDEMPOTENCY_KEY, idempotency_key)
    if key and _fit(key):
        return list({**dict(_made(what)), IDEMPOTENCY_KEY: key}.items())
    return _MADE[what] if asked == ("", "") else list(_made(what))


Pairs = tuple[tuple[str, str], ...]
What = tuple[Pairs, Pairs, bool, bool, tuple[str, str]]
"""The dialect's headers, the provider's, whether a stream is wanted, whether the client speaks the same dialect, and
the version and beta features it asked for."""


def _made(what: What) -> Pairs:
    """The headers that follow from the target and its key alone, or from what an Anthropic client asked for too."""
    codec_headers, own, stream, relayed, (version, betas) = what
    chosen: dict[str, str] = {
        "content-type": "application/json",
        "accept": "text/event-stream" if stream else "application/json",
        "accept-encoding": "identity",
        "user-agent": USER_AGENT,
        HOP: "1",
    }
    for name, value in codec_headers:
        _choose(chosen, name, value)
    if VERSION in chosen and relayed:
        _anthropic(chosen, version, betas)
    for name, value in own:
        _choose(chosen, name, value)
    return tuple(chosen.items())


_MADE: Memo[What, Pairs] = Memo(_made, 256)


def relayed_headers(
    codec_headers: Iterable[tuple[str, str]], provider_headers: Mapping[str, str], client_headers: Mapping[str, str]
) -> Headers:
    """The headers of a call whose body and answer are the client's own: what it sends and wants is as it says."""
    chosen = dict(request_headers(codec_headers, provider_headers, client_headers))
    del chosen["content-type"]
    chosen["accept"] = "*/*"
    for name, allowed in _RELAYED.items():
        value = client_headers.get(name, "")
        if len(value) <= VALUE_CAP and allowed.fullmatch(value):
            chosen[name] = value
    return list(chosen.items())


def entity_headers(headers: Headers) -> Headers:
    """What of an upstream's headers says how the body that passes is to be read, its type and length aside."""
    return [(name, value) for name, value in headers if name in _ENTITY and _fit(value)]


def answer_headers(headers: Headers) -> tuple[Headers, str]:
    """What of an upstream's headers passes back to the client, and the upstream's request id (empty without one)."""
    passed: Headers = []
    found, place = "", len(_UPSTREAM_IDS)
    for name, value in headers:
        renamed = _RENAMED[name]
        if not renamed or len(value) > VALUE_CAP or not (value.isascii() and value.isprintable()):
            continue
        if renamed != _AN_ID:
            passed.append((renamed, value))
        elif (at := _UPSTREAM_IDS.index(name)) < place:
            found, place = value, at
    return passed, found


def _renamed(name: str) -> str:
    """An answer's header by the name that the client sees; empty where it does not pass, `_AN_ID` for the request's."""
    if name in _PASSED:
        return name
    if name in _UPSTREAM_IDS:
        return _AN_ID
    return "x-upstream-" + name.removeprefix("x-").removeprefix("anthropic-") if name.startswith(_LIMITS) else ""


_RENAMED: Memo[str, str] = Memo(_renamed, 512)


def _anthropic(chosen: dict[str, str], version: str, betas: str) -> None:
    """The client's own version and beta features, for its own dialect."""
    if _DATE.fullmatch(version):
        chosen[VERSION] = min(version, chosen[VERSION])
    asked = (value.strip() for value in betas.split(","))
    known = dict.fromkeys(value for value in asked if _BETA_VALUE.fullmatch(value))
    if known:
        _choose(chosen, BETA, ",".join(list(known)[:BETAS_CAP]))


def _choose(chosen: dict[str, str], name: str, value: str) -> None:
    name = name.lower()
    if name in _OURS or not _clean(value):
        return
    chosen[name] = f"{chosen[name]},{value}" if name in _LISTS and name in chosen else value


def _fit(value: str) -> bool:
    return len(value) <= VALUE_CAP and value.isascii() and value.isprintable()


def _clean(value: str) -> bool:
    return value.isascii() and value.isprintable()
