"""What is asked of a target beside conversations (`proxy.jobs`): counts of tokens and vectors. Neither is streamed or
bound to a place; a count is of a conversation and mended as one, as far as its dialect is the client's."""

from types import ModuleType
from typing import Any

import orjson
from msgspec import MsgspecError, Struct, json, structs

from proxy.config.values import Target
from proxy.jobs import Answered, Prepared
from proxy.mending import MENDED
from proxy.tokens.rough import roughly
from translators import embeddings
from translators.codec import Codec, Context, Pipe
from translators.faults import ProtocolFault
from translators.ir import Dialect


class _Plain:
    """What no plain request does: stream, reason, force a tool, go on with a loop, be mended after a refusal."""

    endpoint: str
    stream = False

    def include_usage(self) -> bool:
        return False

    def named_tool(self) -> bool:
        return False

    def reasons(self, target: Target) -> bool:  # noqa: ARG002 - the protocol's shape
        return False

    def loop_origin(self) -> str:
        return ""

    def repaired(self, target: Target, prepared: Prepared, repair: str) -> Prepared | None:  # noqa: ARG002 - as above
        return None

    def pipe(self, target: Target, context: Context) -> Pipe:
        raise NotImplementedError(f"{self.endpoint} is not streamed")

    def folding(self, target: Target, context: Context, limit: int) -> Pipe:
        raise NotImplementedError(f"{self.endpoint} is not streamed")


class CountJob(_Plain):
    """A count of a conversation's tokens; its targets all speak the client's dialect, which is Anthropic's."""

    endpoint = "count_tokens"

    def __init__(self, client: Codec, payload: dict[str, Any]) -> None:
        self._client = client
        self._payload = payload

    def prepare(self, target: Target) -> Prepared:
        counted = structs.replace(target.profile, prefill=True)  # what is counted need not be whole
        fields, report = self._client.relay_request(self._payload, counted, None)
        path = target.profile.path("count_tokens", "/messages/count_tokens")
        return Prepared(orjson.dumps(fields), fields, path, report, translated=False, stream=False, target=target)

    def repaired(self, target: Target, prepared: Prepared, repair: str) -> Prepared | None:
        """As of a conversation that is relayed: without the thinking that the target did not accept."""
        fields = self._client.unbound(dict(prepared.fields), target.profile) if repair == "reasoning" else None
        if fields is None:
            return None
        prepared.report.dropped(*MENDED[repair])
        return structs.replace(prepared, fields=fields, body=orjson.dumps(fields))

    def answer(self, body: bytes, target: Target, context: Context) -> Answered:  # noqa: ARG002 - the protocol's shape
        try:
            _decode_count(body)
        except (MsgspecError, UnicodeDecodeError):
            raise ProtocolFault("its answer is no count of tokens") from None
        return Answered(body, None)


class _Count(Struct):
    input_tokens: int


_decode_count = json.Decoder(_Count).decode


class EmbeddingsJob(_Plain):
    """A request for vectors in the OpenAI form, which all targets speak but Gemini's."""

    endpoint = "embeddings"

    def __init__(self, payload: dict[str, Any], envelope: embeddings.EmbeddingEnvelope) -> None:
        self._payload = payload
        self._envelope = envelope

    def prepare(self, target: Target) -> Prepared:
        google = _is_google(target)
        render = _gemini().render if google else embeddings.render
        fields, report = render(self._payload, target.profile, target.model)
        path = _gemini().address(target.profile, fields) if google else target.profile.path("embeddings", "/embeddings")
        return Prepared(orjson.dumps(fields), fields, path, report, translated=google, stream=False, target=target)

    def answer(self, body: bytes, target: Target, context: Context) -> Answered:
        if not body.isascii():
            _check_text(body)
        encoding, profile = self._envelope.encoding, target.profile
        if not _is_google(target):
            adapted, usage, _, _ = embeddings.adapt(body, encoding, profile)
            return Answered(adapted, usage)
        gemini = _gemini()
        cut = gemini.may_cut(self._payload)
        adapted, usage, _, vectors = gemini.adapt(body, encoding, profile, cut=cut, estimate=self._roughly)
        if usage is None:
            context.report.approximated("answer.usage", "the provider counts nothing, so it is estimated")
        if vectors != self._envelope.inputs:  # each vector is an input's by its place alone
            raise ProtocolFault(f"its answer has {vectors} vectors for {self._envelope.inputs} inputs")
        return Answered(adapted, usage)

    def _roughly(self) -> int:
        """At least one token: there is an input."""
        return max(1, roughly(self._payload))


def _gemini() -> ModuleType:
    from translators.gemini import embeddings as gemini  # noqa: PLC0415 - a dialect is loaded where it is spoken

    return gemini


def _is_google(target: Target) -> bool:
    return target.provider.dialect is Dialect.GEMINI


def _check_text(body: bytes) -> None:
    """An answer that is only looked at before it is passed on must still be text. Raises ProtocolFault."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise ProtocolFault("its answer is not valid UTF-8") from None
