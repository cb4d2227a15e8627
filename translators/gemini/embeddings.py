"""OpenAI's embeddings asked of Google: three methods, of which the profile's path for `embeddings` names one.

`batchEmbedContents` is the Gemini API's: a request for every input, as several parts in one content would give one
vector. On Vertex AI the Gemini models have `embedContent` for one input, and a batch for several whose options stand in
an object of their own; older ones have `predict`, with an instance for every input. That one cuts a text that is too
long unless it is told not to, which it is here; the others say so of their answer, which then is none: OpenAI's models
refuse such a text too. A caller that wants it cut says `autoTruncate`.

Google answers with lists of numbers; a client that asked for base64 gets it. Vectors that were cut to fewer dimensions
may not have length one any more: they are stretched to it, since OpenAI's all have. Source: Google's embeddings page
and API reference, Vertex AI's text embeddings API and its EmbedContentRequest, and how Google's own SDK for Python
chooses among the methods.
"""

import base64
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec
import orjson
from msgspec import Struct

from translators.counts import Count, count_in, whole
from translators.faults import Failure, Fault, Kind, ProtocolFault
from translators.gemini.faults import parse_fault
from translators.gemini.request_out import METHODS
from translators.gemini.wire import camel
from translators.ir import Json, Usage
from translators.profile import Profile
from translators.report import Report

BATCH_MAX = 100
"""Most inputs of one batch; more are a 400."""
PREDICT_MAX = 250
"""Most instances of one call; of some models and in some regions fewer."""
TOLERANCE = 1e-3
"""How far from one a vector's length may be."""
Encoding = Literal["float", "base64"]

_ONE, _BATCH, _PREDICT = ":embedContent", ":batchEmbedContents", ":predict"
_READ = frozenset(("model", "input", "encodingFormat", "dimensions"))
_OWN = frozenset(("taskType", "title", "autoTruncate"))
_CUT_LONG = (
    "An input is longer than the model takes: the provider cut it before it made a vector of it. Send it in pieces, or "
    "with autoTruncate: true to have it cut."
)


def render(body: dict[str, Json], profile: Profile, model: str) -> tuple[dict[str, Json], Report]:
    """The body for a target; `body` is a checked OpenAI request and is not changed."""
    report = Report()
    given = body["input"]
    inputs = given if isinstance(given, list) else [given]
    texts = [one for one in inputs if isinstance(one, str)]
    if len(texts) < len(inputs):
        report.refused("input", "the provider takes text, not token numbers")
    method = _method(profile)
    most = PREDICT_MAX if method == _PREDICT else BATCH_MAX
    if len(texts) > most:
        report.refused("input", f"gemini takes at most {most} inputs at once")
    options = _options(body, profile, report, cuts=method != _BATCH)
    if method == _PREDICT:
        return _predict(texts, options), report
    if method == _BATCH:
        common = {"model": f"models/{model.removeprefix('models/')}", **options}
        return {"requests": [{**common, "content": _content(text)} for text in texts]}, report
    config: dict[str, Json] = {"embedContentConfig": options} if options else {}
    requests = [{"content": _content(text), **config} for text in texts]
    return (requests[0] if len(requests) == 1 else {"requests": requests}), report


def address(profile: Profile, fields: Mapping[str, Json]) -> str:
    """Where a body of `render` is sent, below the base URL."""
    path = profile.path("embeddings", METHODS["embeddings"])
    return path.removesuffix(_ONE) + _BATCH if path.endswith(_ONE) and "requests" in fields else path


def may_cut(body: Mapping[str, Json]) -> bool:
    """Whether the caller wants a text that is too long cut."""
    return camel(body).get("autoTruncate") is True


def _method(profile: Profile) -> str:
    path = profile.path("embeddings", METHODS["embeddings"])
    return next((method for method in (_ONE, _PREDICT) if path.endswith(method)), _BATCH)


def _options(body: dict[str, Json], profile: Profile, report: Report, *, cuts: bool) -> dict[str, Json]:
    """What is said beside the inputs; `cuts`: the method can be told whether a text is to be cut."""
    options: dict[str, Json] = {}
    if body.get("dimensions") is not None:
        options["outputDimensionality"] = body["dimensions"]
    for said, value in body.items():
        name = next(iter(camel({said: value})))
        if value is None or name in _READ:
            continue
        if name in _OWN and name not in profile.rejects and (cuts or name != "autoTruncate"):
            options[name] = value
        else:
            report.dropped(said, "gemini has no such field for embeddings")
    return options


def _content(text: str) -> dict[str, Json]:
    return {"parts": [{"text": text}]}


def _predict(texts: Sequence[str], options: Mapping[str, Json]) -> dict[str, Json]:
    common = {ours: options[name] for name, ours in (("taskType", "task_type"), ("title", "title")) if name in options}
    parameters = {"autoTruncate": False, **{name: one for name, one in options.items() if name not in _OF_EACH}}
    return {"instances": [{"content": text, **common} for text in texts], "parameters": parameters}


_OF_EACH = frozenset(("taskType", "title"))


class _Statistics(Struct, gc=False):
    token_count: Count = None
    truncated: bool | None = None


class _Vector(Struct, gc=False):
    values: list[float]
    statistics: _Statistics | None = None


class _Prediction(Struct, gc=False):
    embeddings: _Vector


class _Answer(Struct, gc=False, rename="camel"):
    embeddings: list[_Vector] | None = None
    embedding: _Vector | None = None
    predictions: list[_Prediction] | None = None
    truncated: bool | None = None
    usage_metadata: Json = None
    error: Json = None


_decode = msgspec.json.Decoder(_Answer).decode


def adapt(
    body: bytes, encoding: Encoding, profile: Profile, *, cut: bool = False, estimate: Callable[[], int] = lambda: 0
) -> tuple[bytes, Usage | None, str, int]:
    """The answer in OpenAI's form and the client's encoding, its usage, its model, and how many vectors it holds.

    Older models of the Gemini API count nothing: then the usage is None, and an `estimate` in the answer, whose form
    demands a number. Raises Failure for an error dressed as an answer and, unless `cut`, for a vector of less than the
    whole text; ProtocolFault for what is no answer.
    """
    try:
        answer = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolFault("its answer is no list of vectors") from None
    if answer.error is not None:
        raise Failure(parse_fault(200, body, profile))
    told = _vectors(answer)
    if not cut and (answer.truncated or any(one.statistics and one.statistics.truncated for one in told)):
        raise Failure(Fault(kind=Kind.TOO_LONG, status=200, message=_CUT_LONG, param="input"))
    vectors = [_unit(one.values) for one in told]
    counted = _counted(answer, told)
    data = [
        {"object": "embedding", "index": index, "embedding": vector if encoding == "float" else _packed(vector)}
        for index, vector in enumerate(vectors)
    ]
    tokens = estimate() if counted is None else counted
    adapted = {
        "object": "list",
        "data": data,
        "model": profile.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    usage = None if counted is None else Usage(counted, 0)
    return orjson.dumps(adapted), usage, profile.model, len(vectors)


def _vectors(answer: _Answer) -> list[_Vector]:
    if answer.embeddings is not None:
        return answer.embeddings
    if answer.predictions is not None:
        return [one.embeddings for one in answer.predictions]
    if answer.embedding is not None:
        return [answer.embedding]
    raise ProtocolFault("its answer has no vectors")


def _counted(answer: _Answer, told: Sequence[_Vector]) -> int | None:
    """The input's tokens: of the answer, else the sum of what each vector tells; None where one tells none."""
    if (counted := count_in(answer.usage_metadata, "promptTokenCount")) is not None:
        return counted
    counts = [whole(one.statistics.token_count) if one.statistics else None for one in told]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


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
