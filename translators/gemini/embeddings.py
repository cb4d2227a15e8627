"""OpenAI's embeddings asked of Gemini: `batchEmbedContents`, with a request for every input.

Several parts in one content would give one vector, so each input is a request of its own. Gemini answers with lists of
numbers; a client that asked for base64 gets it. Vectors that were cut to fewer dimensions may not have length one any
more: they are stretched to it, since OpenAI's all have. Source: Google's embeddings page and API reference.
"""

import base64
import math
import struct
from typing import Literal

import msgspec
import orjson
from msgspec import Struct

from translators.counts import count_in
from translators.faults import Failure, ProtocolFault
from translators.gemini.faults import parse_fault
from translators.gemini.wire import camel
from translators.ir import Json, Usage
from translators.profile import Profile
from translators.report import Report

BATCH_MAX = 100
"""Most inputs of one call; more are a 400."""
TOLERANCE = 1e-3
"""How far from one a vector's length may be."""
Encoding = Literal["float", "base64"]

_READ = frozenset(("model", "input", "encoding_format", "dimensions"))
_OWN = frozenset(("taskType", "title"))


def render(body: dict[str, Json], profile: Profile, model: str) -> tuple[dict[str, Json], Report]:
    """The body for a target; `body` is a checked OpenAI request and is not changed."""
    report = Report()
    given = body["input"]
    inputs = given if isinstance(given, list) else [given]
    texts = [one for one in inputs if isinstance(one, str)]
    if len(texts) < len(inputs):
        report.refused("input", "the provider takes text, not token numbers")
    if len(texts) > BATCH_MAX:
        report.refused("input", f"gemini takes at most {BATCH_MAX} inputs at once")
    common: dict[str, Json] = {"model": f"models/{model.removeprefix('models/')}"}
    if body.get("dimensions") is not None:
        common["outputDimensionality"] = body["dimensions"]
    for name, value in camel(body).items():
        if name in _OWN and name not in profile.rejects:
            common[name] = value
        elif name not in _READ | {"encodingFormat"} and value is not None:
            report.dropped(name, "gemini has no such field for embeddings")
    return {"requests": [{**common, "content": {"parts": [{"text": text}]}} for text in texts]}, report


class _Vector(Struct, gc=False):
    values: list[float]


class _Answer(Struct, gc=False, rename="camel"):
    embeddings: list[_Vector] | None = None
    usage_metadata: Json = None
    error: Json = None


_decode = msgspec.json.Decoder(_Answer).decode


def adapt(body: bytes, encoding: Encoding, profile: Profile) -> tuple[bytes, Usage | None, str, int]:
    """The answer in OpenAI's form and the client's encoding, its usage, its model, and how many vectors it holds.

    Older models count nothing: then the usage is None, and zero in the answer, whose form demands a number.
    Raises Failure for an error dressed as an answer, ProtocolFault for what is no answer.
    """
    try:
        answer = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolFault("its answer is no list of vectors") from None
    if answer.error is not None:
        raise Failure(parse_fault(200, body, profile))
    if answer.embeddings is None:
        raise ProtocolFault("its answer has no vectors")
    vectors = [_unit(one.values) for one in answer.embeddings]
    counted = count_in(answer.usage_metadata, "promptTokenCount")
    data = [
        {"object": "embedding", "index": index, "embedding": vector if encoding == "float" else _packed(vector)}
        for index, vector in enumerate(vectors)
    ]
    tokens = counted or 0
    adapted = {
        "object": "list",
        "data": data,
        "model": profile.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    usage = None if counted is None else Usage(counted, 0)
    return orjson.dumps(adapted), usage, profile.model, len(vectors)


def _unit(vector: list[float]) -> list[float]:
    """The vector with length one; one without any length stays as it is."""
    length = math.hypot(*vector)
    if length == 0 or not math.isfinite(length) or abs(length - 1) <= TOLERANCE:
        return vector
    return [value / length for value in vector]


def _packed(vector: list[float]) -> str:
    """Base64 of little-endian 32-bit floats."""
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except (OverflowError, struct.error):
        raise ProtocolFault("its answer has a vector with impossible numbers") from None
