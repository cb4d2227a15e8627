"""The shape of answers on the wire, as far as anything here reads them: a whole one and a stream's event alike.

Source: Google's Gemini API reference (GenerateContentResponse, Candidate, Part). Fields that are not named here are
skipped without being built; parts are kept as they came until each is looked at, since one of an unknown kind must
stay whole.
"""

import msgspec
import orjson
from msgspec import Raw, Struct

from translators.counts import uncounted
from translators.faults import ProtocolFault
from translators.gemini.grounding import WireGrounding
from translators.gemini.partial import WirePartial
from translators.gemini.wire import WireUsage
from translators.ir import Json


class WireCall(Struct, gc=False, rename="camel"):
    id: str | None = None
    name: str | None = None
    args: Raw = Raw()
    partial_args: list[WirePartial] | None = None
    will_continue: bool | None = None


class WirePart(Struct, gc=False, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: WireCall | None = None


class WireContent(Struct, gc=False):
    parts: list[Raw] | None = None


class WireToken(Struct, gc=False, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class WireTop(Struct, gc=False):
    candidates: list[WireToken] | None = None


class WireLogprobs(Struct, gc=False, rename="camel"):
    chosen_candidates: list[WireToken] | None = None
    top_candidates: list[WireTop] | None = None


class WireCandidate(Struct, gc=False, rename="camel"):
    content: WireContent | None = None
    finish_reason: str | int | None = None
    finish_message: str | None = None
    index: int | None = None
    grounding_metadata: WireGrounding | None = None
    logprobs_result: WireLogprobs | None = None
    continuation_token: str | None = None


class WireFeedback(Struct, gc=False, rename="camel"):
    block_reason: str | int | None = None
    block_reason_message: str | None = None


class WireAnswer(Struct, gc=False, rename="camel"):
    candidates: list[WireCandidate] | None = None
    prompt_feedback: WireFeedback | None = None
    usage_metadata: WireUsage | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Json = None


class _SnakeCandidate(Struct, gc=False):
    finish_reason: str | int | None = None


class _Snake(Struct, gc=False):
    """The names that tell an answer in snake case, which JSON made from protocol buffers may have."""

    candidates: list[_SnakeCandidate] | None = None
    prompt_feedback: Json = None
    usage_metadata: Json = None
    model_version: str | None = None
    response_id: str | None = None

    def name(self) -> str:
        """One of the names that are there; empty for none."""
        own = ("prompt_feedback", "usage_metadata", "model_version", "response_id")
        if any(one.finish_reason is not None for one in self.candidates or ()):
            return "finish_reason"
        return next((name for name in own if getattr(self, name) is not None), "")


UNDERSCORE = ord("_")
_one = msgspec.json.Decoder(WireAnswer).decode
_many = msgspec.json.Decoder(list[WireAnswer]).decode
_part = msgspec.json.Decoder(WirePart).decode
_snake = msgspec.json.Decoder(_Snake | list[_Snake]).decode


def decode(data: bytes, what: str) -> list[WireAnswer]:
    """The answers in `data`: one, or a list of them as a stream without server-sent events has it.

    Raises ProtocolFault, saying that `what` is not what it should be. Names in snake case, which no Gemini endpoint
    writes, are refused rather than passed over: an answer would lose its end and its calls without a word.
    """
    try:
        if not data.isascii():
            data.decode()
        answers = _answers(data)
        if UNDERSCORE in data and not all(map(_is_named, answers)):
            _refuse_snake(data, what)
    except msgspec.ValidationError:
        read = uncounted(data, _answers)
        if read is None:
            raise ProtocolFault(f"{what} has a field of the wrong type") from None
        return read
    except UnicodeDecodeError:
        raise ProtocolFault(f"{what} is not valid UTF-8") from None
    except (msgspec.DecodeError, RecursionError):
        raise ProtocolFault(f"{what} is no valid JSON") from None
    return answers


def _answers(data: bytes) -> list[WireAnswer]:
    return _many(data) if data.lstrip()[:1] == b"[" else [_one(data)]


def _is_named(answer: WireAnswer) -> bool:
    """Whether the answer says of itself what every event of Gemini's says, in the names that are read here."""
    return answer.usage_metadata is not None or answer.model_version is not None or answer.response_id is not None


def _refuse_snake(data: bytes, what: str) -> None:
    found = _snake(data)
    name = next((name for one in (found if isinstance(found, list) else [found]) if (name := one.name())), "")
    if name:
        raise ProtocolFault(f"{what} has its names in snake case ({name}), which Gemini's API does not write")


def decode_part(raw: Raw) -> WirePart:
    """Raises ProtocolFault."""
    try:
        return _part(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolFault("its answer has a part of the wrong shape") from None


def says_only(answer: WireAnswer, text: str) -> bool:
    """Whether the answer is one candidate that is not ended, with one part, which is nothing but this text."""
    for wire in answer.candidates or ():
        parts = wire.content.parts if wire.content is not None else None
        plain = wire == WireCandidate(wire.content, index=wire.index) and len(answer.candidates or ()) == 1
        return plain and parts is not None and len(parts) == 1 and decode_part(parts[0]) == WirePart(text)
    return False


def words(data: bytes) -> str | None:
    """The text of the first part of an event; None where there is none. Raises msgspec.DecodeError."""
    for wire in _one(data).candidates or ():
        for raw in (wire.content.parts if wire.content is not None else None) or ():
            return _part(raw).text
    return None


def logprobs(result: WireLogprobs) -> Json:
    """Probabilities in OpenAI's form; the bytes are those of the token's text."""
    tops = result.top_candidates or []
    content = []
    for at, chosen in enumerate(result.chosen_candidates or ()):
        entry = _token(chosen)
        entry["top_logprobs"] = [_token(one) for one in (tops[at].candidates or ())] if at < len(tops) else []
        content.append(entry)
    return {"content": content} if content else None


def _token(token: WireToken) -> dict[str, Json]:
    return {"token": token.token, "logprob": token.log_probability, "bytes": list(token.token.encode())}


def loaded(data: bytes | Raw) -> Json:
    """What is to be sent on changed, or kept whole. Raises ProtocolFault."""
    try:
        return orjson.loads(bytes(data))
    except orjson.JSONDecodeError:
        raise ProtocolFault("its answer is no valid JSON") from None
