"""Embeddings of a scripted provider: unit vectors made from a hash of the input, the same at every provider.

So two providers that are said to share a space do, and a client can tell. Source of the formats: OpenAI API
reference, Embeddings (base64 is little-endian float32); Gemini API reference, batchEmbedContents; Vertex AI's
EmbedContentRequest and text embeddings API.
"""

import base64
import hashlib
import math
import struct
from collections.abc import Mapping
from typing import Any

import orjson

from proxy.drill.speech import tokens

PATH = "/v1/embeddings"
DIMENSIONS = 256
"""Length of a vector where the request names none."""
_MOST = 4_096


def vector(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A vector of length 1, each component exact in float32."""
    raw = struct.unpack(f"<{dimensions}h", hashlib.shake_128(text.encode()).digest(2 * dimensions))
    length = math.sqrt(sum(one * one for one in raw)) or 1.0
    return list(struct.unpack(f"<{dimensions}f", struct.pack(f"<{dimensions}f", *(one / length for one in raw))))


def embed(body: Mapping[str, Any]) -> bytes | str:
    """The reply to an embeddings request, or what a real server would refuse about it. Raises TypeError or KeyError
    on a body whose shape is no request at all."""
    if not isinstance(body["model"], str):
        return "you must provide a model parameter"
    texts = _inputs(body.get("input"))
    if not texts:
        return "'$.input' is invalid."
    dimensions = body.get("dimensions") or DIMENSIONS
    if not isinstance(dimensions, int) or not 1 <= dimensions <= _MOST:
        return f"'dimensions' must be between 1 and {_MOST}."
    packed = body.get("encoding_format") == "base64"
    spent = tokens(sum(len(text.encode()) for text in texts))
    return orjson.dumps(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": _encoded(vector(text, dimensions), packed=packed)}
                for index, text in enumerate(texts)
            ],
            "model": body["model"],
            "usage": {"prompt_tokens": spent, "total_tokens": spent},
        }
    )


_GEMINI_BATCH = 100
_GEMINI_FIELDS = frozenset(("model", "content", "taskType", "title", "outputDimensionality"))


def embed_batch(body: Mapping[str, Any], model: str) -> bytes | str:
    """The reply to Gemini's batchEmbedContents, or what a real server would refuse about it. Raises TypeError or
    KeyError on a body whose shape is no request at all."""
    requests = body["requests"]
    if not 0 < len(requests) <= _GEMINI_BATCH:
        return f"BatchEmbedContentsRequest.requests: at most {_GEMINI_BATCH} requests can be in one batch"
    vectors, heard = [], 0
    for one in requests:
        if unknown := sorted(one.keys() - _GEMINI_FIELDS):
            return f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
        if one["model"] != f"models/{model}":
            return "BatchEmbedContentsRequest.requests.model: must be the model of the batch"
        text = "".join(part["text"] for part in one["content"]["parts"])
        heard += len(text.encode())
        vectors.append({"values": vector(text, one.get("outputDimensionality") or DIMENSIONS)})
    return orjson.dumps({"embeddings": vectors, "usageMetadata": {"promptTokenCount": tokens(heard)}})


_VERTEX_FIELDS = frozenset(("content", "embedContentConfig"))
_VERTEX_CONFIG = frozenset(("taskType", "title", "outputDimensionality", "autoTruncate"))
_PREDICT_MAX = 250


def embed_on_vertex(body: Mapping[str, Any], method: str) -> bytes | str:
    """The reply to Vertex AI's embedContent, batchEmbedContents or predict, or what it would refuse. Raises TypeError
    or KeyError on a body whose shape is no request at all."""
    if method == "predict":
        return _predicted(body)
    requests = body["requests"] if method == "batchEmbedContents" else [body]
    if not 0 < len(requests) <= _GEMINI_BATCH:
        return f"requests: at most {_GEMINI_BATCH} requests can be in one batch"
    vectors, heard = [], 0
    for one in requests:
        config = one.get("embedContentConfig") or {}
        if unknown := sorted((one.keys() - _VERTEX_FIELDS) | (config.keys() - _VERTEX_CONFIG)):
            return f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
        text = "".join(part["text"] for part in one["content"]["parts"])
        heard += len(text.encode())
        vectors.append({"values": vector(text, config.get("outputDimensionality") or DIMENSIONS)})
    told = {"embeddings": vectors} if method == "batchEmbedContents" else {"embedding": vectors[0]}
    return orjson.dumps({**told, "usageMetadata": {"promptTokenCount": tokens(heard)}})


def _predicted(body: Mapping[str, Any]) -> bytes | str:
    instances, parameters = body["instances"], body.get("parameters") or {}
    if not 0 < len(instances) <= _PREDICT_MAX:
        return f"{len(instances)} instance(s) is not allowed per prediction. Actual: {_PREDICT_MAX}."
    dimensions = parameters.get("outputDimensionality") or DIMENSIONS
    predictions = [
        {
            "embeddings": {
                "values": vector(one["content"], dimensions),
                "statistics": {"token_count": tokens(len(one["content"].encode())), "truncated": False},
            }
        }
        for one in instances
    ]
    characters = sum(len(one["content"]) for one in instances)
    return orjson.dumps({"predictions": predictions, "metadata": {"billableCharacterCount": characters}})


def _inputs(given: Any) -> list[str]:
    """One text per vector; token arrays are written out, so that the same tokens give the same vector."""
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or not given:
        return []
    if isinstance(given[0], int):
        return [repr(given)]
    return [one if isinstance(one, str) else repr(one) for one in given]


def _encoded(numbers: list[float], *, packed: bool) -> list[float] | str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode() if packed else numbers
