"""A short conversation with a target, by the chain itself."""

import asyncio

import pytest
from msgspec import structs

from proxy.config.values import Config, EmbeddingRoute, ModelRoute, Step
from proxy.doctor import talk
from proxy.doctor.expected import expected
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import cut, html, silence, stall, status
from proxy.upstream.engines import engine_for
from translators.ir import Dialect

SPOKEN = [Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI, Dialect.OPENAI_RESPONSES]


@pytest.fixture
def talked(kit):
    """`await talked(dialect, script)`: the findings of talking to a provider, and the provider."""

    async def run(dialect, script=None, *, embeds=False, seconds=5.0, **provider):
        async with ScriptedProvider("alpha", dialect, script) as scripted:
            alpha = kit.provider(scripted.base_url, dialect=dialect, **provider)
            step = (Step("alpha", "demo-embed" if embeds else "demo-large"),)
            models = {} if embeds else {"m": ModelRoute("m", step)}
            vectors = {"e": EmbeddingRoute("e", step)} if embeds else {}
            [one] = expected(Config({"alpha": alpha}, models, vectors))
            engine = engine_for("native", alpha, connections=2)
            try:
                return await talk.talk(one, lambda _: engine, kit.clock, seconds), scripted
            finally:
                await engine.close()

    return run


@pytest.mark.parametrize("dialect", SPOKEN)
async def test_a_target_of_any_dialect_answers_whole_and_as_a_stream(talked, dialect):
    found, scripted = await talked(dialect)
    assert [(one.subject, one.check, one.verdict) for one in found] == [
        ("alpha/demo-large", "chat", "ok"),
        ("alpha/demo-large", "stream", "ok"),
    ]
    assert found[0].detail.startswith("answered, tokens ")
    assert found[1].detail.startswith("first content after ")
    assert all(one.ms > 0 for one in found)
    assert scripted.request_count == 2


async def test_a_request_is_bound_to_a_few_tokens(talked):
    _, scripted = await talked(Dialect.OPENAI_CHAT)
    for heard in scripted.requests:
        assert heard.body["messages"] == [{"role": "user", "content": talk.PROMPT}]
        assert heard.body["max_completion_tokens"] == talk.TOKENS
    assert sorted(bool(heard.body.get("stream")) for heard in scripted.requests) == [False, True]


async def test_a_model_that_thinks_first_is_given_room_to(talked):
    _, scripted = await talked(Dialect.OPENAI_CHAT, profile={"reasons": True})
    assert {heard.body["max_completion_tokens"] for heard in scripted.requests} == {talk.TOKENS_REASONING}


async def test_a_target_for_vectors_is_asked_for_one(talked):
    found, scripted = await talked(Dialect.OPENAI_CHAT, embeds=True)
    assert [(one.check, one.verdict) for one in found] == [("embeddings", "ok")]
    assert scripted.requests[0].path == "/v1/embeddings"


async def test_a_target_that_fails_is_asked_once_and_says_what_to_do(talked):
    found, scripted = await talked(Dialect.OPENAI_CHAT, status(503))
    assert [(one.verdict, one.detail) for one in found] == [("fail", "server 503: it failed on its side")] * 2
    assert found[0].fix == (
        "See the provider's status page; until it is well again the next target of the chain serves."
    )
    assert scripted.request_count == 2


async def test_a_key_that_is_refused_is_named_by_its_source_alone(talked, kit):
    found, _ = await talked(Dialect.OPENAI_CHAT, status(401))
    assert found[0].detail == "auth 401: it does not accept the configured key for this"
    assert found[0].fix.endswith("into ALPHA_KEY, and start Sidestep again.")
    assert kit.canary not in repr(found)


async def test_what_the_provider_says_of_the_request_is_told_in_its_words(talked):
    found, _ = await talked(Dialect.OPENAI_CHAT, status(400, message="'temperature' is odd"))
    assert found[0].detail == "refused 400: 'temperature' is odd"


async def test_silence_is_given_up_in_time(talked):
    found, _ = await talked(Dialect.OPENAI_CHAT, silence(), seconds=0.2)
    assert [one.detail.partition(":")[0] for one in found] == ["timeout", "timeout"]


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        (cut(after=1), "protocol 200: alpha/demo-large broke off its answer: the connection ended too early"),
        (html(), "protocol 200: it answered a streamed request with something that is no event stream"),
        (stall(), "timeout 200: it did not come to an end in time"),
    ],
    ids=str,
)
async def test_a_stream_that_does_not_come_to_its_end_has_failed(talked, script, detail):
    found, scripted = await talked(Dialect.OPENAI_CHAT, script, seconds=0.2)
    stream = found[1]
    assert (stream.check, stream.verdict) == ("stream", "fail")
    assert stream.detail.replace("timeout:", "timeout 200:") == detail
    if "protocol" in detail:
        assert stream.fix == (
            f"See whether {scripted.base_url} speaks openai-chat, and whether something between (a gateway, a proxy) "
            "cuts or rewrites answers."
        )


def test_the_cost_is_one_sentence_that_names_every_target(kit):
    alpha = kit.provider("https://alpha.test/v1")
    beta = kit.provider("https://beta.test/v1", "beta", profile={"reasons": True})
    config = Config(
        {"alpha": alpha, "beta": beta},
        {"m": ModelRoute("m", (Step("alpha", "large"), Step("beta", "deep")))},
        {"e": EmbeddingRoute("e", (Step("alpha", "vec"),))},
    )
    found = expected(config)
    assert talk.cost(found[:1]) == (
        "will send 2 requests of about 10 tokens, with answers of at most 16, to each of 1 target (alpha/large)"
    )
    assert talk.cost(found) == (
        "will send 2 requests of about 10 tokens, with answers of at most 1024, to each of 2 targets (alpha/large, "
        "beta/deep); and 1 request for a vector to each of 1 target (alpha/vec)"
    )
    assert talk.cost([]) == "will send nothing: no chain has a target with a key here"


async def test_a_request_that_no_target_can_express_is_told(talked, kit):
    alpha = kit.provider("https://alpha.test/v1")
    [one] = expected(kit.config(alpha))
    short = structs.replace(one.target, profile=structs.replace(one.target.profile, context_window=1))
    one = structs.replace(one, target=short, found=structs.replace(one.found, targets=(short,)))
    engine = await asyncio.to_thread(engine_for, "native", alpha, connections=2)  # which reads certificates
    found = await talk.talk(one, lambda _: engine, kit.clock)
    await engine.close()
    assert found[0].verdict == "fail"
