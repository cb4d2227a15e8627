"""What an exchange that has ended shows of its answer's quality, in one word (`proxy.usage.signals`).

Looked at once the client has its answer. What says nothing of the model has no word: it failed before it answered, its
client left, the time ran out. Of several choices the worst is told. Whether an answer has the form that was asked for
is looked at where it was asked for by a schema (or as JSON) and came whole, in one piece of at most `READ` bytes.
"""

from typing import Any, Final

import orjson

from proxy.flow import Exchange
from proxy.learning.shape import Undecided, fits
from proxy.usage.signals import CUT, INVALID, REFUSAL, SHORT, VALID, WHOLE
from translators.faults import Failure, Fault, Kind, Malformed, ProtocolFault
from translators.ir import Choice, Finish, Message, OutputFormat, Refusal, Reply, Text
from translators.profile import Profile

READ: Final = 262_144
"""Bytes of an answer that are read again."""
_FORMED: Final = frozenset({"response_format", "text", "output_config", "output_format"})
"""Fields by which the dialects ask for a form."""
DECLINED: Final = 16_384
"""Bytes of an answer that is looked through for a refusal: those are short."""
_REFUSAL: Final = b'"refusal"'
_NONE: Final = b'"refusal":null', b'"refusal": null'
"""What stands in answers that are none."""
_FILTERED: Final = Finish.CONTENT_FILTER  # a member looked up in its class costs as much as a call
_LENGTH: Final = Finish.LENGTH
_PLAIN: Final = Profile()


def signal_of(exchange: Exchange) -> str:
    """One of `SIGNALS`, empty where nothing is known."""
    if exchange.fault is not None:
        return _of_fault(exchange.fault)
    signs = exchange.signs
    if signs is None or not signs.finishes:
        return ""
    if signs.declined or _FILTERED in signs.finishes:
        return REFUSAL
    if _LENGTH in signs.finishes:
        return SHORT
    wanted = _wanted(exchange, signs.body)
    if len(signs.body) > READ or (wanted is None and not _may_decline(signs.body)):
        return WHOLE
    return _read(exchange, signs.body, wanted)


def _of_fault(fault: Fault) -> str:
    if fault.kind is Kind.CONTENT:
        return REFUSAL
    return CUT if fault.code == "stream_cut" else ""


def _may_decline(body: bytes) -> bool:
    """Whether `refusal` stands in it as a name of some text, or as a kind."""
    if len(body) > DECLINED:
        return False
    count = body.count
    if count(_REFUSAL) == count(_NONE[0]) + count(_NONE[1]):  # as nearly always
        return False
    at = body.find(_REFUSAL)
    while at >= 0:
        after = at + len(_REFUSAL)
        if body[after : after + 3].replace(b" ", b"")[:2] == b':"' or body[at - 2 : at].strip()[-1:] == b":":
            return True
        at = body.find(_REFUSAL, after)
    return False


def _wanted(exchange: Exchange, body: bytes) -> OutputFormat | None:
    """The form that a whole answer is to have."""
    payload: Any = exchange.payload
    if not body or not isinstance(payload, dict) or _FORMED.isdisjoint(payload):
        return None
    if not any(isinstance(payload.get(name), dict) for name in _FORMED):
        return None
    try:
        found = exchange.codec.parse_request(payload).output
    except (Malformed, ValueError):  # its provider understood what we do not
        return None
    return None if found is None or found.kind == "text" else found


def _read(exchange: Exchange, body: bytes, wanted: OutputFormat | None) -> str:
    try:
        reply = exchange.codec.parse_reply(body, _PLAIN)
    except (Failure, ProtocolFault, ValueError):
        return WHOLE
    if any(isinstance(part, Refusal) and part.text for part in _parts(reply)):
        return REFUSAL
    texts = [_text(choice) for choice in reply.choices if choice.finish is Finish.STOP]
    if wanted is None or not texts:
        return WHOLE
    try:
        return VALID if all(_formed(text, wanted) for text in texts) else INVALID
    except Undecided:
        return WHOLE


def _formed(text: str, wanted: OutputFormat) -> bool:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    if wanted.schema is None:
        return isinstance(value, dict)
    return fits(value, wanted.schema)


def _parts(reply: Reply) -> list[Any]:
    return [part for choice in reply.choices for part in _said(choice)]


def _text(choice: Choice) -> str:
    return "".join(part.text for part in _said(choice) if isinstance(part, Text))


def _said(choice: Choice) -> list[Any]:
    return [part for item in choice.items if isinstance(item, Message) for part in item.parts]
