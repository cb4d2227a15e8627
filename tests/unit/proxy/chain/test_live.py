"""The plan of a running proxy is what its next request does: explained from its state, then asked."""

import orjson
import pytest

from proxy.admin.standing import key as _key
from proxy.admin.standing import target as _target
from proxy.config.origins import Origins
from proxy.routing.explain import FORCED, FORCED_KEY, explain
from proxy.routing.live import read
from proxy.service import chat_job
from translators.catalog import codec
from translators.ir import Dialect
from translators.report import Mode

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": False}


def state(lab):
    now = lab.clock.now()
    page = {
        "source": "x",
        "targets": [_target(one, now, lab.clock.wall(), lab.registry.pool_of(one)) for one in lab.registry.targets()],
        "providers": {
            name: [_key(key, now) for key in pool.snapshot(now)] for name, pool in lab.registry.pools().items()
        },
    }
    return read(orjson.dumps(page))


def planned(lab):
    client = codec(Dialect.OPENAI_CHAT)
    found = lab.router().chat("m")
    job = chat_job(client, BODY, client.check_envelope(BODY), found)
    return explain("m", found, job, Mode.WARN, origins=Origins(), live=state(lab))


def met(lab, name):
    target = next(one for one in lab.router().chat("m").targets if one.provider.name == name)
    return lab.registry.target(target, lab.clock.now()), lab.registry.keys(target.provider)


def trip(lab, name):
    met(lab, name)[0].breaker.trip(lab.clock.now())


def throttle(lab, name):
    met(lab, name)[0].throttle.block(lab.clock.now(), 7.0, lambda: 0.0)


def put_off(lab, name):
    """A minute of its wait is over."""
    throttle = met(lab, name)[0].throttle
    throttle.block(lab.clock.now() - 61, 3600.0, lambda: 0.0)


def refuse(lab, name):
    pool = met(lab, name)[1]
    pool.disable(pool.choose(lab.clock.now()), lab.clock.now(), "auth")


WAYS = {
    "nothing is wrong": (),
    "the first is open": ((trip, "alpha"),),
    "the first is open, the second waits": ((trip, "alpha"), (throttle, "beta")),
    "a key is refused": ((refuse, "alpha"),),
    "all but one are out": ((trip, "alpha"), (refuse, "claude")),
    "two are open and one waits": ((trip, "alpha"), (trip, "beta"), (throttle, "claude")),
    "all wait": ((throttle, "alpha"), (throttle, "beta"), (throttle, "claude")),
    "one is open, one waits and one has no key": ((trip, "alpha"), (throttle, "beta"), (refuse, "claude")),
    "one key is refused and the others wait": ((throttle, "alpha"), (refuse, "beta"), (throttle, "claude")),
    "every key is refused": ((refuse, "alpha"), (refuse, "beta"), (refuse, "claude")),
    "all were asked for an hour": ((put_off, "alpha"), (put_off, "beta"), (put_off, "claude")),
    "one key is refused, the others were asked for an hour": (
        (put_off, "alpha"),
        (refuse, "beta"),
        (put_off, "claude"),
    ),
    "all are open": ((trip, "alpha"), (trip, "beta"), (trip, "claude")),
}


def test_the_worst_case_of_a_hurried_chain_is_that_of_its_only_target(lab):
    """Nobody else could use the time, so it has all of it."""
    alpha, _ = lab.chain("alpha", "beta")
    lab.route("m", "alpha", "beta", timeouts={"deadline_s": 60.0})
    refuse(lab, "beta")
    alpha.script[0] = "stall"
    plan = planned(lab)
    lab.ask()
    assert plan.worst_case_s == lab.clock.now() - 1000 == 60


@pytest.mark.parametrize("way", WAYS)
def test_who_is_called_and_why_others_are_not_is_as_explained(lab, way):
    for engine in lab.chain("alpha", "beta", "claude"):
        engine.script[0] = 500
    for change, name in WAYS[way]:
        change(lab, name)
    plan = planned(lab)
    answer = lab.ask()
    tried = [row.target.partition("/")[0] for row in plan.rows if row.verdict == "tried"]
    assert list(dict.fromkeys(lab.called)) == tried
    assert len(lab.called) <= plan.total_attempts
    told = dict(answer.exchange.skipped)
    for row in plan.rows:
        if row.verdict == "skipped":
            assert row.reason.startswith(told[row.target])


def test_a_call_that_is_not_due_yet_is_not_in_the_plan_and_the_plan_says_when_it_is(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = 401
    refuse(lab, "alpha")
    plan = planned(lab)
    assert (plan.rows[0].verdict, plan.rows[0].reason, plan.rows[0].attempts) == ("tried", FORCED_KEY, 1)
    lab.ask()
    lab.wait(4)
    (row,) = planned(lab).rows
    assert row.verdict == "skipped"
    assert "one request may try it in 6 s, if nobody else can be called" in row.standing.notes
    lab.ask()
    assert len(alpha.calls) == 1


def test_when_breakers_alone_stand_in_the_way_the_nearest_is_asked_and_said_so(lab):
    lab.chain("alpha", "beta")
    trip(lab, "alpha")
    lab.wait(2)
    trip(lab, "beta")
    plan = planned(lab)
    assert [(row.verdict, row.attempts) for row in plan.rows] == [("tried", 1), ("skipped", 0)]
    assert plan.rows[0].reason == FORCED
    assert plan.worst_case_s == 120 and plan.total_attempts == 1


def test_a_probe_that_is_free_is_taken_by_the_next_request(lab):
    lab.chain("alpha", "beta")
    trip(lab, "alpha")
    lab.wait(31)
    plan = planned(lab)
    assert (plan.rows[0].verdict, plan.rows[0].standing.breaker) == ("tried", "PROBE")
    lab.ask()
    assert lab.called == ["alpha"]


def test_a_request_under_way_as_the_probe_sends_others_elsewhere(lab):
    alpha, _ = lab.chain("alpha", "beta")
    trip(lab, "alpha")
    lab.wait(31)
    alpha.script[0] = "stall"
    task = lab.begin()
    plan = planned(lab)
    assert (plan.rows[0].verdict, plan.rows[1].reason) == ("skipped", "those before it are skipped")
    lab.ask()
    assert lab.called == ["alpha", "beta"]
    lab.end(task)


def test_the_worst_case_is_that_of_the_targets_that_are_left(lab):
    for engine in lab.chain("alpha", "beta"):
        engine.script[0] = "stall"
    free = planned(lab).worst_case_s
    trip(lab, "alpha")
    plan = planned(lab)
    assert plan.worst_case_s < free
    began = lab.clock.now()
    lab.ask()
    assert lab.clock.now() - began <= plan.worst_case_s
