"""What is kept of an exchange."""

from proxy.config.values import Client
from proxy.flow import Attempt, Choice, Exchange, Who
from proxy.usage.record import NAME_CAP, record_of
from translators.codec import Envelope
from translators.faults import Fault, Kind
from translators.ir import Usage

ENDED = {"at": 1.7e9, "now": 100.4203}


def exchange_of(**fields):
    values = {
        "id": "req_1", "route": "chat", "method": "POST", "path": "/v1/chat/completions", "headers": {}, "read": None,
        "peer": "10.0.0.7", "out": None, "codec": None, "started": 100.0, "asked": "m", "status": 200,
    }  # fmt: skip
    return Exchange(**(values | fields))


def test_a_record_tells_who_asked_what_of_whom_and_what_came_of_it():
    exchange = exchange_of(
        who=Who("web", "shop", "ann", "sum"),
        client=Client("web", (), tags={"env": "live"}),
        provider="alpha",
        model="large",
        envelope=Envelope("m", stream=True, include_usage=False),
        usage=Usage(
            100,
            10,
            cached=20,
            cache_write=5,
            reasoning=3,
            cache_write_1h=4,
            searches=2,
            audio=8,
            audio_output=6,
            tier="flex",
        ),
        cost=7,
        attempts=[Attempt("alpha/large", "ok", 200, 400)],
        first_token=100.0996,
    )
    found = record_of(exchange, **ENDED)
    assert (found.id, found.at, found.status, found.outcome, found.code) == ("req_1", 1.7e9, 200, "ok", "")
    assert (found.client, found.team, found.user, found.task, found.tags) == (
        "web",
        "shop",
        "ann",
        "sum",
        {"env": "live"},
    )
    assert (found.asked, found.route, found.provider, found.model, found.stream) == (
        "m",
        "chat",
        "alpha",
        "large",
        True,
    )
    assert (found.input, found.cached, found.cache_write, found.output, found.reasoning) == (100, 20, 5, 10, 3)
    assert (found.cache_write_1h, found.searches) == (4, 2)
    assert (found.audio_in, found.audio_out, found.tier) == (8, 6, "flex")
    assert (found.cost, found.attempts, found.ms, found.first_token_ms, found.estimated) == (7, 1, 420, 100, False)


def test_what_was_tried_is_told_but_where_the_first_call_answered():
    good = {"provider": "beta", "model": "small", "attempts": [Attempt("beta/small", "ok", 200, 300)]}
    assert record_of(exchange_of(**good), **ENDED).tried == ""
    assert record_of(exchange_of(), **ENDED).tried == ""
    failed = Attempt("alpha/large", "server", 500, 120)
    saved = record_of(exchange_of(**good | {"attempts": [failed, *good["attempts"]]}), **ENDED)
    assert saved.tried == "alpha/large:server:120,beta/small:ok:300"
    lost = record_of(exchange_of(attempts=[failed], fault=Fault(kind=Kind.SERVER, message="a word")), **ENDED)
    assert lost.tried == "alpha/large:server:120"


def test_a_client_nobody_placed_is_told_by_its_configuration():
    found = record_of(exchange_of(client=Client("web", (), team="shop")), **ENDED)
    assert (found.client, found.team, found.user) == ("web", "shop", "")


def test_an_estimate_stands_in_where_no_provider_says_and_is_told_as_one():
    found = record_of(exchange_of(), estimate=55, **ENDED)
    assert (found.input, found.output, found.estimated) == (55, None, True)
    said = record_of(exchange_of(usage=Usage(100, 10)), estimate=55, **ENDED)
    assert (said.input, said.estimated) == (100, False)
    assert (said.audio_in, said.audio_out, said.tier) == (None, None, "")


def test_a_fault_is_told_by_its_kind_and_its_code():
    throttled = record_of(exchange_of(status=429, fault=Fault(kind=Kind.THROTTLED, message="a word")), **ENDED)
    assert (throttled.outcome, throttled.status, throttled.code) == ("throttled", 429, "rate_limit_exceeded")
    own = record_of(exchange_of(fault=Fault(kind=Kind.REFUSED, code="own", message="a word")), **ENDED)
    assert own.code == "own"


def test_names_that_clients_choose_are_cut():
    long = "x" * 5000
    found = record_of(exchange_of(who=Who(user=long, task=long), asked=long, model=long), **ENDED)
    assert {len(name) for name in (found.user, found.task, found.asked, found.model)} == {NAME_CAP}


def test_a_model_that_was_chosen_is_told_with_what_chose_it():
    chosen = Choice("large", "hard", "balanced", "letters", 0.7, "complex", "rollout", "b")
    found = record_of(exchange_of(choice=chosen), signal="whole", **ENDED)
    assert (found.strategy, found.experiment, found.arm, found.complexity, found.signal) == (
        "balanced", "rollout", "b", 0.7, "whole",
    )  # fmt: skip
    assert found.task == "letters"
    assert record_of(exchange_of(choice=chosen, who=Who(task="own")), **ENDED).task == "own"
    plain = record_of(exchange_of(), **ENDED)
    assert (plain.strategy, plain.experiment, plain.arm, plain.complexity, plain.signal) == ("", "", "", None, "")
