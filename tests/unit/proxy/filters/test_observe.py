"""Every outcome becomes an answer, a count and one line."""

import asyncio

import pytest

from proxy.filters.observe import RECENT, Observe, code_of
from proxy.flow import Attempt, Gone, Refused, cancel
from translators.codec import Envelope
from translators.faults import Fault, Kind, Malformed
from translators.ir import Dialect, Usage


@pytest.fixture
def observe(metrics, log, clock):
    return Observe(metrics, log, clock)


def raising(error):
    async def service(_):
        raise error

    return service


async def served(exchange):
    exchange.status, exchange.provider, exchange.model = 200, "alpha", "m"
    await exchange.out.answer(200, [], b"{}")


async def test_a_served_exchange_is_counted_and_logged_with_all_that_is_known(observe, exchange, metrics, lines, clock):
    async def service(one):
        one.asked = "m"
        one.envelope = Envelope(model="m", stream=True, include_usage=False)
        one.attempts.append(Attempt("beta/x", "server", 503, 100))
        one.attempts.append(Attempt("alpha/m", "ok", 200, 300))
        one.skipped.append(("gamma/y", "cannot"))
        one.usage = Usage(input=7, output=9)
        one.translation = "dropped=seed"
        one.retry_count = 1
        one.cost = 12_500
        clock.time += 0.4
        one.upstream_s, one.first_token = 0.35, clock.now()
        clock.time += 0.6
        await served(one)

    await observe(exchange, service)
    assert lines.one() == {
        "time": "2023-11-14T22:30:01.000000Z",
        "level": "info",
        "event": "exchange",
        "id": "req_1",
        "client": None,
        "route": "chat",
        "asked": "m",
        "provider": "alpha",
        "model": "m",
        "status": 200,
        "kind": None,
        "code": None,
        "attempts": "beta/x;server;503;100, alpha/m;ok;200;300",
        "skipped": ["gamma/y"],
        "ms": 1000.0,
        "added_ms": 50.0,
        "first_token_ms": 400.0,
        "tokens_in": 7,
        "tokens_out": 9,
        "cost_usd": 0.0000125,
        "translation": "dropped=seed",
        "stream": True,
        "retry_count": 1,
        "own_error": False,
    } | {"time": lines.one()["time"]}
    assert metrics.requests == {("chat", "alpha", "m", "200", ""): 1}
    assert metrics.tokens == {("input", "alpha", "m"): 7, ("output", "alpha", "m"): 9}
    assert metrics.ttft_seconds["alpha", "m"].sum == pytest.approx(0.4)
    assert metrics.added_seconds["chat",].sum == pytest.approx(0.05)
    assert metrics.request_seconds["chat",].sum == pytest.approx(1.0)


async def test_a_score_is_logged_and_is_not_among_the_last_requests(observe, exchange, lines):
    """Each request may have one, which would leave no room for what they are about."""
    exchange.route = "feedback"
    await observe(exchange, raising(Malformed("Bad.", code="invalid_value")))
    assert (lines.one()["route"], list(observe.recent)) == ("feedback", [])


async def test_a_refusal_is_told_with_its_headers(observe, exchange, metrics, lines):
    fault = Fault(kind=Kind.SHED, message="Full.", code="overloaded")
    refused = Refused(fault, retry_after_s=1.2, should_retry=True, more=[("allow", "POST")])
    await observe(exchange, raising(refused))
    out = exchange.out
    assert (out.status, out.error["message"], out.error["code"]) == (503, "Full.", "overloaded")
    assert out.headers["retry-after"] == "2"
    assert out.headers["x-should-retry"] == "true"
    assert out.headers["allow"] == "POST"
    assert out.headers["x-request-id"] == "req_1"
    assert metrics.requests == {("chat", "", "", "503", "overloaded"): 1}
    assert (lines.one()["kind"], lines.one()["own_error"]) == ("shed", False)


async def test_a_malformed_request_is_told_with_its_field(observe, exchange):
    await observe(exchange, raising(Malformed("Bad\r\nrole.", param="messages[0].role", code="invalid_value")))
    out = exchange.out
    assert (out.status, out.error["param"], out.error["code"]) == (400, "messages[0].role", "invalid_value")
    assert out.error["message"] == "Bad role."


async def test_a_malformed_request_keeps_its_status(observe, exchange):
    await observe(exchange, raising(Malformed("Unknown.", code="model_not_found", status=404)))
    assert exchange.out.status == 404


async def test_a_client_that_left_while_sending_is_told_nothing(observe, exchange, lines):
    await observe(exchange, raising(Gone()))
    assert not exchange.out.started
    assert (lines.one()["status"], lines.one()["kind"]) == (499, "cancelled")


class Quoted(Exception):
    """Its text quotes a body, as parsers' errors do."""


async def test_a_fault_of_ours_is_told_without_detail_and_logged_by_type_and_place(observe, exchange, metrics, lines):
    await observe(exchange, raising(Quoted("the secret body")))
    out = exchange.out
    assert (out.status, out.error["code"]) == (500, "internal_error")
    assert out.headers["x-should-retry"] == "false"
    own, line = lines.all()
    assert (own["event"], own["type"], own["level"]) == ("own_error", "Quoted", "error")
    assert own["place"].split(":")[0].endswith("observe.py")
    assert (line["own_error"], line["status"], line["level"]) == (True, 500, "error")
    assert metrics.own_errors == {("internal_error",): 1}
    assert b"secret" not in b"".join(lines.written) + out.body


async def test_an_exchange_without_an_answer_is_a_fault_of_ours(observe, exchange):
    async def silent(_):
        pass

    await observe(exchange, silent)
    assert exchange.out.status == 500
    assert exchange.own_error


@pytest.mark.parametrize("error", [Refused(Fault(kind=Kind.DEADLINE, message="x")), LookupError(), Malformed("x")])
async def test_an_answer_that_has_started_can_only_be_cut(observe, exchange, error):
    async def service(one):
        one.status = 200
        await one.out.start(200, [])
        raise error

    await observe(exchange, service)
    assert exchange.out.aborted
    assert exchange.out.body == b""
    assert exchange.fault is not None


class Unspeakable:
    """A codec that fails when asked to render."""

    dialect = Dialect.OPENAI_CHAT

    def render_fault(self, fault, extra=None):
        raise LookupError("rendering failed")


async def test_a_fault_that_cannot_be_rendered_is_still_answered(observe, exchange_of):
    exchange = exchange_of(codec=Unspeakable())
    await observe(exchange, raising(Malformed("x")))
    assert (exchange.out.status, exchange.out.error["code"]) == (500, "internal_error")


REASONS = {Kind.DEADLINE: (504, "false"), Kind.SHED: (503, "true")}


@pytest.mark.parametrize("kind", REASONS)
async def test_a_cancelled_exchange_is_told_why(observe, exchange, kind):
    async def service(one):
        cancel(one, asyncio.current_task(), Fault(kind=kind, message="Over."))
        await asyncio.Event().wait()

    before = asyncio.current_task().cancelling()
    await observe(exchange, service)
    assert (exchange.out.status, exchange.out.headers["x-should-retry"]) == REASONS[kind]
    assert asyncio.current_task().cancelling() == before


async def test_a_client_that_left_is_told_nothing(observe, exchange, metrics):
    async def service(one):
        cancel(one, asyncio.current_task(), Fault(kind=Kind.CANCELLED, message="Left."))
        await asyncio.Event().wait()

    await observe(exchange, service)
    assert not exchange.out.started
    assert metrics.requests == {("chat", "", "", "499", ""): 1}


async def test_a_cancelled_stream_is_cut(observe, exchange):
    async def service(one):
        await one.out.start(200, [])
        cancel(one, asyncio.current_task(), Fault(kind=Kind.DEADLINE, message="Over."))
        await asyncio.Event().wait()

    await observe(exchange, service)
    assert exchange.out.aborted
    assert exchange.fault.kind is Kind.DEADLINE


async def test_a_cancellation_without_a_reason_goes_on(observe, exchange, lines):
    """It is the loop that ends."""
    with pytest.raises(asyncio.CancelledError):
        await observe(exchange, raising(asyncio.CancelledError()))
    assert lines.one()["event"] == "exchange"


async def test_a_model_name_is_logged_short(observe, exchange, lines):
    async def service(one):
        one.asked = "x" * 10_000
        await served(one)

    await observe(exchange, service)
    assert len(lines.one()["asked"]) == 120


def test_a_fault_without_a_code_has_its_kinds():
    assert code_of(Fault(kind=Kind.PROTOCOL, message="x")) == "upstream_invalid_response"
    assert code_of(None) is None


@pytest.mark.parametrize(
    ("code", "logged"),
    [
        ("context_length_exceeded", "context_length_exceeded"),
        ("InvalidParameter.Value-2", "InvalidParameter.Value-2"),
        ("1301", "1301"),
        ("my secret prompt", None),
        ("line\nbreak", None),
        ("x" * 65, None),
    ],
)
def test_only_what_looks_like_a_code_is_told_as_one(code, logged):
    assert code_of(Fault(kind=Kind.REFUSED, message="x", code=code)) == logged


async def test_the_last_exchanges_are_kept_with_their_way_for_who_looks(observe, exchange, lines):
    """Without headers and bodies, which the exchange itself would hold on to."""

    async def service(one):
        one.payload = {"secret": "text"}
        one.attempts.append(Attempt("alpha/m", "ok", 200, 300))
        one.skipped.append(("gamma/y", "cannot"))
        await served(one)

    await observe(exchange, service)
    [(told, attempts, skipped, choice)] = observe.recent
    assert (told.id, told.status, lines.one()["id"]) == ("req_1", 200, "req_1")
    assert ([one.target for one in attempts], skipped, choice) == (["alpha/m"], [("gamma/y", "cannot")], None)


async def test_no_more_of_them_are_kept_than_so_many(observe, exchange_of):
    exchanges = [exchange_of() for _ in range(RECENT + 5)]
    for number, one in enumerate(exchanges):
        one.id = f"req_{number}"
        await observe(one, served)
    assert [told.id for told, *_ in observe.recent] == [one.id for one in exchanges[5:]]
