"""Whatever a client sends, the answer is a clear error in OpenAI's shape, and the proxy goes on."""

import httpx2
import orjson
import pytest

from proxy.drill import script

HELLO = {"model": "duo", "messages": [{"role": "user", "content": "hello"}]}


def bad_history(arguments) -> dict:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return {
        "model": "claude",
        "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "done"},
        ],
    }


BODIES = {
    "empty": (b"", 400, "invalid_json", None),
    "half a json": (b'{"model": "duo", ', 400, "invalid_json", None),
    "invalid utf-8": (
        b'{"model": "duo", "messages": [{"role": "user", "content": "\xff\xfe"}]}',
        400,
        "invalid_json",
        None,
    ),
    "deep nesting": (b"[" * 100_000, 400, "invalid_json", None),
    "not an object": (b"[1, 2]", 400, None, None),
    "no model": ({"messages": HELLO["messages"]}, 400, None, "model"),
    "model is a number": (HELLO | {"model": 7}, 400, None, "model"),
    "no messages": ({"model": "duo"}, 400, None, "messages"),
    "messages is a string": (HELLO | {"messages": "hello"}, 400, None, "messages"),
    "a message is a string": (HELLO | {"messages": ["hello"]}, 400, None, "messages[0]"),
    "unknown role": (HELLO | {"messages": [{"role": "boss", "content": "x"}]}, 400, None, "messages[0].role"),
    "stream is a string": (HELLO | {"stream": "yes"}, 400, None, "stream"),
    "unknown model": (HELLO | {"model": "nobody"}, 404, "model_not_found", "model"),
    "bad tool arguments": (bad_history("{oops"), 400, None, "messages[1].tool_calls[0].function.arguments"),
    "result without a call": (
        {"model": "claude", "messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]},
        400,
        None,
        "messages[0].tool_call_id",
    ),
}


async def post(world, body, path="/chat/completions", **more) -> httpx2.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = {"content-type": "application/json"} | more.pop("headers", {})
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.post(world.url + path, content=content, headers=headers, **more)


@pytest.mark.parametrize("name", BODIES)
async def test_a_bad_body_is_told_with_its_field_and_costs_no_upstream_call(world, name):
    body, status, code, param = BODIES[name]
    answer = await post(world, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param), error
    if code is not None:
        assert error["code"] == code
    assert error["message"] and "\n" not in error["message"]
    assert answer.headers["x-should-retry"] == "false" and answer.headers["x-request-id"].startswith("req_")
    assert sum(world.calls().values()) == 0
    assert (await post(world, HELLO)).status_code == 200, "the proxy goes on"


BY_DIALECT = {
    "/chat/completions": HELLO,
    "/responses": {"model": "duo", "input": "hello"},
    "/completions": {"model": "duo", "prompt": "hello"},
    "/embeddings": {"model": "vectors", "input": "hello"},
    "/messages": {"model": "duo", "max_tokens": 9, "messages": HELLO["messages"]},
}


@pytest.mark.parametrize("path", BY_DIALECT)
@pytest.mark.parametrize("seconds", ["soon", "-1", "0", "nan", "inf", "10s"])
async def test_a_timeout_that_is_no_time_is_told_by_its_headers_name(world, path, seconds):
    answer = await post(world, BY_DIALECT[path], path, headers={"x-request-timeout": seconds})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["message"].startswith(f"The header x-request-timeout is '{seconds}'")
    assert path == "/messages" or (error["param"], error["code"]) == ("x-request-timeout", "invalid_value")
    assert sum(world.calls().values()) == 0
    assert (await post(world, BY_DIALECT[path], path, headers={"x-request-timeout": "10"})).status_code == 200


async def test_a_relayed_request_is_not_checked_beyond_its_envelope(world):
    """Tomorrow's fields, and values only the provider can judge, go through to a provider of the same dialect."""
    body = HELLO | {"model": "solo", "tomorrow": {"a": [1]}, "temperature": "hot"}
    assert (await post(world, body)).status_code == 200
    sent = world.alpha.requests[-1].body
    assert sent == body | {"model": "demo-large"}


async def test_a_shape_no_target_can_give_is_a_400_naming_the_field(world):
    answer = await post(world, HELLO | {"model": "claude", "logprobs": True})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "unsupported_parameter", "logprobs")
    assert sum(world.calls().values()) == 0


async def test_a_target_that_cannot_give_the_shape_is_skipped_for_one_that_can(world):
    world.alpha.script = script.status(503)
    answer = await post(world, HELLO | {"logprobs": True})
    error = answer.json()["error"]
    assert answer.status_code == 502
    assert "beta/demo-claude" in error["message"] and "logprobs" in error["message"]
    assert world.calls()["beta"] == 0


async def test_a_hint_is_dropped_and_reported(world):
    answer = await post(world, HELLO | {"model": "claude", "seed": 7})
    assert answer.status_code == 200
    assert "dropped=seed" in answer.headers["x-sidestep-translation"]
    assert "seed" not in world.beta.requests[-1].body


@pytest.mark.parametrize(
    ("mode", "field", "status"), [("strict", "seed", 400), ("warn", "logprobs", 400), ("lenient", "logprobs", 200)]
)
async def test_the_mode_header_decides_what_may_be_lost(world, mode, field, status):
    value = 7 if field == "seed" else True
    answer = await post(world, HELLO | {"model": "claude", field: value}, headers={"x-sidestep-mode": mode})
    assert answer.status_code == status
    if status == 200:
        assert f"dropped={field}" in answer.headers["x-sidestep-translation"]


async def test_an_unknown_mode_is_refused(world):
    answer = await post(world, HELLO, headers={"x-sidestep-mode": "whatever"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "x-sidestep-mode")


@pytest.mark.parametrize("stream", [False, True])
async def test_metadata_is_in_the_answer_when_asked_for(world, stream):
    world.alpha.script = script.status(503)
    answer = await post(world, HELLO | {"stream": stream}, headers={"x-sidestep-metadata": "1"})
    if stream:
        chunks = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
        assert chunks[-1] == "[DONE]"
        (told,) = [orjson.loads(chunk)["sidestep"] for chunk in chunks[:-1] if "sidestep" in chunk]
    else:
        told = answer.json()["sidestep"]
    assert (told["provider"], told["model"]) == ("beta", "demo-claude")
    assert [one["kind"] for one in told["attempts"]][-1] == "ok"
    assert "sidestep" not in (await post(world, HELLO)).text


@pytest.mark.parametrize(
    "body", [{"model": "vectors"}, {"model": "vectors", "input": []}, {"model": "vectors", "input": [1.5]}]
)
async def test_bad_embedding_input_names_the_field(world, body):
    answer = await post(world, body, "/embeddings")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")


@pytest.mark.parametrize("path", ["/chat/completions", "/embeddings"])
async def test_a_models_name_is_bounded(world, path):
    """It would stand in headers, in logs and in memory."""
    answer = await post(world, HELLO | {"model": "m" * 300, "input": "x"}, path)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model")
    assert len(answer.text) < 1000


async def test_a_body_of_too_many_values_is_refused_before_it_is_parsed(world):
    body = b'{"model": "duo", "messages": [{"role": "user", "content": "x"}], "x": [' + b"[]," * 400_000 + b"[]]}"
    answer = await post(world, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


async def test_a_header_that_cannot_be_sent_on_harms_nobody(world):
    """A client's odd idempotency key is left out; it is no fault of a provider."""
    answer = await post(world, HELLO, headers={"idempotency-key": "café".encode()})
    assert (answer.status_code, answer.headers["x-sidestep-provider"]) == (200, "alpha")
    assert "idempotency-key" not in world.alpha.requests[-1].headers


async def test_a_call_that_comes_from_a_sidestep_is_a_loop(world):
    answer = await post(world, HELLO, headers={"x-sidestep-hop": "1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (508, "loop_detected")


async def test_invented_models_do_not_multiply_metrics(make_world, configured):
    def anything(alpha, beta, gamma):
        from proxy.config.values import ModelRoute, Step

        return configured(alpha, models={"*": ModelRoute("*", (Step("alpha", "*"),))}, embeddings={})

    async with make_world(anything) as world:
        for number in range(20):
            assert (await post(world, HELLO | {"model": f"invented-{number}"})).status_code == 200
        async with httpx2.AsyncClient(trust_env=False) as admin:
            told = (await admin.get(world.admin + "/metrics")).text
    assert "invented" not in told
    assert 'sidestep_breaker_state{model="other",provider="alpha"' in told
