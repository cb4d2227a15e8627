"""Who made the blobs of reasoning items, told in the blobs themselves.

A client of this dialect keeps reasoning items and sends them back whole, but has no field for their maker, and a maker
answers a stranger's blob with a 400. So every `encrypted_content` that leaves for a client is wrapped: `sidestep.`, the
form, the maker's origin in base64, the blob. It is taken apart again when it comes back, and goes to no other place.
Blobs of other dialects travel the same way; a signature that rides on a call or on a text, which have no field for it,
is a reasoning item of its own, before the call or behind the text, whose form says so.

A blob without a mark was made before this proxy stood in between. It passes a relay, since the client itself would have
sent it there; a translation sends it nowhere. Where the relay's target did not make it, its 400 has the request tried
once more without reasoning.
"""

import base64
import binascii
from typing import Literal, cast, get_args

from msgspec import Struct

from translators.ir import Json, Opaque
from translators.openai_responses.wire import DIALECT, PICTURE, is_minted

PREFIX = "sidestep."
BOUND = "encrypted_content"
"""The field that holds a blob, of whatever item."""

Rides = Literal["", "call", "text"]
_Form = Literal["signature", "redacted", "encrypted"]


class Mark(Struct, frozen=True):
    """A blob and what it belongs to: a reasoning item of its own, the call that follows, the text before."""

    opaque: Opaque
    rides: Rides = ""


def marked(opaque: Opaque, rides: Rides = "") -> str:
    form = f"{rides}-{opaque.form}" if rides else opaque.form
    origin = base64.urlsafe_b64encode(opaque.origin.encode()).decode()
    return f"{PREFIX}{form}.{origin}.{opaque.data}"


def unmarked(blob: Json) -> Mark | None:
    """None for what bears no mark of ours."""
    if not isinstance(blob, str) or not blob.startswith(PREFIX):
        return None
    _, form, origin, data = (*blob.split(".", 3), "", "", "")[:4]
    rides, _, plain = form.rpartition("-")
    if plain not in get_args(_Form) or rides not in get_args(Rides):
        return None
    try:
        maker = base64.urlsafe_b64decode(origin).decode()
    except (binascii.Error, ValueError):
        return None
    return Mark(Opaque(cast("_Form", plain), data, maker), cast("Rides", rides))


def earlier(blob: Json) -> Mark | None:
    """The blob of an item in a client's history; without a mark its maker is unknown."""
    if not isinstance(blob, str) or not blob:
        return None
    return unmarked(blob) or Mark(Opaque("encrypted", blob, ""))


def mark_item(item: dict[str, Json], origin: str) -> dict[str, Json]:
    """An item of an answer that passes to its client, its blob wrapped; the item itself where it has none."""
    blob = item.get(BOUND)
    if not isinstance(blob, str) or not blob:
        return item
    return {**item, BOUND: marked(Opaque("encrypted", blob, origin))}


def own_item(item: dict[str, Json], origin: str) -> dict[str, Json] | None:
    """An item of a client's history as it may be relayed to `origin`: unwrapped, or as it came where nothing is
    wrapped. None where it is bound to another place, or is reasoning or a picture that has its name from here."""
    if item.get("type") in ("reasoning", PICTURE) and not item.get(BOUND):
        return None if is_minted(item.get("id")) else item
    mark = unmarked(item.get(BOUND))
    if mark is None:
        return item
    if mark.opaque.origin != origin or mark.rides:
        return None
    return {**item, BOUND: mark.opaque.data}


def is_native(opaque: Opaque) -> bool:
    """Whether a provider of this dialect made it."""
    return opaque.origin.startswith(f"{DIALECT}|")
