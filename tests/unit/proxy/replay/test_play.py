"""Recorded exchanges run on the stack that serves: together where they were, and to the end they had."""

import os
from functools import partial
from pathlib import Path

import orjson
import pytest
from msgspec import structs

from proxy.app import build
from proxy.config.hidden import Secret
from proxy.config.spending import Budget, LedgerSettings, Price, Rate, Spending, TokenSettings
from proxy.config.values import (
    BreakerSettings,
    Client,
    Config,
    ModelRoute,
    Provider,
    ProviderKey,
    RecordSettings,
    RetrySettings,
    Step,
    TelemetrySettings,
)
from proxy.recording.form import Call, Line, Stopped
from proxy.replay.play import foreign, offline, played, unplayed
from translators.ir import Dialect

NAMES = ("alpha", "beta")
PROVIDERS = {
    name: Provider(name, Dialect.OPENAI_CHAT, f"https://{name}.test/v1", keys=(ProviderKey("env:K", Secret("k")),),
                   breaker=BreakerSettings(consecutive_failures=1), retry=RetrySettings(attempts_per_target=1))
    for name in NAMES
}  # fmt: skip
CONFIG = Config(
    PROVIDERS,
    {"m": ModelRoute("m", (Step("alpha", "m"), Step("beta", "m")))},
    clients={"app": Client("app", ("0" * 64,))},
    record=RecordSettings("x"),
    telemetry=TelemetrySettings("https://t.test"),
    spending=Spending(ledger=LedgerSettings("sqlite:///kept.db")),
)
SAID = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
GOOD = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [SAID]}


def call(place, provider, *, status=200, ms=100.0, end="whole"):
    body = orjson.dumps(GOOD if status == 200 else {"error": {"message": "no"}}).decode()
    return Call(
        id=f"c.{place}", source="s", provider=provider, endpoint="/chat/completions", method="POST",
        url=f"https://{provider}.test/v1/chat/completions", request_headers={}, request_body={}, status=status,
        response_headers={"content-type": "application/json"}, response_body=body, stream=False, sse=False,
        chunk_lens=[len(body)], model="m", fidelity="exact", dialect="openai-chat", sent_ms=0.0, head_ms=ms,
        chunk_ms=[ms], ended_ms=ms, end=end,
    )  # fmt: skip


def line(name, at, *calls, **more):
    told = {
        "id": name, "source": "s", "provider": "", "endpoint": "chat", "method": "POST",
        "url": "/v1/chat/completions", "request_headers": {"content-type": "application/json"},
        "request_body": {"model": "m", "messages": [{"role": "user", "content": "hi"}]}, "status": 200,
        "response_headers": {}, "response_body": "", "stream": False, "sse": False, "chunk_lens": [], "model": "m",
        "fidelity": "exact", "recording": 1, "at": at, "clock": at, "ms": 1.0, "attempts": [], "calls": list(calls),
    }  # fmt: skip
    return Line(**(told | more))


@pytest.fixture
def run():
    with Path(os.devnull).open("wb", buffering=0) as nowhere:
        yield lambda *lines, config=CONFIG: played(partial(build, log=nowhere), config, lines)


def attempts(one):
    return [(attempt.target, attempt.kind) for attempt in one.exchange.attempts]


def test_an_exchange_is_answered_as_its_calls_were(run):
    [one] = run(line("req_1", 5.0, call(1, "alpha", status=503), call(2, "beta"), client="app"))
    assert attempts(one) == [("alpha/m", "server"), ("beta/m", "ok")]
    assert (one.exchange.id, one.exchange.status, one.exchange.client.name) == ("req_1", 200, "app")
    assert orjson.loads(one.out.body)["choices"] == GOOD["choices"]


def test_what_one_exchange_does_to_a_breaker_another_meets(run):
    first = line("req_1", 5.0, call(1, "alpha", status=503), call(2, "beta"))
    during = line("req_2", 5.05, call(3, "alpha"))
    after = line("req_3", 6.0, call(4, "beta"))
    later = line("req_4", 3600.0, call(5, "alpha"))
    one, two, three, four = run(first, during, after, later)
    assert attempts(two) == [("alpha/m", "ok")], "it began before the other had failed"
    assert (attempts(three), three.exchange.skipped) == ([("beta/m", "ok")], [("alpha/m", "its breaker is open")])
    assert attempts(four) == [("alpha/m", "ok")]
    assert attempts(one)[0] == ("alpha/m", "server")


def test_who_left_leaves_again(run):
    left = Stopped("cancelled", 0, None, "The client left.", 50.0)
    [one] = run(line("req_1", 5.0, call(1, "alpha", end="closed"), stopped=left))
    assert (one.exchange.status, one.exchange.fault.message, one.out.started) == (499, "The client left.", False)


def test_who_left_after_the_end_left_nothing(run):
    left = Stopped("cancelled", 0, None, "The client left.", 5000.0)
    [one] = run(line("req_1", 5.0, call(1, "alpha"), stopped=left))
    assert one.exchange.status == 200


def test_a_request_that_is_no_json_is_refused_again(run):
    [one] = run(line("req_1", 5.0, request_body=None, request_text='{"model"'))
    assert (one.exchange.status, one.exchange.fault.code) == (400, "invalid_json")


def test_it_begins_where_the_recording_did(run):
    breaker = {"state": "OPEN", "reason": "consecutive", "failures": 0, "openings": 1, "opens_for_s": 9.0, "ramp": None}
    before = {"targets": [{"target": "alpha/m", "throttled_for_s": None, "breaker": breaker}]}
    one, two = run(line("req_1", 5.0, call(1, "beta"), before=before), line("req_2", 15.0, call(2, "alpha")))
    assert attempts(one) == [("beta/m", "ok")]
    assert attempts(two) == [("alpha/m", "ok")]


@pytest.mark.parametrize("whose", ["everybody", "app"])
def test_who_costs_more_than_a_request_may_is_passed_over_again(run, whose):
    prices, most = {"alpha/m": Price(10**15, 10**15), "beta/m": Price(1, 1)}, 10**9
    spending = Spending(prices=prices, max_cost_per_request=most if whose == "everybody" else None)
    clients = {"app": Client("app", ("0" * 64,), max_cost_per_request=most if whose == "app" else None)}
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
    recorded = line("req_1", 5.0, call(1, "beta"), request_body=asked, client="app")
    config = structs.replace(CONFIG, spending=spending, clients=clients)
    [one] = run(recorded, config=config)
    assert (attempts(one), [target for target, _ in one.exchange.skipped]) == ([("beta/m", "ok")], ["alpha/m"])
    assert unplayed(config) == ""


def test_a_call_that_is_not_recorded_ends_the_exchange(run):
    [one] = run(line("req_1", 5.0, call(1, "alpha", status=503)))
    assert one.stage.unknown == "beta/m"
    assert one.exchange.own_error


def test_nobody_is_asked_told_or_let_in_by_a_key():
    found = offline(CONFIG)
    assert (found.clients, found.record, found.telemetry) == ({}, RecordSettings(), TelemetrySettings())
    assert found.spending == Spending()


def test_prices_and_the_way_of_counting_hold_where_budgets_do_not():
    prices, tokens = {"alpha/m": Price(1, 1)}, TokenSettings("tiktoken")
    spending = Spending((Budget("b", "usd", 1, "day"),), (Rate("r", {}, 1),), prices, tokens=tokens)
    spending = structs.replace(spending, max_cost_per_request=7)
    found = offline(structs.replace(CONFIG, spending=spending))
    assert found.spending == Spending(prices=prices, tokens=tokens, max_cost_per_request=7)


@pytest.mark.parametrize(
    ("spending", "named"),
    [
        (Spending((Budget("b", "usd", 1, "day"),)), "budgets: "),
        (Spending(rates=(Rate("r"),)), "rates: "),
        (Spending((Budget("b", "usd", 1, "day"),), (Rate("r"),)), "budgets, rates: "),
    ],
)
def test_what_refuses_requests_and_is_not_played_is_named(spending, named):
    said = unplayed(structs.replace(CONFIG, spending=spending))
    assert said == f"{named}not played, so whatever they refused or passed over differs"
    assert unplayed(CONFIG) == ""


def test_a_recording_of_which_no_target_is_in_a_chain_is_of_another_configuration():
    known, others = line("a", 1.0, call(1, "alpha")), [line("b", 1.0, call(1, name)) for name in "wxyz"]
    assert foreign(CONFIG, [known, *others]) == ""
    assert foreign(CONFIG, [line("c", 1.0)]) == ""
    said = foreign(structs.replace(CONFIG, source="my.toml"), others)
    assert "none of the targets that it called (w/m, x/m, y/m, ...) is in a chain of my.toml" in said
    anything = {"*": ModelRoute("*", (Step("w", "*"),))}
    assert foreign(structs.replace(CONFIG, models=anything), others) == ""
