"""What passes through breaks off on either side, comes too early, or is no path at all: each end is a clear one."""

import asyncio
import hashlib

import pytest

from proxy.config.values import Client, LimitSettings, TimeoutSettings
from tests.e2e.shelf import KEY, a_shelf
from tests.unit.proxy.edge.loopback import asked, connected, request

SOON = 5.0
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n"


def upload(size: int, path: str = "/v1/files") -> bytes:
    """The head of an upload."""
    return request("POST", path, b"", f"content-length: {size}", without=("content-length",))


async def soon(awaitable):
    async with asyncio.timeout(SOON):
        return await awaitable


@pytest.fixture(params=["native", "httpx2"])
def engine(request):
    return request.param


async def test_a_client_that_leaves_while_it_sends_takes_the_upstream_call_with_it(engine):
    begun, left = asyncio.Event(), asyncio.Event()

    async def script(one):
        await one.reader.readexactly(1000)
        begun.set()
        await one.left()
        left.set()

    async with a_shelf(engine) as (shelf, running, _), connected(running) as raw:
        shelf.script = script
        await raw.say(upload(1_000_000) + b"x" * 1000)
        await soon(begun.wait())
        raw.leave()
        await soon(left.wait())
        await soon(running.edge.drained())
        assert running.app.state()["providers"]["shelf"][0]["in_flight"] == 0


async def test_a_client_that_leaves_before_the_answers_end_takes_the_upstream_call_with_it(engine):
    left = asyncio.Event()

    async def script(one):
        await one.send(HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
        await one.left()
        left.set()

    async with a_shelf(engine) as (shelf, running, _), connected(running) as raw:
        shelf.script = script
        await raw.say(request("GET", "/v1/files/f/content"))
        assert (await raw.head())[0] == 200
        raw.leave()
        await soon(left.wait())


@pytest.mark.parametrize(
    "framing", [b"content-length: 100\r\n\r\nhalf", b"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"]
)
@pytest.mark.parametrize("end", ["close", "reset"])
async def test_an_answer_that_breaks_off_reaches_the_client_unended(engine, framing, end):
    async def script(one):
        await one.send(HEAD + framing)
        await sent.wait()
        one.reset() if end == "reset" else one.writer.close()

    sent = asyncio.Event()
    async with a_shelf(engine) as (shelf, running, _), connected(running) as raw:
        shelf.script = script
        await raw.say(request("GET", "/v1/files/f/content"))
        assert (await raw.head())[0] == 200
        sent.set()
        rest = await raw.rest()
    assert b"half" in rest and not rest.endswith(b"0\r\n\r\n")


async def test_an_upstream_that_leaves_while_it_is_sent_to_is_told_once_and_not_asked_again(engine):
    async def script(one):
        await one.reader.readexactly(1000)
        one.reset()

    async with a_shelf(engine) as (shelf, running, _), connected(running) as raw:
        shelf.script = script
        await raw.say(upload(3_000_000) + b"x" * 3_000_000)
        answer = await raw.answer()
        assert (answer.status, answer.error["code"]) == (502, "upstream_invalid_response")
        assert "x-should-retry" not in answer.headers
        assert len(shelf.asked) == 1


async def test_a_refusal_that_comes_before_the_end_of_the_body_is_the_answer(engine):
    async def script(one):
        await one.reader.readexactly(1000)
        await one.json({"error": {"message": "Too big for us."}}, 413, "connection: close")
        await one.left()

    async with a_shelf(engine) as (shelf, running, _), connected(running) as raw:
        shelf.script = script
        await raw.say(upload(3_000_000))
        await raw.say(b"x" * 3_000_000)
        answer = await raw.answer()
        assert (answer.status, answer.error["message"]) == (413, "Too big for us.")


async def test_an_upstream_that_says_nothing_is_given_up_once_it_has_the_whole_body(engine):
    """The time it has begins then: a client may take longer than that to send."""
    taken = asyncio.Event()

    async def script(one):
        await one.take()
        taken.set()
        await one.left()

    times = TimeoutSettings(progress_unary_s=0.2)
    async with a_shelf(engine, timeouts=times) as (shelf, running, _), connected(running) as raw:
        shelf.script = script
        await raw.say(upload(4) + b"ab")
        await asyncio.wait([asyncio.ensure_future(taken.wait())], timeout=0.4)
        assert not taken.is_set()
        await raw.say(b"cd")
        answer = await raw.answer()
        assert taken.is_set()
        assert (answer.status, answer.error["sidestep"]["attempts"][0]["kind"]) == (504, "timeout")


async def test_a_client_that_stops_sending_is_told_so(engine):
    limits = LimitSettings(body_idle_s=0.2)
    async with a_shelf(engine, limits=limits) as (_, running, _), connected(running) as raw:
        await raw.say(upload(1000) + b"half")
        answer = await raw.answer()
        assert (answer.status, answer.error["code"]) == (408, "body_too_slow")


async def test_a_slow_client_slows_the_upstream_and_gets_every_byte(engine):
    """While it does not read, the upstream is held back, and that is not the upstream's silence."""
    piece = bytes(range(256)) * 256
    sent = 0
    stuck, goes_on = asyncio.Event(), asyncio.Event()

    async def script(one):
        nonlocal sent
        await one.send(HEAD + b"content-length: %d\r\n\r\n" % (len(piece) * 800))
        for _ in range(800):
            one.writer.write(piece)
            if one.writer.transport.get_write_buffer_size() > 4 * len(piece):
                stuck.set()
            await one.writer.drain()
            sent += 1
        goes_on.set()

    async with a_shelf(engine, timeouts=TimeoutSettings(idle_s=0.3)) as (shelf, running, _), connected(running) as raw:
        shelf.script = script
        await raw.say(request("GET", "/v1/files/f/content"))
        await raw.head()
        await soon(asyncio.wait([asyncio.ensure_future(goes_on.wait())], timeout=0.6))
        assert sent < 800
        digest = hashlib.sha256(await soon(raw.reader.readexactly(len(piece) * 800))).hexdigest()
    assert digest == hashlib.sha256(piece * 800).hexdigest()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/../chat/completions",
        "/v1/files/%2e%2e/models",
        "/v1/files/%252e%252e/models",
        "/v1/files/a%2fcontent",
        "/v1/files/a%5Cb",
        "/v1/files//a",
        "/v1/files/./a",
        "/v1/files/a b",
        "/v1/files/a%00b",
        "/v1/filesystem",
        "/v1/Files",
        "/v1/realtime",
        "/v1/realtime/sessions",
        "/v2/files",
        "/v1/unknown",
    ],
)
async def test_what_is_no_path_that_passes_goes_nowhere(path):
    async with a_shelf() as (shelf, running, _):
        answer = await asked(running, request("GET", path, b""))
        assert answer.status in (400, 404)
        assert shelf.asked == []


async def test_a_method_that_no_path_knows_is_refused():
    async with a_shelf() as (shelf, running, _):
        for method in ("PUT", "PATCH", "OPTIONS", "TRACE"):
            answer = await asked(running, request(method, "/v1/files", b""))
            assert (answer.status, answer.headers["allow"]) == (405, "GET, POST, DELETE")
        assert shelf.asked == []


async def test_a_compressed_body_is_refused_and_an_odd_query_too():
    async with a_shelf() as (shelf, running, _):
        assert (await asked(running, request("POST", "/v1/files", b"x", "content-encoding: gzip"))).status == 415
        assert (await asked(running, request("GET", f"/v1/files?a={'x' * 5000}", b""))).status == 400
        assert shelf.asked == []


async def test_with_clients_configured_a_key_is_needed_and_goes_no_further():
    digest = hashlib.sha256(b"ours").hexdigest()
    async with a_shelf(clients={"app": Client("app", (digest,))}) as (shelf, running, _):
        assert (await asked(running, request("GET", "/v1/files", b""))).status == 401
        assert shelf.asked == []
        assert (await asked(running, request("GET", "/v1/files", b"", "authorization: Bearer ours"))).status == 200
        assert shelf.asked[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_web_page_of_another_machine_gets_nowhere():
    async with a_shelf() as (shelf, running, _):
        lines = ("origin: https://evil.example", "content-type: multipart/form-data; boundary=x")
        form = request("POST", "/v1/files", b"x", *lines, without=("content-type",))
        assert (await asked(running, form)).status == 403
        assert shelf.asked == []


async def test_only_what_is_known_of_the_clients_headers_goes_on():
    kept = {"openai-beta": "assistants=v2", "idempotency-key": "k1", "range": "bytes=0-9", "accept": "audio/mpeg, */*"}
    dropped = ("cookie: a=b", "openai-organization: org-x", "x-forwarded-for: 1.2.3.4", "x-api-key: theirs")
    async with a_shelf() as (shelf, running, _):
        lines = [f"{name}: {value}" for name, value in kept.items()]
        await asked(running, request("POST", "/v1/files", b"x", *lines, *dropped))
        got = shelf.asked[0].headers
    assert kept.items() <= got.items()
    assert set(got) - set(kept) == {
        "host", "authorization", "accept-encoding", "user-agent", "content-type", "content-length", "x-sidestep-hop"
    }  # fmt: skip


async def test_a_connection_that_cannot_be_made_is_tried_twice_and_told(engine):
    async with a_shelf(engine) as (shelf, running, _):
        shelf._server.close()
        async with connected(running) as raw:
            await raw.say(upload(4) + b"abcd")
            answer = await raw.answer()
        attempts = answer.error["sidestep"]["attempts"]
        assert (answer.status, [one["kind"] for one in attempts]) == (502, ["connect", "connect"])
