"""OpenAI's Chat Completions, as OpenAI and everybody compatible with it speak it: the names of `codec.Codec`."""

from collections.abc import Mapping

from translators.codec import Context, EventReader, EventWriter, Pipe
from translators.ir import Dialect, Json
from translators.openai.faults import parse_fault, render_fault
from translators.openai_chat.envelope import check_envelope
from translators.openai_chat.naming import naming
from translators.openai_chat.reader import ChatReader
from translators.openai_chat.relay import Relay, as_stream, relay_request
from translators.openai_chat.render import render_request
from translators.openai_chat.replay import replayed, unbound
from translators.openai_chat.reply import inspect_reply, parse_reply, render_reply
from translators.openai_chat.request import parse_request
from translators.openai_chat.writer import ChatWriter, aside
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

dialect: Dialect = Dialect.OPENAI_CHAT
stream_type: str = "text/event-stream"
id_prefix: str = "chatcmpl-"
ping: bytes = b""


def request_path(profile: Profile, *, stream: bool) -> str:
    """To be appended to a base URL that ends in the API version (`https://api.openai.com/v1`)."""
    path = profile.path("chat", "/chat/completions")
    return profile.path("chat_stream", path) if stream else path


def request_headers(key: str, profile: Profile, body: Mapping[str, Json]) -> list[tuple[str, str]]:  # noqa: ARG001 - no header depends on it
    """The key in its header."""
    return profile.credentials(key, "authorization")


def reader(profile: Profile) -> EventReader:
    return ChatReader(profile)


def writer(context: Context) -> EventWriter:
    return ChatWriter(context)


def relay(profile: Profile, context: Context) -> Pipe:
    return Relay(profile, context)
