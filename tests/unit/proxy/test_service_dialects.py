"""The routes of the data port that other dialects' clients use: conversations, counts, lists of models."""

import orjson
import pytest

from proxy.config.values import Config, ModelRoute, Provider, Step
from proxy.flow import Exchange, Refused
from proxy.routing.resolve import Router
from proxy.service import Endpoints
from translators.catalog import codec
from translators.faults import Fault, Kind, Malformed
from translators.ir import Dialect
from translators.profile import Profile

HELLO = [{"role": "user", "content": "hello"}]
ASKED = {"model": "claude", "max_tokens": 10, "messages": HELLO}
ROUTES = {
    "messages": Dialect.ANTHROPIC_MESSAGES,
    "count_tokens": Dialect.ANTHROPIC_MESSAGES,
    "completions": Dialect.OPENAI_COMPLETIONS,
    "chat": Dialect.OPENAI_CHAT,
}
PROVIDERS = {
    "alpha": Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test"),
    "beta": Provider("beta", Dialect.ANTHROPIC_MESSAGES, "https://beta.test"),
    "delta": Provider("delta", Dialect.ANTHROPIC_MESSAGES, "https://delta.test"),
}


def route(name: str, *chain: str, **more) -> ModelRoute:
    return ModelRoute(name, tuple(Step(*one.split("/")) for one in chain), **more)


MODELS = {
    "claude": route("claude", "beta/opus", "alpha/gpt", "delta/opus"),
    "gpt": route("gpt", "alpha/gpt", "beta/opus"),
    "tuned": route(
        "tuned", "beta/opus", defaults={"temperature": 0.5, "reasoning_effort": "high", "seed": 1, "max_tokens": 7}
    ),
}


SOLE = {"*": route("*", "beta/opus")}


class Told:
    started = False

    async def answer(self, status, headers, body) -> None:
        self.status, self.headers, self.body = status, dict(headers), orjson.loads(body)


class Clock:
    def wall(self) -> float:
        return 1_700_000_000.9


class Chain:
    """Keeps what it was asked to run; raises `fault` if there is one."""

    def __init__(self) -> None:
        self.ran = []
        self.fault: Fault | None = None

    async def run(self, exchange, job, found, mode) -> None:
        self.ran.append((job, found))
        if self.fault is not None:
            raise Refused(self.fault)


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def served(chain):
    async def serve(route, body=None, *, path="", dialect=None, models=MODELS, counter=None):
        router = Router(
            Config(PROVIDERS, models), lambda at, model: Profile(provider=at.name, model=model), lambda _: None
        )

        async def read() -> bytes:
            return orjson.dumps(body)

        exchange = Exchange(
            id="req_1",
            route=route,
            method="POST",
            path=path,
            headers={},
            read=read,
            peer="",
            out=Told(),
            codec=codec(dialect or ROUTES[route]),
            started=0.0,
        )
        await Endpoints(router, chain, Clock(), counter=counter)(exchange)
        return exchange

    return serve


def sent(chain, target=0):
    job, found = chain.ran[-1]
    return job.prepare(found.targets[target])


async def test_a_message_goes_to_its_own_dialect_as_it_came(served, chain):
    exchange = await served("messages", ASKED | {"tomorrow": 1})
    prepared = sent(chain)
    assert (prepared.path, prepared.translated) == ("/messages", False)
    assert orjson.loads(prepared.body) == ASKED | {"tomorrow": 1, "model": "opus"}
    assert (exchange.asked, exchange.envelope.include_usage) == ("claude", True)


async def test_a_message_is_translated_for_another_dialect(served, chain):
    await served("messages", ASKED | {"system": "Be brief."})
    prepared = sent(chain, 1)
    assert (prepared.path, prepared.translated) == ("/chat/completions", True)
    assert orjson.loads(prepared.body)["messages"][0]["content"] == "Be brief."


async def test_a_completion_becomes_a_conversation(served, chain):
    await served("completions", {"model": "gpt", "prompt": "Once", "max_tokens": 3})
    body = orjson.loads(sent(chain).body)
    assert body["messages"] == [{"role": "user", "content": "Once"}]
    assert orjson.loads(sent(chain, 1).body)["max_tokens"] == 3


@pytest.mark.parametrize(
    ("route", "body", "param"),
    [
        ("messages", {"model": "claude"}, "messages"),
        ("count_tokens", {"model": "claude", "messages": []}, "messages"),
        ("completions", {"model": "gpt"}, "prompt"),
    ],
)
async def test_each_dialects_envelope_is_checked(served, chain, route, body, param):
    with pytest.raises(Malformed) as bad:
        await served(route, body)
    assert bad.value.param == param and chain.ran == []


async def test_defaults_are_filled_in_where_the_clients_dialect_has_them(served, chain):
    """They are fields of chat; an unknown one would be a 400 at the provider."""
    await served("messages", {"model": "tuned", "messages": HELLO})
    assert orjson.loads(sent(chain).body) == {
        "model": "opus",
        "messages": HELLO,
        "temperature": 0.5,
        "max_tokens": 7,
    }
    await served("completions", {"model": "tuned", "prompt": "Hi"})
    assert chain.ran[-1][0]._payload == {
        "model": "tuned",
        "prompt": "Hi",
        "temperature": 0.5,
        "seed": 1,
        "max_tokens": 7,
    }


@pytest.mark.parametrize(
    ("more", "thinks"),
    [
        ({}, False),
        ({"thinking": {"type": "adaptive"}}, True),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, True),
        ({"thinking": {"type": "disabled"}}, False),
    ],
)
async def test_a_message_that_asks_for_thinking_may_take_its_time(served, chain, more, thinks):
    await served("messages", ASKED | more)
    job, found = chain.ran[-1]
    assert job.reasons(found.targets[0]) is thinks


async def test_a_default_effort_counts_as_asked_for(served, chain):
    await served("chat", {"model": "tuned", "messages": HELLO})
    job, found = chain.ran[-1]
    assert job.reasons(found.targets[0])


# -- counting


async def test_tokens_are_counted_by_the_targets_that_can(served, chain):
    body = {"model": "claude", "messages": HELLO, "tools": []}
    await served("count_tokens", body)
    job, found = chain.ran[-1]
    assert [target.name for target in found.targets] == ["beta/opus", "delta/opus"]
    prepared = sent(chain)
    assert (prepared.path, orjson.loads(prepared.body)) == ("/messages/count_tokens", body | {"model": "opus"})
    assert job.answer(b'{"input_tokens": 7, "more": 1}', found.targets[0], None).body == (
        b'{"input_tokens": 7, "more": 1}'
    )


async def test_a_chain_that_begins_elsewhere_gets_an_estimate_that_says_so(served, chain):
    exchange = await served("count_tokens", {"model": "gpt", "messages": [{"role": "user", "content": "x" * 300}]})
    assert chain.ran == []
    assert 100 <= exchange.out.body["input_tokens"] <= 120
    assert exchange.out.headers["x-sidestep-translation"] == "approximated=input_tokens"
    assert exchange.status == 200


async def test_where_tokens_are_counted_exactly_the_count_is_the_heads_models(served):
    class Counter:
        async def count(self, request, model):
            return len(request.items) * 1000 + len(model)

    exchange = await served("count_tokens", {"model": "gpt", "messages": HELLO}, counter=Counter())
    assert exchange.out.body["input_tokens"] == len(HELLO) * 1000 + len(MODELS["gpt"].chain[0].model)


async def test_where_no_counter_answers_the_count_is_estimated(served, chain):
    chain.fault = Fault(kind=Kind.SERVER, message="It failed.")
    exchange = await served("count_tokens", {"model": "claude", "messages": HELLO})
    assert exchange.out.body["input_tokens"] > 0


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.TOO_LONG, Kind.DEADLINE])
async def test_a_count_that_was_asked_wrongly_is_not_estimated(served, chain, kind):
    chain.fault = Fault(kind=kind, message="No.")
    with pytest.raises(Refused):
        await served("count_tokens", {"model": "claude", "messages": HELLO})


async def test_an_estimate_of_what_is_no_conversation_names_the_field(served):
    with pytest.raises(Malformed) as bad:
        await served("count_tokens", {"model": "gpt", "messages": [{"role": "boss", "content": "x"}]})
    assert bad.value.param == "messages.0.role"


# -- models


async def test_anthropics_clients_see_models_in_their_own_shape(served):
    exchange = await served("models", path="/v1/models", dialect=Dialect.ANTHROPIC_MESSAGES)
    assert exchange.out.body == {
        "data": [
            {"type": "model", "id": name, "display_name": name, "created_at": "2023-11-14T22:13:20Z"} for name in MODELS
        ],
        "has_more": False,
        "first_id": "claude",
        "last_id": "tuned",
    }
    listed = await served("models", path="/v1/models", dialect=Dialect.ANTHROPIC_MESSAGES, models=SOLE)
    assert [one["id"] for one in listed.out.body["data"]] == ["opus", "beta/opus"]
    assert (listed.out.body["first_id"], listed.out.body["last_id"]) == ("opus", "beta/opus")
    exchange = await served("models", path="/v1/models/gpt", dialect=Dialect.ANTHROPIC_MESSAGES)
    assert (exchange.out.body["type"], exchange.out.body["id"]) == ("model", "gpt")
    assert exchange.out.headers["request-id"] == "req_1"
