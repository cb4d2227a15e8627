"""OpenAI's Responses API, as OpenAI, Azure and xAI speak it: the names of `codec.Codec`, and `pinned_by`.

Requests: `envelope` and `request` read a client's, with `history` (its items) and `tools`; `render` writes an
upstream's, with `turns`, `tools` and `fit`. Answers: `reply` and `response` for whole ones, `reader` and `output`,
`writer` and `drafts` for streams, `relay` for what passes as it is. `marks` says who made a blob, `replay` what a
client dropped, `faults` what went wrong; what all share: `wire`.

It stands above `openai_chat`: the two are one vendor's, and have one form of errors, of checks and of JSON. Source:
OpenAI's API reference, responses.
"""

from collections.abc import Mapping

from translators.codec import Context, EventReader, EventWriter, Pipe
from translators.ir import Dialect, Json
from translators.openai_responses.envelope import Pin, check_envelope, pinned_by
from translators.openai_responses.faults import parse_fault, render_fault
from translators.openai_responses.naming import naming
from translators.openai_responses.reader import ResponsesReader
from translators.openai_responses.relay import Relay, as_stream, relay_request
from translators.openai_responses.render import render_request
from translators.openai_responses.replay import replayed, unbound
from translators.openai_responses.reply import inspect_reply, parse_reply, render_reply
from translators.openai_responses.request import parse_request
from translators.openai_responses.wire import DIALECT
from translators.openai_responses.writer import ResponsesWriter, aside
from translators.profile import Profile

__all__ = [
    "Pin",
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
    "pinned_by",
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
id_prefix: str = "resp_"
ping: bytes = b""


def request_path(profile: Profile, *, stream: bool) -> str:  # noqa: ARG001 - the same, streamed or not
    """To be appended to a base URL that ends in the API version (`https://api.openai.com/v1`)."""
    return profile.path("responses", "/responses")


def request_headers(key: str, profile: Profile, body: Mapping[str, Json]) -> list[tuple[str, str]]:  # noqa: ARG001 - no header depends on it
    """The key in its header."""
    return profile.credentials(key, "authorization")


def reader(profile: Profile) -> EventReader:
    return ResponsesReader(profile)


def writer(context: Context) -> EventWriter:
    return ResponsesWriter(context)


def relay(profile: Profile, context: Context) -> Pipe:
    return Relay(profile, context)
