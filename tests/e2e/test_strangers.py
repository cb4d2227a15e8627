"""Who brings no key learns nothing of the proxy: the same 401 on every path, in the shape of whoever seems to ask."""

from hashlib import sha256

import httpx2
import pytest

from proxy.config.values import Client, PassthroughSettings

KEY = "sk-sidestep-7f3a"
ASKED = [
    ("GET", "/"),
    ("GET", "/v1"),
    ("POST", "/v1/nowhere"),
    ("POST", "/chat/completions"),
    ("POST", "/v1/v1/messages"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/duo"),
    ("DELETE", "/v1/models/duo"),
    ("GET", "/v1/chat/completions"),
    ("POST", "/v1/chat/completions"),
    ("OPTIONS", "/v1/embeddings"),
    ("PUT", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("PATCH", "/v1/responses"),
    ("POST", "/v1/completions"),
    ("PATCH", "/v1/files"),
    ("GET", "/v1/files?a=%22{}"),
]


@pytest.fixture(scope="module")
async def guarded(make_world, configured):
    """A world that knows one client."""

    def configure(*providers):
        clients = {"app": Client("app", (sha256(KEY.encode()).hexdigest(),))}
        return configured(*providers, clients=clients, passthrough=PassthroughSettings("alpha"))

    async with make_world(configure) as made:
        yield made


async def ask(world, method, path, content=b"a=1", **headers) -> httpx2.Response:
    url = world.url.removesuffix("/v1") + path
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.request(method, url, content=content, headers={"content-type": "text/plain"} | headers)


@pytest.mark.parametrize(("method", "path"), ASKED)
@pytest.mark.parametrize("key", [{}, {"authorization": "Bearer wrong"}, {"x_api_key": "wrong"}])
async def test_without_a_key_every_path_and_method_is_the_same_401(guarded, method, path, key):
    """Nothing tells which paths there are, which methods they take, or of what type a body should be."""
    answer = await ask(guarded, method, path, **key)
    error = answer.json()["error"]
    assert (answer.status_code, "allow" in answer.headers) == (401, False)
    known = await ask(guarded, "POST", "/v1/chat/completions", **key)
    assert error["message"] == known.json()["error"]["message"]
    of_anthropic = "/messages" in path and not path.startswith("/v1/v1")
    shared = path == "/v1" or not path.startswith("/v1/") or path.startswith(("/v1/models", "/v1/nowhere", "/v1/v1"))
    if of_anthropic or (shared and "x_api_key" in key):
        assert (answer.json()["type"], error["type"]) == ("error", "authentication_error")
        assert error["details"]["error_code"] == "invalid_api_key"
    else:
        assert error["code"] == "invalid_api_key"


async def test_with_a_key_the_path_and_the_method_are_told(guarded):
    bearer = f"Bearer {KEY}"
    unknown = await ask(guarded, "POST", "/v1/nowhere", authorization=bearer)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_url")
    assert "/v1/embeddings" in unknown.json()["error"]["message"]
    wrong = await ask(guarded, "GET", "/v1/messages", x_api_key=KEY)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert wrong.json()["error"]["type"] == "invalid_request_error"
    typed = await ask(guarded, "POST", "/v1/chat/completions", authorization=bearer)
    assert (typed.status_code, typed.json()["error"]["code"]) == (400, "unsupported_media_type")


async def test_a_head_that_can_be_read_in_two_ways_is_told_to_anybody(guarded):
    """Whose it is cannot be asked."""
    answer = await ask(guarded, "GET", "/v1/nowhere", **{"x-sidestep-hop": "1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (508, "loop_detected")
