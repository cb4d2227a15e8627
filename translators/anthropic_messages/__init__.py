"""Anthropic's Messages dialect, both directions: the names of `translators.codec.Codec`.

Requests: `request_in` reads a client's, `request_out` writes an upstream's out of `turns` (the conversation), `parts`,
`tools`, `thinking`, `schema` and `params`. Answers: `reply` for whole ones, `events_in` and `events_out` for streams,
`beside` for citations and ends in both, `relay` for streams that pass as they are. Errors: `faults`. What both
directions share: `wire`.
"""

from translators.anthropic_messages.events_in import Reader
from translators.anthropic_messages.events_out import Writer, aside
from translators.anthropic_messages.faults import parse_fault, render_fault
from translators.anthropic_messages.marks import replayed, unbound
from translators.anthropic_messages.naming import naming
from translators.anthropic_messages.relay import Relay
from translators.anthropic_messages.reply import inspect_reply, parse_reply, render_reply
from translators.anthropic_messages.request_in import check_envelope, parse_request
from translators.anthropic_messages.request_out import (
    as_stream,
    relay_request,
    render_request,
    request_headers,
    request_path,
)
from translators.anthropic_messages.wire import DIALECT
from translators.codec import Context, EventReader, EventWriter, Pipe
from translators.ir import Dialect
from translators.profile import Profile

__all__ = [
    "as_stream",
    "aside",
    "check_envelope",
    "dialect",
    "id_prefix",
    "inspect_reply",
    "naming",
    "parse_fault",
    "parse_reply",
    "parse_request",
    "ping",
    "reader",
    "relay",
    "relay_request",
    "render_fault",
    "render_reply",
    "render_request",
    "replayed",
    "request_headers",
    "request_path",
    "stream_type",
    "unbound",
    "writer",
]

dialect: Dialect = DIALECT
stream_type: str = "text/event-stream"
id_prefix: str = "msg_"
ping: bytes = b'event: ping\ndata: {"type": "ping"}\n\n'


def reader(profile: Profile) -> EventReader:
    return Reader(profile)


def writer(context: Context) -> EventWriter:
    return Writer(context)


def relay(profile: Profile, context: Context) -> Pipe:  # noqa: ARG001 - what passes needs nothing minted
    return Relay(profile)
