"""OpenAI's legacy text completions, a dialect for clients: the names of `codec.Codec`.

A program that still sends a prompt to `/completions` gets its text from any provider: the prompt becomes one user
message. Where the provider has `/completions` itself the request passes as it is. Nobody is configured as a provider of
this dialect; a server of chat may have it beside (`profile.completions`).

Errors, counts and checks are those of all OpenAI's dialects (`translators.openai`). Source: OpenAI's API reference,
create completion.
"""

from collections.abc import Mapping, Sequence

from translators.codec import Context, EventReader, EventWriter, Pipe
from translators.ir import Dialect, Json
from translators.openai.faults import parse_fault, render_fault
from translators.openai_completions.naming import naming
from translators.openai_completions.reader import CompletionReader
from translators.openai_completions.relay import Relay, as_stream, relay_request
from translators.openai_completions.reply import inspect_reply, parse_reply, render_reply
from translators.openai_completions.request import check_envelope, parse_request, render_request
from translators.openai_completions.writer import CompletionWriter, aside
from translators.profile import Profile
from translators.remember import Turn
from translators.report import Report

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

dialect: Dialect = Dialect.OPENAI_COMPLETIONS
stream_type: str = "text/event-stream"
id_prefix: str = "cmpl-"
ping: bytes = b""


def request_path(profile: Profile, *, stream: bool) -> str:  # noqa: ARG001 - the same, streamed or not
    return profile.path("completions", "/completions")


def request_headers(key: str, profile: Profile, body: Mapping[str, Json]) -> list[tuple[str, str]]:  # noqa: ARG001
    return profile.credentials(key, "authorization")


def replayed(
    body: dict[str, Json],
    turns: Sequence[Turn | None],  # noqa: ARG001 - a prompt has no turns
    profile: Profile,  # noqa: ARG001
    report: Report,  # noqa: ARG001
) -> dict[str, Json]:
    return body


def unbound(body: dict[str, Json], profile: Profile) -> dict[str, Json] | None:  # noqa: ARG001 - nothing is ever bound
    return None


def reader(profile: Profile) -> EventReader:
    return CompletionReader(profile)


def writer(context: Context) -> EventWriter:
    return CompletionWriter(context)


def relay(profile: Profile, context: Context) -> Pipe:
    return Relay(profile, context)
