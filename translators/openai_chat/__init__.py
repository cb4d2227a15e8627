"""OpenAI's Chat Completions, as OpenAI and everybody compatible with it speak it: the names of `codec.Codec`."""

from collections.abc import Mapping

from translators.codec import Pipe
from translators.ir import Context, Dialect, EventReader, EventWriter, Json
from translators.openai_chat.envelope import check_envelope
from translators.openai_chat.faults import parse_fault, render_fault
from translators.openai_chat.reader import ChatReader
from translators.openai_chat.relay import Relay, relay_request
from translators.openai_chat.render import render_request
from translators.openai_chat.reply import inspect_reply, parse_reply, render_reply
from translators.openai_chat.request import parse_request
from translators.openai_chat.writer import ChatWriter
from translators.profile import Profile

__all__ = [
    "check_envelope",
    "dialect",
    "inspect_reply",
    "parse_fault",
    "parse_reply",
    "parse_request",
    "reader",
    "relay",
    "relay_request",
    "render_fault",
    "render_reply",
    "render_request",
    "request_headers",
    "request_path",
    "stream_type",
    "writer",
]

dialect: Dialect = Dialect.OPENAI_CHAT
stream_type: str = "text/event-stream"

KEY_HEADERS = {"azure-openai": "api-key"}
"""Vendors that take the key by another header than Authorization."""


def request_path(profile: Profile, *, stream: bool) -> str:  # noqa: ARG001 - the same for every vendor, streamed or not
    """To be appended to a base URL that ends in the API version (`https://api.openai.com/v1`)."""
    return "/chat/completions"


def request_headers(key: str, profile: Profile, body: Mapping[str, Json]) -> list[tuple[str, str]]:  # noqa: ARG001
    """The key in its header; none without a key, as local servers want it."""
    if not key:
        return []
    name = KEY_HEADERS.get(profile.vendor)
    return [(name, key)] if name else [("authorization", f"Bearer {key}")]


def reader(profile: Profile) -> EventReader:
    return ChatReader(profile)


def writer(context: Context) -> EventWriter:
    return ChatWriter(context)


def relay(profile: Profile, context: Context) -> Pipe:
    return Relay(profile, context)
