"""The admin port's page that takes a target out, asked as ASGI: who may, and what it takes."""

from hashlib import sha256
from types import SimpleNamespace

import orjson
import pytest

from proxy.admin.health import Health
from proxy.admin.pages import admin_app
from proxy.edge import CONNECTION
from proxy.telemetry.metrics import Metrics

TRIP = "/targets/trip"
TOKEN = "st-admin-token"
BODY = b'{"target": "alpha/x"}'


class Clock:
    def now(self):
        return 0.0


class Scene:
    def __init__(self, tokens=()):
        self.tripped = []
        self.app = admin_app(
            health=Health(0.0), clock=Clock(), metrics=Metrics(), state=dict, budgets=dict, unfit=str,
            feed=SimpleNamespace(), trip=self.trip,
            token_sha256=lambda: [sha256(token.encode()).hexdigest() for token in tokens],
        )  # fmt: skip

    def trip(self, target, by):
        if target != "alpha/x":
            raise LookupError("There is no such target; known: alpha/x.")
        self.tripped.append((target, by))
        return {"target": target, "breaker": {"state": "OPEN"}}

    async def ask(self, body=BODY, method="POST", peer="127.0.0.1", **headers):
        sent = []
        headers = {"host": "127.0.0.1:4601", "content-type": "application/json"} | headers

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http", "method": method, "path": TRIP, "query_string": b"", "client": (peer, 1),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "extensions": {CONNECTION: SimpleNamespace(problem=None)},
        }  # fmt: skip
        await self.app(scope, receive, send)
        return sent[0]["status"], orjson.loads(sent[1]["body"])


async def test_a_target_is_taken_out_and_the_log_learns_from_where():
    scene = Scene()
    assert await scene.ask() == (200, {"target": "alpha/x", "breaker": {"state": "OPEN"}})
    assert scene.tripped == [("alpha/x", "127.0.0.1")]


async def test_an_unknown_target_is_a_404_that_names_what_there_is():
    status, told = await Scene().ask(b'{"target": "alpha/z"}')
    assert (status, told["error"]["code"], told["error"]["param"]) == (404, "target_not_found", "target")
    assert told["error"]["message"] == "There is no such target; known: alpha/x."


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b"{}", 400), (b'{"target": 1}', 400), (b'{"target": "alpha/x", "for": 9}', 400),
     (b'{"model": "alpha/x"}', 400), (BODY + b" " * 5000, 413)],
)  # fmt: skip
async def test_what_names_no_target_takes_none_out(body, status):
    scene = Scene()
    found, told = await scene.ask(body)
    assert (found, scene.tripped) == (status, [])
    assert told["error"]["message"].endswith(".")


async def test_a_body_that_a_web_pages_form_could_send_is_refused():
    scene = Scene()
    status, _ = await scene.ask(**{"content-type": "text/plain"})
    assert (status, scene.tripped) == (415, [])


@pytest.mark.parametrize(
    "asked",
    [{"peer": "10.0.0.9"}, {"host": "rebound.example:4601"}, {"origin": "https://elsewhere.example"}],
)
async def test_without_a_token_it_is_for_this_machine_alone(asked):
    scene = Scene()
    assert ((await scene.ask(**asked))[0], scene.tripped) == (401, [])


async def test_where_a_token_is_configured_everybody_needs_it_and_the_log_learns_whose():
    scene = Scene([TOKEN])
    assert (await scene.ask())[0] == 401
    assert (await scene.ask(authorization="Bearer other"))[0] == 401
    assert scene.tripped == []
    assert (await scene.ask(authorization=f"Bearer {TOKEN}", peer="10.0.0.9"))[0] == 200
    digest = sha256(TOKEN.encode()).hexdigest()[:8]
    assert scene.tripped == [("alpha/x", f"10.0.0.9 with the admin token {digest}")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_looking_at_it_takes_nothing_out(method):
    scene = Scene()
    status, told = await scene.ask(method=method)
    assert (status, told["error"]["message"], scene.tripped) == (405, "This page takes POST.", [])
