"""Whole bodies: requests of clients, answers and errors of providers.

Invariants
- `request-DIALECT`: any bytes are a request, or one Malformed that says why. A request that passed its envelope's check
  can be put for a target of any dialect, or there is one Malformed; what is put is JSON that passes the check of this
  dialect's envelope, the client's own body is not changed, and the report can be told in a header.
- `reply-DIALECT`: any bytes are an answer, one Failure or one ProtocolFault; an answer can be told in the dialect of
  any client, as JSON that this dialect reads itself.
- `fault-DIALECT`: any error body is a fault with one line to say, which every client's dialect can put as an error of
  its own with a status of an error.
- `vectors`: the same for embeddings, asked for and answered.
- `models`: any list of models is what they can do, or one error of decoding.
"""

import json
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from copy import deepcopy
from typing import Any

import msgspec
import orjson

from proxy import tokens
from proxy.plain_jobs import CountJob, EmbeddingsJob
from proxy.service import parse_json
from proxy.upstream.listings import LISTINGS, names
from tests.fuzz.scene import CLIENTS, UPSTREAMS, context_of, job_of, seed_of, target_of
from translators import embeddings
from translators.bounds import output_bound
from translators.catalog import codec
from translators.faults import MESSAGE_CAP, Failure, Fault, Malformed, ProtocolFault
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Mode


def check_request(client: Dialect, data: bytes) -> None:
    """See the module."""
    speaks = codec(client)
    try:
        payload = parse_json(data)
        envelope = speaks.check_envelope(payload)
    except Malformed as malformed:
        return _is_said(malformed)
    before, seed = deepcopy(payload), seed_of(data)
    job = job_of(client, payload, stream=envelope.stream, bound=4096 if seed & 4 else None)
    job.loop_origin()
    tokens.at_least(payload)
    for dialect in UPSTREAMS:
        target = target_of(dialect, seed)
        try:
            prepared = job.prepare(target)
        except Malformed as malformed:
            _is_said(malformed)
            continue
        assert payload == before, "the client's body was changed"
        assert prepared.report.header().isprintable()
        prepared.report.blocking(Mode.STRICT)
        at = prepared.target
        assert tokens.worst_input(prepared.body, prepared.fields, at.provider.dialect, at.profile) > 0
        assert output_bound(at.provider.dialect, prepared.fields)[1] > 0
        _is_request(prepared.target.provider.dialect, prepared.body, translated=prepared.translated)
        for repair in ("reasoning", "responses", "summary"):
            with suppress(Malformed) if repair == "responses" else nullcontext():
                job.repaired(target, prepared, repair)
    if client is Dialect.ANTHROPIC_MESSAGES:
        _counts(payload, seed)
    return None


def _is_said(malformed: Malformed) -> None:
    assert str(malformed)
    assert 400 <= malformed.status < 500
    json.loads(codec(Dialect.OPENAI_CHAT).render_fault(_fault(malformed))[1])


def _fault(malformed: Malformed) -> Fault:
    from translators.faults import Kind, say

    return Fault(kind=Kind.REFUSED, message=say(str(malformed)), param=malformed.param, code=malformed.code)


def _is_request(dialect: Dialect, body: bytes, *, translated: bool) -> None:
    sent = json.loads(body)
    assert isinstance(sent, dict)
    if translated:
        served = {**sent, "model": "m", "stream": False} if dialect is Dialect.GEMINI else sent
        served.setdefault("model", "m")  # some vendors have it in the path alone
        codec(dialect).check_envelope(served)
        with suppress(Malformed):  # a value that is passed on unread may be none there either
            codec(dialect).parse_request(served)


def _counts(payload: dict[str, Any], seed: int) -> None:
    CountJob(codec(Dialect.ANTHROPIC_MESSAGES), payload).prepare(target_of(Dialect.ANTHROPIC_MESSAGES, seed))
    try:
        request = codec(Dialect.ANTHROPIC_MESSAGES).parse_request(payload)
    except Malformed:
        return
    assert tokens.estimate(request) >= 0


def check_reply(dialect: Dialect, data: bytes) -> None:
    """See the module."""
    seed = seed_of(data)
    target, context = target_of(dialect, seed), context_of(seed)
    for client in CLIENTS:
        try:
            answered = job_of(client, {}).answer(data, target, context)
        except (Failure, ProtocolFault) as fault:
            if isinstance(fault, Failure):
                _is_fault(fault.fault)
            continue
        assert isinstance(_read(answered.body), dict)
        if client is not dialect:
            codec(client).parse_reply(answered.body, Profile())


def _read(body: bytes) -> Any:
    """Control characters pass in strings where an answer goes on as it came, since nobody looked at those."""
    return json.loads(body, strict=False)


def check_fault(dialect: Dialect, data: bytes) -> None:
    """The first byte chooses the status."""
    status = 300 + data[0] * 300 // 256 if data else 500
    target = target_of(dialect, seed_of(data))
    _is_fault(codec(dialect).parse_fault(status, data[1:], target.profile))


def _is_fault(fault: Fault) -> None:
    assert fault.message and len(fault.message) <= MESSAGE_CAP and fault.message.isprintable()
    assert fault.retry_after_s is None or 0 <= fault.retry_after_s < float("inf")
    assert fault.outcome.status >= 400
    for client in CLIENTS:
        status, body = codec(client).render_fault(fault, {"attempts": []})
        error = json.loads(body)["error"]
        assert 400 <= status < 600
        assert error["message"] and isinstance(error["message"], str)
        assert isinstance(error["type"], str)


def check_vectors(data: bytes) -> None:
    """One line of what is asked, then what is answered."""
    asked, _, answered = data.partition(b"\n")
    seed = seed_of(data)
    for payload in _vector_requests(asked):
        envelope = embeddings.check(payload)
        for dialect in (Dialect.OPENAI_CHAT, Dialect.GEMINI):
            target = target_of(dialect, seed)
            job = EmbeddingsJob(payload, envelope)
            assert isinstance(json.loads(job.prepare(target).body), dict)
            try:
                answer = job.answer(answered, target, context_of(seed))
            except (Failure, ProtocolFault):
                continue
            assert answer.body is answered or isinstance(_read(answer.body), dict)


def _vector_requests(asked: bytes) -> Iterator[dict[str, Any]]:
    """What was asked, if it may be, and a request for each encoding."""
    try:
        payload = parse_json(asked)
        embeddings.check(payload)
        yield payload
    except Malformed as malformed:
        _is_said(malformed)
    for encoding in ("float", "base64"):
        yield orjson.loads(orjson.dumps({"model": "m", "input": "x", "encoding_format": encoding}))


def check_models(data: bytes) -> None:
    """See the module."""
    for _, read in LISTINGS.values():
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            assert all(isinstance(model, str) for model in read(data))
    for dialect in UPSTREAMS:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            assert all(isinstance(name, str) for name in names(dialect, data))
