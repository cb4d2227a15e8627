"""Errors of the Responses dialect: OpenAI's own shape, so what an error means is what it means for chat.

Three things are this dialect's own. Reasoning is bound to its maker by blobs and by ids, and a 400 about either is
mended by leaving reasoning out. A summary of it is shown to organizations alone that OpenAI has verified; a 400 about
that is mended by not asking for one. And a stream tells its failure twice: as an `error` event, whose fields stand both
flat, as the reference has them, and under `error`, as OpenAI sends them and its SDKs raise on; and as the failed
response.
"""

import re

from msgspec import structs

from translators import sse
from translators.faults import Fault, Kind
from translators.ir import Json
from translators.openai import faults as chat
from translators.openai.text import dumps
from translators.profile import Profile

render_fault = chat.render_fault

_BOUND = re.compile(
    r"invalid_encrypted_content|encrypted content.{0,120}could not be|item with id 'rs_"
    r"|'reasoning' was provided without"
    r"|was provided without its required 'reasoning'"
)
"""Reasoning that this provider cannot read, does not store, or misses beside the item it belongs to."""
_UNSHOWN = re.compile(r"must be verified to generate reasoning summar")
_FAILED_CODES = {Kind.THROTTLED: "rate_limit_exceeded", Kind.CONTENT: "invalid_prompt"}
"""The few codes a failed response may bear; everything else is a `server_error`."""


def parse_fault(status: int, body: bytes, profile: Profile) -> Fault:
    """Classifies the body of an error answer. Never raises."""
    fault = chat.parse_fault(status, body, profile)
    if fault.kind is Kind.REFUSED and _BOUND.search(f"{fault.code} {fault.message}".lower()):
        return structs.replace(fault, repair="reasoning")
    if fault.kind is Kind.REFUSED and _UNSHOWN.search(fault.message.lower()):
        return structs.replace(fault, repair="summary")
    return fault


def classify(error: Json) -> Fault:
    """The fault of an `error` inside a good answer: an object, or a sentence."""
    return chat.classify(200, {"error": error})


def failed_error(fault: Fault) -> dict[str, Json]:
    """The `error` of a failed response."""
    return {"code": _FAILED_CODES.get(fault.kind, "server_error"), "message": fault.message}


def error_event(fault: Fault, sequence: int) -> bytes:
    error = chat.describe(fault)
    flat = {name: error[name] for name in ("code", "message", "param")}
    return sse.encode(dumps({"type": "error", "sequence_number": sequence, **flat, "error": error}), "error")
