"""What a client may not have it gets by no route, by no way to send its key, and by no other name for it."""

import json
from hashlib import sha256

import pytest

from proxy.config.spending import Rate, Spending
from proxy.config.values import Client, PassthroughSettings
from proxy.drill.load import once
from proxy.drill.script import status

KEY = "sk-limited-77aa"
DIGEST = (sha256(KEY.encode()).hexdigest(),)
MODEL_LIMITED = Client("limited", DIGEST, models=("chat", "vect*"))
PROVIDER_LIMITED = Client("limited", DIGEST, providers=("chat",))
HELLO = [{"role": "user", "content": "hello"}]
FORMS = {
    "a Bearer token": {"authorization": f"Bearer {KEY}"},
    "a bearer token in small letters": {"Authorization": f"bearer {KEY}"},
    "x-api-key": {"X-Api-Key": KEY},
    "both": {"authorization": f"Bearer {KEY}", "x-api-key": KEY},
}
ROUTES = {
    "chat": ("/v1/chat/completions", lambda model: {"model": model, "messages": HELLO}),
    "chat stream": ("/v1/chat/completions", lambda model: {"model": model, "messages": HELLO, "stream": True}),
    "completions": ("/v1/completions", lambda model: {"model": model, "prompt": "hello"}),
    "responses": ("/v1/responses", lambda model: {"model": model, "input": "hello"}),
    "messages": ("/v1/messages", lambda model: {"model": model, "messages": HELLO, "max_tokens": 9}),
    "count_tokens": ("/v1/messages/count_tokens", lambda model: {"model": model, "messages": HELLO}),
    "embeddings": ("/v1/embeddings", lambda model: {"model": model, "input": "hello"}),
}
NAMES = [
    "messages",
    "messages/large",
    "chat/large",
    "CHAT",
    "chat ",
    "chatter",
    "*",
    "claude-sonnet-4-5",
    "nobody-knows",
]
"""Configured ones, providers' own, such as only `*` serves, and such as are nearly the open one."""


async def ask(world, path, body=None, form="a Bearer token", **headers):
    answer = await once(world.url, path, body, FORMS[form] | headers)
    return answer, json.loads(answer.body) if answer.body.startswith(b"{") else {}


@pytest.fixture
async def by_model(guarded_with):
    async with guarded_with(clients={"limited": MODEL_LIMITED}, passthrough=PassthroughSettings("chat")) as world:
        yield world


@pytest.fixture
async def by_provider(guarded_with):
    async with guarded_with(
        clients={"limited": PROVIDER_LIMITED}, passthrough=PassthroughSettings("responses")
    ) as world:
        yield world


@pytest.mark.parametrize("form", FORMS)
async def test_no_route_serves_a_model_that_is_not_open(by_model, form):
    """And nobody learns whether there is one of that name."""
    for route, (path, body) in ROUTES.items():
        for name in NAMES:
            answer, told = await ask(by_model, path, body(name), form)
            assert answer.status == 404, (route, name, answer.body)
            assert f"The model '{name}' is not open to the client 'limited'" in told["error"]["message"]
            assert "messages" not in told["error"]["message"].replace(f"'{name}'", "")
    assert by_model.heard == []


async def test_what_is_open_is_served(by_model):
    for route, (path, body) in ROUTES.items():
        answer, _ = await ask(by_model, path, body("vectors" if route == "embeddings" else "chat"))
        assert answer.status == 200, (route, answer.body)


async def test_only_what_is_open_is_listed(by_model):
    _, told = await ask(by_model, "/v1/models")
    assert [one["id"] for one in told["data"]] == ["chat", "vectors"]
    for name in ("messages", "messages/large", "nobody-knows"):
        answer, told = await ask(by_model, f"/v1/models/{name}")
        assert (answer.status, told["error"].get("code")) in ((404, "model_not_found"), (404, None))
    answer, _ = await ask(by_model, "/v1/models/chat")
    assert answer.status == 200


async def test_nothing_passes_through_by_which_any_model_could_be_had(by_model):
    for path in ("/v1/images/generations", "/v1/files", "/v1/responses/resp_1"):
        answer, told = await ask(by_model, path, {"model": "messages"})
        assert answer.status == 404 and "'passthrough'" in told["error"]["message"]
    assert by_model.heard == []


async def test_no_route_asks_a_provider_that_is_not_open(by_provider):
    """Named in the chain it is passed over, and told; alone it is a 403."""
    for route, (path, body) in ROUTES.items():
        for name in ("messages", "messages/large", "gemini/x", "responses"):
            answer, told = await ask(by_provider, path, body(name))
            if route == "embeddings" and answer.status == 404:  # who speaks Messages has no vectors to give
                continue
            assert answer.status == 403, (route, name, answer.body)
            assert "not open to the client 'limited'; open are: chat." in told["error"]["message"]
    assert by_provider.heard == []
    for route, (path, body) in ROUTES.items():
        answer, _ = await ask(by_provider, path, body("vectors" if route == "embeddings" else "gpt-any"))
        assert answer.status == 200, (route, answer.body)
        if route not in ("embeddings", "count_tokens"):
            assert answer.headers["x-sidestep-provider"] == "chat"
            assert answer.headers["x-sidestep-skipped"].startswith("responses/gpt-any, messages/")
    assert all(not one.requests for name, one in by_provider.providers.items() if name != "chat")


async def test_none_is_asked_where_the_open_one_fails(by_provider):
    by_provider.providers["chat"].script = status(503)
    answer, told = await ask(by_provider, "/v1/chat/completions", {"model": "gpt-any", "messages": HELLO})
    assert answer.status == 502
    skipped = {one["target"]: one["reason"] for one in told["error"]["sidestep"]["skipped"]}
    assert set(skipped) == {"responses/gpt-any", "messages/gpt-any", "gemini/gpt-any"}
    assert set(skipped.values()) == {"its provider is not open to this client"}
    assert {one.path for one in by_provider.heard} == {"/v1/chat/completions"}


async def test_models_of_closed_providers_are_not_listed_nor_is_their_owner(by_provider):
    _, told = await ask(by_provider, "/v1/models")
    names = [one["id"] for one in told["data"]]
    assert "chat" in names and "vectors" in names and not any("messages" in one or "gemini" in one for one in names)
    assert {one["owned_by"] for one in told["data"]} == {"chat"}
    answer, _ = await ask(by_provider, "/v1/models/messages")
    assert answer.status == 404


async def test_nothing_passes_to_a_provider_that_is_not_open(by_provider):
    answer, told = await ask(by_provider, "/v1/files", {"a": 1})
    assert (answer.status, told["error"]["code"]) == (403, "provider_refused")
    assert by_provider.heard == []


# -- who says whose a request is


RATED = Spending(rates=(Rate("all", {"user": "*"}, requests_per_minute=1_000),))
SAYING = ["x-sidestep-user", "x-sidestep-team", "x-sidestep-task"]


@pytest.mark.parametrize("header", SAYING)
async def test_nobody_says_for_whom_a_request_is_who_may_not(guarded_with, header):
    """On every route that counts, whatever else is said."""
    mute = Client("limited", DIGEST)
    async with guarded_with(
        clients={"limited": mute}, spending=RATED, passthrough=PassthroughSettings("chat")
    ) as world:
        for path, body in (*ROUTES.values(), ("/v1/files", lambda _: {"a": 1})):
            answer, told = await ask(world, path, body("chat"), **{header: "somebody"})
            assert answer.status == 403, (path, answer.body)
            assert header in told["error"]["message"] and "speaks_for" in told["error"]["message"]
        assert world.heard == []


@pytest.mark.parametrize("header", SAYING)
@pytest.mark.parametrize("value", ["x" * 129, "a\x85b", "a\u00adb"])
async def test_what_is_no_name_goes_nowhere(guarded_with, header, value):
    speaks = Client("limited", DIGEST, speaks_for=("user", "team", "task"))
    async with guarded_with(clients={"limited": speaks}, spending=RATED) as world:
        answer, told = await ask(world, "/v1/chat/completions", ROUTES["chat"][1]("chat"), **{header: value})
        assert answer.status == 400 and header in told["error"]["message"]
        assert world.heard == []


async def test_no_provider_is_told_on_whose_account_it_is(guarded_with):
    """By none of the headers; nor is anybody's name a label, or an answer's header."""
    speaks = Client("limited", DIGEST, speaks_for=("user", "team", "task"))
    async with guarded_with(
        clients={"limited": speaks}, spending=RATED, passthrough=PassthroughSettings("chat")
    ) as world:
        said = dict.fromkeys(SAYING, "canary-name-5e1")
        for route, (path, body) in ROUTES.items():
            answer, _ = await ask(world, path, body("vectors" if route == "embeddings" else "gpt-any"), **said)
            assert answer.status == 200, (route, answer.body)
            assert "canary-name-5e1" not in str(answer.headers)
        await ask(world, "/v1/files", {"a": 1}, **said)
        assert len(world.heard) > 6
        for one in world.heard:
            assert b"canary-name-5e1" not in one._raw.body + b"".join(b"".join(pair) for pair in one._raw.headers)
