"""Bytes of an event stream that no Anthropic server should send."""

import pytest

from translators.anthropic_messages import reader
from translators.faults import ProtocolFault
from translators.ir import Event
from translators.profile import Profile

BLOCK = b'{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t",%b}}'


@pytest.mark.parametrize("block", [b'"name":"f","input":{"a":"\xff"}', b'"input":{}', b'"name":"","input":{}'])
def test_a_call_that_cannot_be_told_is_one_protocol_fault(block):
    """Its input is no text, or nobody could run it; and it is not our own error."""
    reading = reader(Profile(provider="p", model="m"))
    reading.feed(Event(b'{"type":"message_start","message":{"id":"i","model":"m"}}', "message_start"))
    with pytest.raises(ProtocolFault):
        reading.feed(Event(BLOCK % block, "content_block_start"))


def test_words_of_a_block_that_is_shut_are_one_protocol_fault_though_they_look_like_those_before():
    reading = reader(Profile(provider="p", model="m"))
    words = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%b"}}'
    reading.feed(Event(b'{"type":"message_start","message":{"id":"i","model":"m"}}', "message_start"))
    reading.feed(Event(b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'))
    for word in (b"one", b"two"):
        reading.feed(Event(words % word))
    reading.feed(Event(b'{"type":"content_block_stop","index":0}'))
    with pytest.raises(ProtocolFault):
        reading.feed(Event(words % b"three"))
