"""The recorded exchanges of a folder, and what each of them is.

`VENDOR.jsonl.gz` there hold one exchange a line. None of it is part of the project; nothing is read without a folder.
"""

import gc
import gzip
import importlib.util
import os
import warnings
from functools import cache
from pathlib import Path

import orjson

from translators.ir import Dialect
from translators.profile import Profile

FOLDER = Path(os.environ.get("SIDESTEP_RECORDED") or "nowhere")
SPECS = FOLDER / ".." / "specs" / "oas_validate.py"
ENDPOINTS = {
    "/chat/completions": Dialect.OPENAI_CHAT,
    "/v1/completions": Dialect.OPENAI_COMPLETIONS,
    "/responses": Dialect.OPENAI_RESPONSES,
    "/v1/messages": Dialect.ANTHROPIC_MESSAGES,
    "enerateContent": Dialect.GEMINI,
}
"""How the path of a dialect's endpoint ends."""
SEVERAL = {
    Dialect.ANTHROPIC_MESSAGES: b"event: message_start",
    Dialect.OPENAI_RESPONSES: b'"type":"response.created"',
}
"""What begins an answer in dialects whose recordings hold bodies of several answers, one after another."""


@cache
def exchanges():
    """All of them, with their dialect under `dialect`; those of other endpoints have none."""
    lines = [
        line for path in sorted(FOLDER.glob("*.jsonl.gz")) for line in gzip.decompress(path.read_bytes()).splitlines()
    ]
    return [{**one, "dialect": _dialect(one["endpoint"])} for one in map(orjson.loads, lines)]


def _dialect(endpoint):
    path = endpoint.partition("?")[0]
    return next((dialect for end, dialect in ENDPOINTS.items() if path.endswith(end)), None)


def requests():
    """Those whose request was accepted and is a conversation."""
    return [
        one
        for one in exchanges()
        if one["dialect"] and one["status"] == 200 and isinstance(one["request_body"], dict) and _asks(one)
    ]


def _asks(one):
    body = one["request_body"]
    return bool(body.get("messages") or body.get("input") or body.get("contents") or body.get("prompt"))


def answers():
    return [one for one in exchanges() if one["dialect"] and one["status"] == 200 and one["response_body"]]


def body_of(one):
    """The first answer of a recorded body."""
    data = one["response_body"].encode()
    mark = SEVERAL.get(one["dialect"])
    if not one["sse"] or mark is None or data.count(mark) < 2:
        return data
    second = data.index(mark, data.index(mark) + 1)
    return data[: data.rindex(b"\n\n", 0, second) + 2]


def request_of(one):
    """The request as the edge hands it on."""
    body = one["request_body"]
    if one["dialect"] is Dialect.GEMINI:
        return {**body, "model": one["model"] or "m", "stream": one["stream"]}
    return {"model": "m", **body}


def profile_of(one):
    """The vendor that gave the answer."""
    return Profile(provider="p", model="m", output_excludes_reasoning=one["provider"] == "xai")


@cache
def schema_errors():
    """`errors(api, name, value)`: what the published schema has against a value; None where there is none beside the
    folder."""
    if not SPECS.is_file():
        return None
    spec = importlib.util.spec_from_file_location("oas_validate", SPECS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings(action="ignore"):  # it leaves its files to the garbage collector
        for api, name in (("openai", "Model"), ("anthropic", "Message"), ("gemini", "Content")):
            module.errors(api, name, {})
        gc.collect()
    return module.errors
