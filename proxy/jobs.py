"""What is asked of a target, whatever the endpoint: prepare a body for it, read its answer, watch its stream.

A job holds the client's parsed request for one exchange and makes one target's version of it on demand. Where client
and target speak the same dialect the content is relayed; the neutral form is built once, and only when a target of
another dialect is reached.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import orjson
from msgspec import Struct, structs

from proxy.config.values import Target
from translators import embeddings
from translators.catalog import codec
from translators.codec import Codec, Pipe
from translators.faults import Fault, ProtocolFault
from translators.ir import Context, Request, Usage
from translators.pipe import Translating
from translators.profile import Profile
from translators.report import Report


class Prepared(Struct, frozen=True):
    """One target's version of the request."""

    body: bytes
    fields: Mapping[str, Any]
    """The body before it became bytes: a dialect's headers may depend on it."""
    path: str
    report: Report
    translated: bool


class Answered(Struct, frozen=True):
    """A unary answer in the client's dialect."""

    body: bytes
    usage: Usage | None


class Job(Protocol):
    stream: bool
    endpoint: str
    """`chat` or `embeddings`."""

    def prepare(self, target: Target) -> Prepared:
        """Raises Malformed when the client's body cannot be read well enough to be translated."""

    def answer(self, body: bytes, target: Target, context: Context) -> Answered:
        """Raises Failure for an error dressed as a 200, ProtocolFault for what is no answer at all."""

    def pipe(self, target: Target, context: Context) -> Pipe:
        """For a streamed answer."""

    def include_usage(self) -> bool: ...

    def named_tool(self) -> bool:
        """Whether the caller forced one named tool. Only a translation asks, so only a prepared one must know."""

    def reasons(self, target: Target) -> bool:
        """Whether the first token may be late because the model thinks first."""


class ChatJob:
    """A chat request of any dialect."""

    endpoint = "chat"

    def __init__(self, client: Codec, payload: dict[str, Any], *, stream: bool, usage: bool, bound: int | None) -> None:
        self.stream = stream
        self._client = client
        self._payload = payload
        self._usage = usage
        self._bound = bound
        self._neutral: Request | None = None
        self._custom: tuple[str, ...] = ()

    def include_usage(self) -> bool:
        return self._usage

    def named_tool(self) -> bool:
        choice = self._neutral.tool_choice if self._neutral is not None else None
        return choice is not None and choice.mode == "named"

    def reasons(self, target: Target) -> bool:
        profile = target.profile
        if profile.thinking == "none":
            return False
        asked = self._payload.get("reasoning_effort")
        return profile.reasons if asked is None else asked != "none"

    def prepare(self, target: Target) -> Prepared:
        upstream = codec(target.provider.dialect)
        translated = upstream.dialect is not self._client.dialect
        if translated:
            fields, report = upstream.render_request(self._request(), self._profile(target))
        else:
            fields, report = upstream.relay_request(self._payload, target.profile, self._bound)
        path = upstream.request_path(target.profile, stream=self.stream)
        return Prepared(orjson.dumps(fields), fields, path, report, translated)

    def _request(self) -> Request:
        if self._neutral is None:
            request = self._client.parse_request(self._payload)
            if request.max_output is None and self._bound is not None:
                request = structs.replace(request, max_output=self._bound)
            self._neutral = request
            self._custom = tuple(tool.name for tool in request.tools if tool.custom_format is not None)
        return self._neutral

    def _profile(self, target: Target) -> Profile:
        """The target's profile, knowing which tools take free text: some dialects wrap those."""
        profile = target.profile
        return structs.replace(profile, custom_tools=frozenset(self._custom)) if self._custom else profile

    def answer(self, body: bytes, target: Target, context: Context) -> Answered:
        upstream = codec(target.provider.dialect)
        if upstream.dialect is self._client.dialect:
            seen = upstream.inspect_reply(body, target.profile)
            return Answered(body if seen.body is None else seen.body, seen.usage)
        reply = upstream.parse_reply(body, self._profile(target))
        return Answered(self._client.render_reply(reply, context), reply.usage)

    def pipe(self, target: Target, context: Context) -> Pipe:
        upstream = codec(target.provider.dialect)
        if upstream.dialect is self._client.dialect:
            return upstream.relay(target.profile, context)
        return Translating(upstream.reader(self._profile(target)), self._client.writer(context))


class EmbeddingsJob:
    """A request for vectors; its targets all speak the OpenAI form."""

    endpoint = "embeddings"
    stream = False

    def __init__(self, payload: dict[str, Any], envelope: embeddings.EmbeddingEnvelope) -> None:
        self._payload = payload
        self._envelope = envelope

    def include_usage(self) -> bool:
        return False

    def named_tool(self) -> bool:
        return False

    def reasons(self, target: Target) -> bool:  # noqa: ARG002 - the protocol's shape
        return False

    def prepare(self, target: Target) -> Prepared:
        fields, report = embeddings.render(self._payload, target.profile, target.model)
        return Prepared(orjson.dumps(fields), fields, "/embeddings", report, translated=False)

    def answer(self, body: bytes, target: Target, context: Context) -> Answered:  # noqa: ARG002 - the protocol's shape
        if not body.isascii():
            _check_text(body)
        adapted, usage, _, _ = embeddings.adapt(body, self._envelope.encoding, target.profile)
        return Answered(adapted, usage)

    def pipe(self, target: Target, context: Context) -> Pipe:
        raise NotImplementedError("embeddings are not streamed")


def _check_text(body: bytes) -> None:
    """An answer that is only looked at before it is passed on must still be text. Raises ProtocolFault."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise ProtocolFault("its answer is not valid UTF-8") from None


def parse_fault(target: Target, status: int, body: bytes) -> Fault:
    """What an error answer of this target means."""
    return codec(target.provider.dialect).parse_fault(status, body, target.profile)
