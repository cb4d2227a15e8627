"""The routes of the data port: what is checked of a request, and what job it becomes."""

import orjson
import pytest

from proxy.config.values import Config, EmbeddingRoute, ModelRoute, Provider, Step
from proxy.flow import Exchange
from proxy.routing.resolve import Router
from proxy.service import Endpoints, parse_json
from translators.catalog import codec
from translators.faults import Malformed
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Mode

HELLO = [{"role": "user", "content": "hello"}]


class Told:
    started = False

    async def answer(self, status, headers, body) -> None:
        self.status, self.headers, self.body = status, dict(headers), body


class Clock:
    def wall(self) -> float:
        return 1_700_000_000.9


class Chain:
    """Keeps what it was asked to run."""

    def __init__(self) -> None:
        self.ran = []

    async def run(self, exchange, job, found, mode) -> None:
        self.ran.append((job, found, mode))


def steps(*names: str) -> tuple[Step, ...]:
    return tuple(Step(*name.split("/", 1)) for name in names)


ALPHA = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test", default_model="large")
MODELS = {
    "m": ModelRoute("m", steps("alpha/large")),
    "tuned": ModelRoute("tuned", steps("alpha/large"), defaults={"temperature": 0.7}, max_output=77, mode="strict"),
}
VECTORS = {
    "docs": EmbeddingRoute("docs", steps("alpha/embed"), dimensions=256),
    "free": EmbeddingRoute("free", steps("alpha/embed")),
}
STAR = {"*": ModelRoute("*", steps("alpha/*"))}


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def served(chain):
    """`await served(body, ...)`: the exchange after the endpoints had it."""

    async def serve(body=None, *, route="chat", path="", headers=None, models=MODELS):
        config = Config({"alpha": ALPHA}, models, embeddings=VECTORS)
        router = Router(config, lambda at, model: Profile(provider=at.name, model=model), lambda _: None)
        content = body if isinstance(body, bytes) else orjson.dumps(body)

        async def read() -> bytes:
            return content

        exchange = Exchange(
            id="req_1",
            route=route,
            method="POST",
            path=path,
            headers=headers or {},
            read=read,
            peer="",
            out=Told(),
            codec=codec(Dialect.OPENAI_CHAT),
            started=0.0,
        )
        await Endpoints(router, chain, Clock())(exchange)
        return exchange

    return serve


async def refused(awaitable) -> Malformed:
    with pytest.raises(Malformed) as caught:
        await awaitable
    return caught.value


# -- chat


async def test_a_chat_request_runs_on_its_models_chain(served, chain):
    exchange = await served(
        {"model": "m", "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
    )
    ((job, found, mode),) = chain.ran
    assert (found.name, mode) == ("m", Mode.WARN)
    assert (job.stream, job.include_usage(), job.endpoint) == (True, True, "chat")
    assert (exchange.asked, exchange.envelope.stream) == ("m", True)


async def test_a_models_defaults_fill_what_the_client_left_out(served, chain):
    await served({"model": "tuned", "messages": HELLO})
    await served({"model": "tuned", "messages": HELLO, "temperature": 0.1, "max_tokens": 5})
    (left_out, found, mode), (given, _, _) = chain.ran
    (target,) = found.targets
    sent = orjson.loads(left_out.prepare(target).body)
    assert (sent["temperature"], sent["max_completion_tokens"]) == (0.7, 77)
    sent = orjson.loads(given.prepare(target).body)
    assert (sent["temperature"], sent["max_tokens"], "max_completion_tokens" in sent) == (0.1, 5, False)
    assert mode is Mode.STRICT


@pytest.mark.parametrize(
    ("route", "known"),
    [("chat", "known models: m, tuned, docs"), ("embeddings", "known for embeddings: m, tuned, docs, free")],
)
async def test_a_model_that_is_not_served_is_a_404_that_lists_those_that_are(served, chain, route, known):
    error = await refused(served({"model": "nobody", "messages": HELLO, "input": "hi"}, route=route))
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")
    assert "'nobody'" in str(error) and known in str(error)
    assert chain.ran == []


async def test_a_long_model_name_is_not_told_back_in_full(served):
    error = await refused(served({"model": "x" * 10_000, "messages": HELLO}))
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("body", "param"),
    [({"messages": HELLO}, "model"), ({"model": "m"}, "messages"), ({"model": "m", "messages": "hi"}, "messages")],
)
async def test_a_request_without_its_envelope_is_refused_by_field(served, body, param):
    assert (await refused(served(body))).param == param


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "is empty"),
        (b"{", "is not valid JSON (line 1, column"),
        (b'{"a":\n  nope}', "(line 2, column"),
        (b'{"a": "\xff"}', "is not UTF-8 (byte 8)"),
        (b"[" * 100_000, "is nested too deeply (line 1, column 1026)"),
        (b'{"a": NaN}', "is not valid JSON"),
    ],
)
def test_what_is_no_json_is_refused_with_the_place(body, told):
    with pytest.raises(Malformed) as caught:
        parse_json(body)
    assert told in str(caught.value)
    assert caught.value.code == "invalid_json"


def test_a_body_that_holds_more_than_time_allows_is_refused():
    with pytest.raises(Malformed, match="more than 1024 tools"):
        parse_json(orjson.dumps({"tools": [{"type": "function"}] * 1025}))
    with pytest.raises(Malformed, match="arrays, objects and names"):
        parse_json(b"[" + b"{}," * 200_000 + b"1]")


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"7"])
@pytest.mark.parametrize("route", ["chat", "embeddings"])
async def test_json_that_is_no_object_is_refused(served, route, body):
    assert "JSON object" in str(await refused(served(body, route=route)))


# -- how strict translation is


@pytest.mark.parametrize(("asked", "mode"), [("strict", Mode.STRICT), ("warn", Mode.WARN), ("lenient", Mode.LENIENT)])
async def test_the_header_decides_how_strict_translation_is(served, chain, asked, mode):
    await served({"model": "tuned", "messages": HELLO}, headers={"x-sidestep-mode": asked})
    assert chain.ran[0][2] is mode


async def test_a_mode_that_does_not_exist_is_refused_and_told_back_in_part(served):
    error = await refused(served({"model": "m", "messages": HELLO}, headers={"x-sidestep-mode": "Strict" * 99}))
    assert (error.param, error.code) == ("x-sidestep-mode", "invalid_value")
    assert len(str(error)) < 200


# -- what the body tells


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [(None, False), ("1", True), ("true", True), ("YES", True), ("0", False), ("False", False), ("no", False)],
)
@pytest.mark.parametrize("body", [{"model": "m", "messages": HELLO}, {"model": "free", "input": "a"}])
async def test_metadata_is_asked_for_by_any_plain_word_for_yes(served, body, asked, wanted):
    headers = {} if asked is None else {"x-sidestep-metadata": asked}
    exchange = await served(body, route="embeddings" if "input" in body else "chat", headers=headers)
    assert exchange.wants_metadata is wanted


@pytest.mark.parametrize("asked", ["", "2", "on please", "1, 1"])
async def test_what_neither_asks_for_metadata_nor_declines_it_is_refused(served, chain, asked):
    error = await refused(served({"model": "m", "messages": HELLO}, headers={"x-sidestep-metadata": asked * 50}))
    assert (error.param, error.code) == ("x-sidestep-metadata", "invalid_value")
    assert len(str(error)) < 200
    assert not chain.ran


# -- embeddings


@pytest.mark.parametrize("fields", [{}, {"dimensions": 256}, {"dimensions": None}])
async def test_vectors_of_a_space_are_asked_for_in_its_size(served, chain, fields):
    await served({"model": "docs", "input": "hi", **fields}, route="embeddings")
    ((job, found, _),) = chain.ran
    sent = orjson.loads(job.prepare(found.targets[0]).body)
    assert (sent["model"], sent["dimensions"]) == ("embed", 256)


@pytest.mark.parametrize("size", [255, 1024])
async def test_another_size_than_the_spaces_is_refused(served, chain, size):
    error = await refused(served({"model": "docs", "input": "hi", "dimensions": size}, route="embeddings"))
    assert (error.param, error.code) == ("dimensions", "invalid_value")
    assert "256" in str(error)
    assert chain.ran == []


@pytest.mark.parametrize("size", [None, 64])
async def test_a_space_without_a_stated_size_takes_what_the_client_asks(served, chain, size):
    fields = {} if size is None else {"dimensions": size}
    await served({"model": "free", "input": "hi", **fields}, route="embeddings")
    ((job, found, _),) = chain.ran
    assert orjson.loads(job.prepare(found.targets[0]).body).get("dimensions") == size


# -- the list of models


async def test_configured_models_are_listed_without_asking_anybody(served, chain):
    exchange = await served(route="models", path="/v1/models")
    listed = orjson.loads(exchange.out.body)
    assert (exchange.out.status, exchange.status, listed["object"]) == (200, 200, "list")
    assert [one["id"] for one in listed["data"]] == ["m", "tuned", "docs", "free"]
    assert listed["data"][0] == {"id": "m", "object": "model", "created": 1_700_000_000, "owned_by": "alpha"}
    assert exchange.out.headers["x-request-id"] == "req_1"
    assert chain.ran == []


SOLE = {"*": ModelRoute("*", steps("alpha/solo"))}


async def test_with_a_star_alone_its_chains_models_are_listed_to_clients_of_openai(served):
    listed = orjson.loads((await served(route="models", path="/v1/models", models=SOLE)).out.body)
    assert [one["id"] for one in listed["data"]] == ["solo", "alpha/solo", "alpha/large", "docs", "free"]
    assert {one["owned_by"] for one in listed["data"]} == {"alpha"}


@pytest.mark.parametrize(("name", "models"), [("m", MODELS), ("docs", MODELS), ("alpha/any", STAR), ("any", STAR)])
async def test_a_model_that_could_be_asked_for_is_found(served, name, models):
    exchange = await served(route="models", path=f"/v1/models/{name}", models=models)
    assert orjson.loads(exchange.out.body)["id"] == name


async def test_a_model_that_could_not_is_a_404(served):
    error = await refused(served(route="models", path="/v1/models/nobody"))
    assert (error.status, error.code) == (404, "model_not_found")


async def test_without_any_model_the_404_says_so(served):
    error = await refused(served(route="models", path="/v1/models/nobody", models={}))
    assert "docs, free" in str(error)
