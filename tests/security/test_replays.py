"""What went wrong in other proxies, tried here: each attack as it was published, against a whole proxy.

Where a row of theirs needs a place that this proxy does not have (a database, a console, a place that runs code), the
test is that there is none.
"""

import orjson
import pytest

from proxy.drill.load import once
from tests.security.conftest import CLIENT_KEY

HELLO = {"model": "chat", "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"
INJECTIONS = ("' OR 1=1 --", "sk-' UNION SELECT token FROM keys --", '"; DROP TABLE keys; --', "%27%20OR%201=1")


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("header", ["authorization", "x_api_key"])
async def test_a_key_is_never_part_of_a_query_not_even_on_the_way_of_an_error(guarded, header, text):
    sent = {"authorization": f"Bearer {text}"} if header == "authorization" else {"authorization": "", header: text}
    for path in (CHAT, "/v1/messages", "/v1/unknown"):
        assert (await guarded.ask(path, HELLO, **sent)).status == 401
    assert guarded.heard == []
    assert text.encode() not in guarded.log.getvalue()


@pytest.mark.parametrize("host", ["h/v1/models?", "h/livez#", "127.0.0.1:4601", "h@admin/metrics"])
async def test_the_host_header_moves_no_request_past_its_check(guarded, host):
    """The route is the path that was sent, and the key is asked for on that route."""
    assert (await guarded.ask(CHAT, HELLO, host=host, authorization="Bearer wrong")).status in {400, 401}
    assert (await guarded.ask("/metrics", host=host, authorization="Bearer wrong")).status in {400, 401}
    assert guarded.heard == []


@pytest.mark.parametrize(
    "path",
    [
        "/config/update",
        "/config/yaml",
        "/key/generate",
        "/user/new",
        "/mcp-rest/test/connection",
        "/guardrails/apply_guardrail",
        "/debug/memory",
        "/health/services",
        "/v1/mcp",
        "/metrics",
        "/state",
        "/livez",
        "/docs",
        "/openapi.json",
    ],
)
async def test_there_is_no_place_to_be_configured_tested_or_looked_into_at_the_data_port(guarded, path):
    """A stranger learns not even that; a client learns that it is not there."""
    for body in (None, {"command": "id", "api_base": "http://127.0.0.1:1"}):
        assert (await guarded.ask(path, body, authorization="Bearer wrong")).status == 401
        assert (await guarded.ask(path, body)).status == 404
    assert guarded.heard == []


async def test_a_key_that_begins_like_one_that_was_just_let_in_is_another_key(guarded):
    """A cache by the first characters would let it in."""
    assert (await guarded.ask(CHAT, HELLO)).status == 200
    for near in (
        CLIENT_KEY[:-1],
        CLIENT_KEY[:20],
        f"{CLIENT_KEY[:20]}{'0' * 20}",
        f"{CLIENT_KEY} ",
        CLIENT_KEY.upper(),
    ):
        expected = 200 if near.strip() == CLIENT_KEY else 401
        assert (await guarded.ask(CHAT, HELLO, authorization=f"Bearer {near}")).status == expected, near


@pytest.mark.parametrize("field", ["n", "max_tokens", "max_completion_tokens", "top_logprobs", "seed"])
@pytest.mark.parametrize("number", [10**18, 2**63, -(2**63), 10**400, -1])
async def test_a_number_without_measure_breaks_nothing(guarded, field, number):
    """It is refused, or the provider's to judge; it is never ours to fail at."""
    body = b'{"model": "messages", "messages": [{"role": "user", "content": "Hi"}], "%b": %d}' % (
        field.encode(),
        number,
    )
    head = f"POST {CHAT} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {CLIENT_KEY}\r\n"
    told = await raw(
        guarded, f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    )
    assert told.status in {200, 400}, told.body
    assert b"own_error" not in guarded.log.getvalue().replace(b'"own_error":false', b"")


async def test_multipart_is_not_parsed_however_its_boundary_goes(guarded):
    head = f"POST {CHAT} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {CLIENT_KEY}\r\ncontent-length: 2\r\n"
    kind = f"content-type: multipart/form-data; boundary={'-' * 8_000}\r\n\r\n"
    told = await raw(guarded, f"{head}{kind}--".encode())
    assert (told.status, orjson.loads(told.body)["error"]["code"]) == (400, "unsupported_media_type")
    assert guarded.heard == []


async def test_a_restriction_holds_for_every_header_form_and_every_sibling_route(guarded):
    """One check for all of them: a wrong key beside a right one is not outvoted."""
    routes = {CHAT: HELLO, "/v1/messages": HELLO | {"max_tokens": 9}, "/v1/responses": {"model": "chat", "input": "Hi"}}
    routes |= {
        "/v1/completions": {"model": "chat", "prompt": "Hi"},
        "/v1/embeddings": {"model": "vectors", "input": "Hi"},
    }
    routes |= {"/v1/messages/count_tokens": HELLO, "/v1/models": None}
    for path, body in routes.items():
        assert (await guarded.ask(path, body)).status == 200, path
        assert (await guarded.ask(path, body, authorization="Bearer wrong", x_api_key=CLIENT_KEY)).status == 401, path
        assert (await once(guarded.url, path, body, {"x-api-key": f"{CLIENT_KEY}x"})).status == 401, path


async def test_a_request_that_came_from_a_proxy_of_this_kind_goes_round_no_loop(guarded):
    told = await guarded.ask(CHAT, HELLO, x_sidestep_hop="1")
    assert told.status == 508
    assert guarded.heard == []


async def test_what_a_provider_says_of_our_key_reaches_neither_the_client_nor_the_log(guarded):
    """Vendors quote a part of a key that they refuse."""
    from proxy.drill import script

    quoted = "Incorrect API key provided: sk-chat-canary. See https://internal.example/billing"
    for code in (400, 401, 403, 404, 429, 500):
        guarded.providers["chat"].script = script.status(code, message=quoted)
        told = await guarded.ask(CHAT, HELLO)
        if code != 400:  # what a provider says of a refused request is its client's to read
            assert b"canary" not in told.body, code
        assert b"canary" not in orjson.dumps(dict(told.headers))
    assert b"canary" not in guarded.log.getvalue()


async def raw(guarded, request):
    from proxy.drill.load import Channel

    channel = await Channel.open(guarded.url)
    try:
        return await channel.send(request)
    finally:
        channel.close()
