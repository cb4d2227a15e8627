"""The shape of the events of an answer's stream on the wire, as far as anything here reads them.

Source: Anthropic's streaming page. Fields that are not named here are skipped without being built.
"""

import msgspec
from msgspec import Struct

from translators.anthropic_messages.beside import Citation, StopDetails
from translators.anthropic_messages.reply import Block
from translators.anthropic_messages.wire import WireUsage


class WireMessage(Struct):
    id: str = ""
    model: str = ""
    usage: WireUsage | None = None


class WireChange(Struct):
    """`delta` of content_block_delta and of message_delta."""

    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citation: Citation | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class WireEvent(Struct):
    type: str = ""
    index: int = 0
    message: WireMessage | None = None
    content_block: Block | None = None
    delta: WireChange | None = None
    usage: WireUsage | None = None


class WireNamed(Struct):
    """Any event: what it calls itself."""

    type: str = ""


decode = msgspec.json.Decoder(WireEvent).decode
decode_name = msgspec.json.Decoder(WireNamed).decode
