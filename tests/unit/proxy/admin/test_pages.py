"""The admin port's pages, asked as ASGI."""

import json
from hashlib import sha256
from types import SimpleNamespace
from unittest.mock import AsyncMock

import orjson
import pytest

from proxy.admin.feed import Feed
from proxy.admin.files import FILES
from proxy.admin.health import Health
from proxy.admin.overview import overview
from proxy.admin.pages import admin_app
from proxy.config.spending import LedgerSettings
from proxy.edge import CONNECTION
from proxy.edge.hygiene import invalid
from proxy.telemetry.metrics import Metrics
from proxy.usage.record import Record
from proxy.usage.sqlite import SqliteSink

TOKEN = "st-admin-token"
PAGES = ["/livez", "/readyz", "/metrics", "/state", "/budgets", "/usage", "/events", *FILES]
GUARDED = ["/metrics", "/state", "/budgets", "/usage", "/events"]
DOES = ["/targets/trip"]
"""Pages that do something, and are asked for nothing."""


def picture():
    state = {"source": "file", "targets": [], "providers": {}}
    return overview(state, {"budgets": [], "store": None}, [], example="curl", now=1.0, wall=2.0)


class Clock:
    time = 0.0

    def now(self) -> float:
        return self.time


class Admin:
    """The application and what it is made of."""

    ledger = LedgerSettings()

    def __init__(self, tokens=()):
        self.clock = Clock()
        self.health = Health(0.0)
        self.tokens = tokens
        self.unfit = ""
        self.failed = []
        self.fresh = AsyncMock()
        self.app = admin_app(
            health=self.health,
            clock=self.clock,
            metrics=Metrics(),
            state=lambda: {"targets": ["alpha/m"]},
            budgets=AsyncMock(return_value={"budgets": [{"budget": "daily"}], "store": "ok"}),
            unfit=lambda: self.unfit,
            feed=Feed(picture, self.clock, self.failed.append, self.fresh),
            trip=None,
            ledger=lambda: self.ledger,
            token_sha256=lambda: [sha256(token.encode()).hexdigest() for token in self.tokens],
        )

    async def ask(self, path, method="GET", peer="127.0.0.1", problem=None, query=b"", **headers):
        sent = []
        headers.setdefault("host", "127.0.0.1:4601")

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "client": (peer, 1),
            "extensions": {CONNECTION: SimpleNamespace(problem=problem)},
        }
        await self.app(scope, None, send)
        head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], head, sent[1]["body"]


@pytest.fixture(autouse=True, scope="module")
def _kept(tmp_path_factory):
    """A place where usage is kept."""
    path = tmp_path_factory.mktemp("state") / "ledger.db"
    sink = SqliteSink(str(path))
    sink.write([Record("req_1", 1.7e9, user="ann")])
    sink.close()
    Admin.ledger = LedgerSettings(f"sqlite:///{path}")


@pytest.mark.parametrize("path", PAGES)
async def test_this_machine_may_read_every_page(path):
    status, _, body = await Admin().ask(path)
    assert status == 200
    assert body


async def test_livez_fails_when_the_loop_is_late():
    admin = Admin()
    admin.clock.time = 100.0
    status, _, body = await admin.ask("/livez")
    assert status == 503
    assert orjson.loads(body)["alive"] is False


async def test_readyz_fails_while_draining():
    admin = Admin()
    admin.health.draining = True
    assert (await admin.ask("/readyz"))[0] == 503
    assert (await admin.ask("/livez"))[0] == 200


async def test_state_shows_what_the_application_says():
    assert orjson.loads((await Admin().ask("/state"))[2]) == {"targets": ["alpha/m"]}


async def test_the_live_page_is_told_what_else_there_is_to_ask():
    """So that it offers, and asks for, nothing that is not there."""
    assert orjson.loads((await Admin().ask("/events"))[2])["pages"] == sorted([*GUARDED, *DOES])


async def test_metrics_are_in_the_form_that_is_asked_for():
    assert "text/plain" in (await Admin().ask("/metrics"))[1]["content-type"]
    asked = await Admin().ask("/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert "application/openmetrics-text" in asked[1]["content-type"]


async def test_usage_is_asked_for_by_its_query():
    _, _, body = await Admin().ask("/usage", query=b"by=user")
    assert [row["user"] for row in orjson.loads(body)["rows"]] == ["ann"]
    status, _, body = await Admin().ask("/usage", query=b"by=key")
    assert (status, orjson.loads(body)["error"]["message"][:12]) == (400, "by: at most ")


@pytest.mark.parametrize("path", GUARDED)
async def test_without_a_token_configured_no_other_machine_may_read_them(path):
    status, _, body = await Admin().ask(path, peer="10.0.0.9")
    assert status == 401
    assert "token_sha256" in orjson.loads(body)["error"]["message"]


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize(
    "sent",
    [
        {"host": "rebound.example:4601"},
        {"host": "rebound.example:4601", "origin": "http://rebound.example:4601"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"host": ""},
        {"host": "[::1"},
    ],
)
async def test_without_a_token_no_page_of_another_machine_may_read_them(path, sent):
    """Even though the browser that shows it runs here."""
    assert (await Admin().ask(path, **sent))[0] == 401
    assert (await Admin([TOKEN]).ask(path, authorization=f"Bearer {TOKEN}", **sent))[0] == 200


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("host", ["localhost:4601", "127.0.0.1", "[::1]:4601"])
async def test_this_machine_has_several_names(path, host):
    assert (await Admin().ask(path, host=host, origin=f"http://{host}"))[0] == 200


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("peer", ["10.0.0.9", "127.0.0.1"])
async def test_with_a_token_configured_everybody_needs_it(path, peer):
    admin = Admin([TOKEN, "st-other"])
    assert (await admin.ask(path, peer=peer))[0] == 401
    assert (await admin.ask(path, peer=peer, authorization="Bearer st-wrong"))[0] == 401
    assert (await admin.ask(path, peer=peer, authorization="Bearer "))[0] == 401
    assert (await admin.ask(path, peer=peer, authorization=f"Bearer {TOKEN}"))[0] == 200
    assert (await admin.ask(path, peer=peer, x_api_key="st-other"))[0] == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_probes_need_no_token(path):
    """A kubelet has none."""
    assert (await Admin([TOKEN]).ask(path, peer="10.0.0.9"))[0] == 200


@pytest.mark.parametrize("path", ["/page/", "/nowhere", "/page/../pages.py", "/livez/", "/v1/models"])
async def test_an_unknown_page_is_told_in_json(path):
    status, head, body = await Admin().ask(path)
    assert (status, head["content-type"]) == (404, "application/json")
    assert "/livez" in orjson.loads(body)["error"]["message"]


@pytest.mark.parametrize("path", PAGES)
async def test_another_method_is_told_in_json(path):
    status, head, body = await Admin().ask(path, method="POST")
    assert (status, head["allow"]) == (405, "GET, HEAD")
    assert orjson.loads(body)["error"]["code"] == "method_not_allowed"


async def test_what_the_connection_could_not_read_is_told():
    status, _, body = await Admin().ask("", problem=invalid("Too large.", status=431))
    assert status == 431
    assert orjson.loads(body)["error"]["message"] == "Too large."


async def test_the_budgets_are_shown():
    status, _, body = await Admin().ask("/budgets")
    assert (status, json.loads(body)) == (200, {"budgets": [{"budget": "daily"}], "store": "ok"})


async def test_who_looks_for_the_first_time_sees_what_was_asked_for_just_now():
    admin = Admin()
    await admin.ask("/events")
    admin.fresh.assert_awaited_once()


async def test_who_cannot_keep_a_hard_budget_is_not_ready_and_says_why():
    admin = Admin()
    admin.unfit = "the ledger file is damaged; move it away"
    status, _, body = await admin.ask("/readyz")
    told = json.loads(body)
    assert (status, told["ready"], told["budgets"]) == (503, False, "the ledger file is damaged; move it away")
