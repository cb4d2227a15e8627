"""JSON as text, and the events that end a stream of chat or text completions."""

import json

import orjson

from translators.faults import Fault
from translators.ir import Json
from translators.openai.faults import describe

END = b"data: [DONE]\n\n"


def error_event(fault: Fault) -> bytes:
    """The event that ends a broken stream; no `[DONE]` follows it."""
    return b'data: {"error":%b}\n\n' % dumps(describe(fault))


def quote(text: str) -> bytes:
    """`text` as a JSON string. Half a surrogate pair, which some vendors cut, is escaped."""
    try:
        return orjson.dumps(text)
    except TypeError:
        return json.dumps(text).encode()


def dumps(value: Json) -> bytes:
    """Any JSON value, half a surrogate pair included."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()
