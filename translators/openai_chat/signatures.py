"""Thought signatures in chat messages, in the form of Google's own compatible layer.

A call carries its signature as `extra_content.google.thought_signature`, a text as the same field of its message. To
that is added `origin`, the place a signature may go back to, beside `google`. Other content of `extra_content` is the
vendor's and the client's own, and passes between them.

A signature without an origin belongs nowhere but where the client sends it itself: it passes a relay to Google's layer,
since the client got it there before this proxy stood in between, and goes nowhere else.
"""

from collections.abc import Mapping

from translators.ir import Json, Opaque
from translators.profile import Profile

FIELD = "extra_content"
VENDOR = "gemini"


def read_signature(extra: Json, origin: str = "") -> Opaque | None:
    """The signature in an `extra_content`; `origin` is its maker, where empty its own mark says it."""
    google = extra.get("google") if isinstance(extra, dict) else None
    data = google.get("thought_signature") if isinstance(google, dict) else None
    if not isinstance(data, str) or not data:
        return None
    mark = extra.get("origin")
    return Opaque("signature", data, origin or (mark if isinstance(mark, str) else ""))


def render_signature(opaque: Opaque, *, marked: bool) -> dict[str, Json]:
    """An `extra_content`, with its origin for a client and without for the maker itself."""
    extra: dict[str, Json] = {"google": {"thought_signature": opaque.data}}
    return {**extra, "origin": opaque.origin} if marked else extra


def signed_fields(opaque: Opaque | None) -> dict[str, Json]:
    """What a client's call or message says of its signature: nothing where there is none."""
    return {} if opaque is None else {FIELD: render_signature(opaque, marked=True)}


def mark(message: dict[str, Json], origin: str) -> None:
    """Marks the signatures of an answer's message or delta that passes through."""
    for holder in (message, *(message.get("tool_calls") or ())):
        if read_signature(holder.get(FIELD)) is not None:
            holder[FIELD] = {**holder[FIELD], "origin": origin}


def is_signed(message: Mapping[str, Json]) -> bool:
    """Whether a message of a history has an `extra_content`, its own or a call's."""
    calls = message.get("tool_calls")
    return FIELD in message or (isinstance(calls, list) and any(isinstance(c, dict) and FIELD in c for c in calls))


def own_signatures(message: dict[str, Json], origin: str, profile: Profile) -> tuple[dict[str, Json], bool]:
    """The message of a history as it may be sent to `origin`, unmarked, and whether a signature was left out."""
    out, foreign = _own(message, origin, profile)
    calls = out.get("tool_calls")
    if isinstance(calls, list):
        seen = [_own(call, origin, profile) if isinstance(call, dict) else (call, False) for call in calls]
        out["tool_calls"] = [call for call, _ in seen]
        foreign = foreign or any(left_out for _, left_out in seen)
    return out, foreign


def _own(holder: dict[str, Json], origin: str, profile: Profile) -> tuple[dict[str, Json], bool]:
    opaque = read_signature(holder.get(FIELD))
    if opaque is None:
        return dict(holder), False
    taken = opaque.origin == origin or (not opaque.origin and profile.vendor == VENDOR)
    left = {name: value for name, value in holder[FIELD].items() if name != "origin" and (taken or name != "google")}
    rest = {name: value for name, value in holder.items() if name != FIELD}
    return {**rest, FIELD: left} if left else rest, not taken
