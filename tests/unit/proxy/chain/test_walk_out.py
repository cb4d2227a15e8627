"""A target that cannot be called now costs nothing; where nobody else answers, what it would have said is known."""

import pytest

from proxy.jobs import ChatJob


@pytest.fixture
def prepared(monkeypatch):
    """The targets that a request was put into the dialect of."""
    names = []
    prepare = ChatJob.prepare
    monkeypatch.setattr(
        ChatJob, "prepare", lambda self, target, *more: names.append(target.name) or prepare(self, target, *more)
    )
    return names


def out(lab, name):
    target = next(one for one in lab.router().chat("m").targets if one.provider.name == name)
    state = lab.registry.target(target, lab.clock.now())
    state.breaker.trip(lab.clock.now())
    return state


def test_nothing_is_made_for_a_target_whose_breaker_is_open(lab, prepared):
    lab.chain("alpha-claude", "beta")
    out(lab, "alpha-claude")
    answer = lab.ask()
    assert answer.exchange.skipped == [("alpha-claude/large", "its breaker is open")]
    assert prepared == ["beta/large"]


def test_nothing_is_made_for_a_target_that_asked_for_a_wait(lab, prepared):
    alpha, _ = lab.chain("alpha-claude", "beta")
    alpha.script[0] = (429, {"retry-after": "30"}, {"error": {"message": "Slow down.", "type": "rate_limit_error"}})
    lab.ask()
    prepared.clear()
    answer = lab.ask()
    assert answer.exchange.skipped == [("alpha-claude/large", "asked to wait 30 s more")]
    assert prepared == ["beta/large"]


def test_who_is_passed_over_is_told_in_the_order_of_the_chain(lab):
    lab.chain("alpha", "beta-claude", "gamma")
    out(lab, "alpha")
    answer = lab.ask({"n": 2})
    assert [name for name, _ in answer.exchange.skipped] == ["alpha/large", "beta-claude/large"]
    assert answer.status == 200


def test_a_shape_that_no_target_has_is_told_so_also_while_breakers_are_open(lab):
    """To come again would not help."""
    lab.chain("alpha-claude", "beta-claude")
    for name in ("alpha-claude", "beta-claude"):
        out(lab, name)
    answer = lab.ask({"n": 2})
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "unsupported_parameter", "n")


def test_after_a_failure_elsewhere_a_target_that_was_passed_over_is_not_called(lab, prepared):
    alpha, beta = lab.chain("alpha", "beta")
    out(lab, "alpha")
    beta.script[0] = 400
    answer = lab.ask()
    assert (answer.status, alpha.calls) == (400, [])
    assert prepared == ["beta/large"]


def test_where_breakers_alone_are_in_the_way_the_nearest_to_its_probe_is_asked(lab, prepared):
    lab.chain("alpha-claude", "beta")
    out(lab, "alpha-claude")
    lab.wait(1)
    out(lab, "beta")
    answer = lab.ask()
    assert answer.headers["x-sidestep-provider"] == "alpha-claude"
    assert [name for name, _ in answer.exchange.skipped] == ["beta/large"]
