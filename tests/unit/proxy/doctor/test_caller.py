"""Calls outside any request: made as requests are, and bounded."""

import pytest

from proxy.config.hidden import Secret
from proxy.config.profiles import profile_for
from proxy.doctor.caller import Caller, NoAnswer
from proxy.upstream.engines import engine_for
from translators.faults import Kind
from translators.ir import Dialect


@pytest.fixture
def calling(kit):
    """`calling(base_url, patience_s, ...)`: a caller."""

    def make(base_url, patience_s=5.0, **provider):
        alpha = kit.provider(base_url, **provider)
        return Caller(alpha, engine_for("native", alpha, connections=2), kit.clock, patience_s)

    return make


async def test_a_call_bears_the_dialects_headers_and_the_providers_own(kit, calling):
    async with kit.Server(lambda _: kit.reply(200, {"fine": True}, date="x")) as server:
        caller = calling(server.base_url, dialect=Dialect.ANTHROPIC_MESSAGES, headers={"x-team": "blue"})
        answer = await caller.get("/models?limit=2", Secret("sk-1"))
    [asked] = server.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/v1/models?limit=2", b"")
    assert (asked.headers["x-api-key"], asked.headers["x-team"]) == ("sk-1", "blue")
    assert "anthropic-version" in asked.headers
    assert (answer.status, answer.body, answer.header("date"), answer.header("none")) == (
        200,
        b'{"fine": true}',
        "x",
        "",
    )
    assert answer.ms > 0 and abs(answer.seen_at - kit.clock.wall()) < 5


async def test_a_call_without_a_key_bears_none(kit, calling):
    async with kit.Server(lambda _: kit.reply(200, {})) as server:
        await calling(server.base_url).get("/models", None)
    assert "authorization" not in server.asked[0].headers


async def test_a_body_is_sent_as_json(kit, calling):
    async with kit.Server(lambda _: kit.reply(200, {})) as server:
        caller = calling(server.base_url)
        await caller.post("/chat/completions", None, profile_for(caller.provider, "m"), {"model": "m"})
    assert (server.asked[0].method, server.asked[0].body) == ("POST", b'{"model":"m"}')
    assert server.asked[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("text/html", True),
        ("text/html; charset=utf-8", True),
        ("application/xhtml+xml", True),
        ("application/json", False),
        ("text/plain", False),
    ],
)
async def test_a_page_for_people_is_recognised_by_its_type(kit, calling, kind, page):
    async with kit.Server(lambda _: kit.reply(200, b"x", kind)) as server:
        assert (await calling(server.base_url).get("/models", None)).is_page is page


async def test_silence_a_broken_answer_and_no_connection_are_told_apart(kit, calling):
    async with kit.Server(lambda _: None) as server:
        with pytest.raises(NoAnswer, match=r"said nothing within 0\.1 s") as silent:
            await calling(server.base_url, 0.1).get("/models", None)
    async with kit.Server(lambda _: b"nonsense\r\n\r\n") as server:
        with pytest.raises(NoAnswer) as odd:
            await calling(server.base_url).get("/models", None)
    with pytest.raises(NoAnswer, match="could not be reached") as gone:
        await calling(f"http://127.0.0.1:{kit.closed_port()}/v1").get("/models", None)
    kinds = [one.value.fault.kind for one in (silent, odd, gone)]
    assert kinds == [Kind.TIMEOUT, Kind.PROTOCOL, Kind.CONNECT]
