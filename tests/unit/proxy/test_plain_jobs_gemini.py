"""Vectors asked of a target that speaks Gemini's dialect."""

import orjson
import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.plain_jobs import EmbeddingsJob
from translators import embeddings
from translators.codec import Context
from translators.faults import Failure, ProtocolFault
from translators.ir import Dialect, Usage
from translators.profile import Profile
from translators.report import Mode

PROFILE = Profile(provider="g", model="gemini-embedding-2")
PROVIDER = Provider("g", Dialect.GEMINI, "https://g.test/v1beta")
TARGET = Target(PROVIDER, PROFILE.model, PROFILE, BreakerSettings(), RetrySettings(), TimeoutSettings())


def job(**fields):
    payload = {"model": "m", **fields}
    return EmbeddingsJob(payload, embeddings.check(payload))


def test_the_request_and_the_answer_are_translated():
    asked = job(input=["a", "b"])
    prepared = asked.prepare(TARGET)
    assert prepared.path == "/models/gemini-embedding-2:batchEmbedContents"
    assert [one["content"] for one in orjson.loads(prepared.body)["requests"]] == [
        {"parts": [{"text": text}]} for text in "ab"
    ]
    assert prepared.translated
    body = b'{"embeddings":[{"values":[1,0]},{"values":[0,1]}],"usageMetadata":{"promptTokenCount":4}}'
    answered = asked.answer(body, TARGET, Context(id="e", created=1, model="m"))
    assert [one["embedding"] for one in orjson.loads(answered.body)["data"]] == [[1.0, 0.0], [0.0, 1.0]]
    assert answered.usage == Usage(4, 0)


def test_token_numbers_skip_the_target():
    assert [entry.field for entry in job(input=[1, 2]).prepare(TARGET).report.blocking(Mode.WARN)] == ["input"]


def test_fewer_vectors_than_inputs_are_no_answer():
    body = b'{"embeddings":[{"values":[1,0]}]}'
    with pytest.raises(ProtocolFault, match="1 vectors for 2 inputs"):
        job(input=["a", "b"]).answer(body, TARGET, Context(id="e", created=1, model="m"))


def test_a_text_may_be_cut_where_the_caller_says_so():
    body, context = b'{"embedding":{"values":[1,0]},"truncated":true}', Context(id="e", created=1, model="m")
    with pytest.raises(Failure):
        job(input="a").answer(body, TARGET, context)
    assert job(input="a", autoTruncate=True).answer(body, TARGET, context).body


@pytest.mark.parametrize(("given", "tokens"), [("twelve chars", 3), (["é" * 6, "abcd"], 5), ("a", 1)])
def test_tokens_that_the_provider_does_not_count_are_estimated_and_told(given, tokens):
    """A zero would read as a count. For budgets there is none."""
    context = Context(id="e", created=1, model="m")
    body = orjson.dumps({"embeddings": [{"values": [1, 0]}] * (1 if isinstance(given, str) else 2)})
    answered = job(input=given).answer(body, TARGET, context)
    assert orjson.loads(answered.body)["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert answered.usage is None
    assert context.report.header() == "approximated=answer.usage"
