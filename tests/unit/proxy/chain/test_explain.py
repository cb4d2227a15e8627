"""What is explained is what is done: the plan beside a walk whose targets all fail."""

import pytest

from proxy.routing.explain import explain
from proxy.service import chat_job
from translators.catalog import codec
from translators.ir import Dialect
from translators.report import Mode

MESSAGES = [{"role": "user", "content": "hello"}]
REQUESTS = {
    "plain": {},
    "two choices": {"n": 2},
    "a hint": {"seed": 7},
    "a schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
    },
    "reasoning": {"reasoning_effort": "high"},
    "odd content": {"messages": [{"role": "user", "content": 5}]},
}
MODES = [*((name, Mode.WARN) for name in REQUESTS), ("two choices", Mode.LENIENT), ("a hint", Mode.STRICT)]
CHAINS = [
    ("alpha",),
    ("alpha", "claude"),
    ("claude", "alpha"),
    ("first-claude", "alpha", "second-claude", "beta"),
    tuple(f"p{n}" for n in range(8)),
]
PING = b": ping\n\n"
SLOWLY = {
    "silence": "stall",
    "a failure at once": 500,
    "a failure that asks for a pause": (500, {"retry-after": "1.8"}, {}),
    "a failure at the last moment": [29.9, "cut"],
    "a failure after many pings": [PING, *[19.0, PING] * 3, 2.9, "cut"],
}


def planned(lab, body, mode=Mode.WARN, *, stream=False):
    body = {"model": "m", "messages": MESSAGES, "stream": stream, **body}
    client = codec(Dialect.OPENAI_CHAT)
    found = lab.router().chat("m")
    return explain("m", found, chat_job(client, body, client.check_envelope(body), found), mode)


@pytest.mark.parametrize("chain", CHAINS, ids="-".join)
@pytest.mark.parametrize(("name", "mode"), MODES, ids=lambda one: getattr(one, "value", one))
def test_order_skips_and_attempts_are_those_of_a_walk_that_fails_everywhere(lab, chain, name, mode):
    for engine in lab.chain(*chain):
        engine.script[0] = 500
    body = REQUESTS[name]
    plan = planned(lab, body, mode)
    answer = lab.ask(body, headers={"x-sidestep-mode": mode.value})
    told = [row.target.partition("/")[0] for row in plan.rows for _ in range(row.attempts)]
    assert told == lab.called
    skipped = [(row.target, row.reason) for row in plan.rows if row.verdict == "skipped"]
    assert skipped == answer.exchange.skipped
    assert len(lab.called) <= plan.total_attempts


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("slowly", SLOWLY)
@pytest.mark.parametrize("chain", CHAINS[:4], ids="-".join)
def test_no_walk_takes_longer_than_the_worst_case(lab, chain, slowly, stream):
    for engine in lab.chain(*chain):
        engine.script[0] = SLOWLY[slowly]
    plan = planned(lab, {}, stream=stream)
    lab.clock.chance = lambda: 0.999
    lab.ask(stream=stream)
    assert lab.clock.now() - 1000 <= plan.worst_case_s
    assert plan.worst_case_s <= 600


def test_the_worst_case_can_happen(lab):
    for engine in lab.chain("alpha", "beta"):
        engine.script[0] = SLOWLY["a failure after many pings"]
    plan = planned(lab, {}, stream=True)
    lab.clock.chance = lambda: 0.999
    lab.ask(stream=True)
    assert lab.clock.now() - 1000 == pytest.approx(plan.worst_case_s, rel=0.03)


def test_losses_are_those_that_the_answer_tells(lab):
    lab.chain("claude")
    plan = planned(lab, {"seed": 7, "user": "u"})
    told = lab.ask({"seed": 7, "user": "u"}).headers["x-sidestep-translation"]
    (row,) = plan.rows
    assert row.losses
    for loss in row.losses:
        assert loss.field in told and loss.verdict in told
