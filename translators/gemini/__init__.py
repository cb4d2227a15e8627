"""Google's Gemini API (generateContent), both directions: the names of `translators.codec.Codec`.

Requests: `request_in` reads a client's, with `history` for its contents; `request_out` writes an upstream's out of
`turns` (the conversation), `parts`, `tools`, `schema`, `thinking` and `config`; `marks`
sees to signatures in those that are relayed. Answers: `reader` reads streams and
whole ones alike, with `partial` and `grounding`; `writer` and `reply` write them, `relay` passes streams as they are.
Errors: `faults`. What both directions share: `wire`, `media` and `answer`. Vectors: `embeddings`.
"""

from translators.codec import Context, EventReader, EventWriter, Pipe
from translators.gemini.faults import parse_fault, render_fault
from translators.gemini.marks import replayed, unbound
from translators.gemini.naming import naming
from translators.gemini.reader import Reader
from translators.gemini.relay import Relay
from translators.gemini.reply import inspect_reply, parse_reply, render_reply
from translators.gemini.request_in import check_envelope, parse_request
from translators.gemini.request_out import (
    as_stream,
    relay_request,
    render_request,
    request_headers,
    request_path,
)
from translators.gemini.wire import DIALECT
from translators.gemini.writer import Writer, aside
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
id_prefix: str = ""
ping: bytes = b""


def reader(profile: Profile) -> EventReader:
    return Reader(profile)


def writer(context: Context) -> EventWriter:
    return Writer(context)


def relay(profile: Profile, context: Context) -> Pipe:  # noqa: ARG001 - what passes needs nothing minted
    return Relay(profile)
