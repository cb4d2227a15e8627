"""Embeddings in OpenAI's form, the one that every vendor served here speaks.

Source: OpenAI's API reference, create embeddings. The client's encoding is asked for upstream as well, and honoured
whatever comes back: SDKs that asked for base64 cannot read lists. An answer in the right encoding passes untouched, and
is not parsed either: floats by the megabyte would hold up the event loop, so only its end is.
"""

import base64
import re
import struct
from typing import Literal

import msgspec
import orjson
from msgspec import Raw, Struct

from translators.counts import count_in
from translators.faults import Failure, Malformed, ProtocolFault
from translators.ir import MODEL_CAP, Json, Usage
from translators.openai.faults import classify
from translators.openai_chat.fit import fit
from translators.profile import Profile
from translators.report import Report

INPUTS_CAP = 2048
Encoding = Literal["float", "base64"]


class EmbeddingEnvelope(Struct, frozen=True):
    """What is known of a request for vectors."""

    model: str
    encoding: Encoding
    dimensions: int | None
    inputs: int
    tokens: bool
    """The input is given as token numbers."""


def check(body: Json) -> EmbeddingEnvelope:
    """Raises Malformed with the field's path."""
    if not isinstance(body, dict):
        raise Malformed("The request body must be a JSON object.", code="invalid_type")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Malformed("'model' must be a string that is not empty.", param="model", code="missing_required_parameter")
    if len(model) > MODEL_CAP:
        message = f"'model' is longer than {MODEL_CAP} characters."
        raise Malformed(message, param="model", code="string_above_max_length")
    encoding = body.get("encoding_format")
    if encoding not in (None, "float", "base64"):
        raise Malformed("'encoding_format' must be float or base64.", param="encoding_format", code="invalid_value")
    dimensions = body.get("dimensions")
    if dimensions is not None and (not _whole(dimensions) or dimensions < 1):
        raise Malformed("'dimensions' must be an integer of at least 1.", param="dimensions", code="invalid_value")
    inputs, tokens = _inputs(body.get("input"))
    return EmbeddingEnvelope(model, encoding or "float", dimensions, inputs, tokens)


def _inputs(value: Json) -> tuple[int, bool]:
    """How many inputs there are, and whether they are token numbers."""
    if isinstance(value, str):
        return 1, False
    if not isinstance(value, list) or not value:
        raise _bad("must be a string, or an array that is not empty")
    if all(map(_whole, value)):
        return 1, True
    if len(value) > INPUTS_CAP:
        raise _bad(f"must hold at most {INPUTS_CAP} inputs", "array_above_max_length")
    if all(isinstance(one, str) for one in value):
        return len(value), False
    if all(isinstance(one, list) and one and all(map(_whole, one)) for one in value):
        return len(value), True
    raise _bad("must be a string, an array of strings, or arrays of token numbers, not a mixture")


def _bad(problem: str, code: str = "invalid_type") -> Malformed:
    return Malformed(f"'input' {problem}.", param="input", code=code)


def _whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def render(body: dict[str, Json], profile: Profile, model: str) -> tuple[dict[str, Json], Report]:
    """The body for a target; `body` must have passed `check` and is not changed."""
    report = Report()
    out = {**body, "model": model}
    if not profile.token_inputs and check(body).tokens:
        report.refused("input", "the provider takes text, not token numbers")
    if "encoding_format" in profile.rejects:
        out.pop("encoding_format", None)  # nothing is lost: the answer is put into the client's encoding
    fit(out, profile, report)
    return out, report


def adapt(body: bytes, encoding: Encoding, profile: Profile) -> tuple[bytes, Usage | None, str, int]:  # noqa: ARG001 - as every reader of answers
    """The answer in the client's encoding, its usage, its model, and how many vectors it holds.

    Raises Failure for an error dressed as an answer, ProtocolFault for what is no answer.
    """
    answer, vectors, forms = _glance(body) or _parsed(body)
    if answer.error:
        raise Failure(classify(200, {"error": answer.error}))
    counted = count_in(answer.usage, "prompt_tokens")
    usage = None if counted is None else Usage(counted, 0)
    if forms - {encoding}:
        body = _recoded(body, encoding)
    return body, usage, answer.model or "", vectors


# -- looking at an answer ----------------------------------------------------------------------------------------


class _Tail(Struct, gc=False):
    """An answer without its vectors."""

    model: str | None = None
    usage: Json = None
    error: Json = None
    data: Json = msgspec.UNSET


class _Item(Struct, gc=False):
    embedding: Raw


class _Answer(Struct, gc=False):
    data: list[_Item] | None = None
    model: str | None = None
    usage: Json = None
    error: Json = None


_TAIL = msgspec.json.Decoder(_Tail)
_ANSWER = msgspec.json.Decoder(_Answer)

_WS = rb"[ \t\r\n]*"
_HEAD = re.compile(rb'%b\{%b(?:"(?:id|object|created)"%b:%b(?:"[^"\\]*"|\d+)%b,%b)*"data"%b:%b\[' % ((_WS,) * 8))
_FIELD = rb'"(?:object|index)"%b:%b(?:"embedding"|\d+)' % ((_WS,) * 2)
_LEAD = re.compile(rb'%b\{%b(?:%b%b,%b)*"embedding"%b:%b(["\[])' % (_WS, _WS, _FIELD, _WS, _WS, _WS, _WS))
_TRAIL = re.compile(rb"(?:%b,%b%b)*%b\}%b([,\]])" % (_WS, _WS, _FIELD, _WS, _WS))


def _glance(body: bytes) -> tuple[_Tail, int, set[str]] | None:
    """What an answer of the usual shape says, found by hopping from vector to vector; None for any other shape.

    A hop is safe: inside a list without quotes the next bracket is its end, and a string without a backslash ends at
    the next quote. A nested list shows itself by what follows that bracket.
    """
    head = _HEAD.match(body)
    if head is None:
        return None
    at, vectors, forms = head.end(), 0, set()
    while True:
        lead = _LEAD.match(body, at)
        if lead is None:
            return None
        form, closing, forbidden = ("float", b"]", b'"') if lead[1] == b"[" else ("base64", b'"', b"\\")
        end = body.find(closing, lead.end())
        if end < 0 or body.find(forbidden, lead.end(), end) >= 0:
            return None
        trail = _TRAIL.match(body, end + 1)
        if trail is None:
            return None
        forms.add(form)
        vectors += 1
        at = trail.end()
        if trail[1] == b"]":
            break
    rest = body[at:].lstrip(b" \t\r\n")
    tail = b"{" + rest[1:] if rest.startswith(b",") else b"{" + rest
    try:
        answer = _TAIL.decode(tail)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return (answer, vectors, forms) if answer.data is msgspec.UNSET else None


def _parsed(body: bytes) -> tuple[_Answer, int, set[str]]:
    """The same of any answer, vectors skipped over."""
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _raise_error(body)
        raise ProtocolFault("its answer is no list of vectors") from None
    if answer.error:
        return answer, 0, set()
    if answer.data is None:
        raise ProtocolFault("its answer has no vectors")
    forms = {"base64" if bytes(item.embedding).startswith(b'"') else "float" for item in answer.data}
    return answer, len(answer.data), forms


def _raise_error(body: bytes) -> None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    wrapped = value[0] if isinstance(value, list) and value else value
    if isinstance(wrapped, dict) and wrapped.get("error"):
        raise Failure(classify(200, value))


# -- changing the encoding ---------------------------------------------------------------------------------------


def _recoded(body: bytes, encoding: Encoding) -> bytes:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:  # what is only looked at is not read so strictly
        raise ProtocolFault("its answer is not valid JSON") from None
    recode = _packed if encoding == "base64" else _unpacked
    for item in answer["data"]:
        item["embedding"] = recode(item["embedding"])
    return orjson.dumps(answer)


def _packed(vector: Json) -> str:
    """Base64 of little-endian 32-bit floats."""
    if isinstance(vector, str):
        return vector
    try:
        packed = struct.pack(f"<{len(vector)}f", *vector)
    except (TypeError, OverflowError, struct.error):
        raise ProtocolFault("its answer has a vector that is no list of numbers") from None
    return base64.b64encode(packed).decode()


def _unpacked(vector: Json) -> list[float]:
    if isinstance(vector, list):
        return vector
    try:
        packed = base64.b64decode(vector, validate=True)
        return list(struct.unpack(f"<{len(packed) // 4}f", packed))
    except (TypeError, ValueError, struct.error):
        raise ProtocolFault("its answer has a vector that is no base64 of floats") from None
