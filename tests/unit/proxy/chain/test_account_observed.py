"""What orders go by is noted of every call, once an order has looked at its target; before, nothing is."""

import pytest

from proxy.resilience.observed import Observed


def observed(lab, name):
    found = lab.router().chat("m")
    target = next(one for one in found.targets if one.provider.name == name)
    return lab.registry.target(target, lab.clock.now())


@pytest.fixture
def alpha(lab):
    lab.chain("alpha", "beta")
    state = observed(lab, "alpha")
    state.observed = Observed()
    return state.observed


def test_a_target_that_no_order_looks_at_has_no_figures(lab):
    lab.chain("alpha", "beta")
    lab.ask()
    assert observed(lab, "alpha").observed is None


def test_a_whole_answer_is_timed_and_counted(lab, alpha):
    lab.engines["alpha"].script[0] = [0.25, *answer(lab, stream=False)]
    lab.ask()
    assert (alpha.whole.mean, alpha.whole.count, alpha.first.count) == (pytest.approx(0.25), 1, 0)
    assert (alpha.output.mean, alpha.failed.mean) == (2, 0)
    assert (alpha.spent.minute_requests, alpha.spent.day_tokens) == (1, 5)


def test_a_stream_is_timed_to_its_first_content(lab, alpha):
    head, first, *rest = answer(lab, stream=True)
    lab.engines["alpha"].script[0] = [head, 0.5, first, 4.0, *rest]
    lab.ask(stream=True)
    assert (alpha.first.mean, alpha.first.count, alpha.whole.count) == (pytest.approx(0.5), 1, 0)


def test_a_failure_counts_against_a_target(lab, alpha):
    lab.engines["alpha"].script[0] = 503
    lab.ask()
    assert (alpha.failed.mean, alpha.whole.count, alpha.spent.minute_requests) == (1.0, 0, 3)


def test_a_refusal_of_the_request_is_no_failure_of_the_target(lab, alpha):
    lab.engines["alpha"].script[0] = 400
    lab.ask()
    assert alpha.failed.count == 0


def test_a_stream_that_breaks_counts_as_a_failure_but_not_by_its_time(lab, alpha):
    head, first, *_ = answer(lab, stream=True)
    lab.engines["alpha"].script[0] = [head, 0.5, first, 9.0, "cut"]
    lab.ask(stream=True)
    assert (alpha.first.mean, alpha.failed.mean) == (pytest.approx(0.5), 0.5)


def test_a_silence_counts_by_its_time_where_the_target_is_usually_quicker(lab, alpha):
    alpha.whole.note(0.0, 1.0)
    lab.engines["alpha"].script[0] = "stall"
    lab.ask()
    assert alpha.whole.mean > 30


def answer(lab, *, stream):
    from tests.unit.proxy.chain.conftest import good

    return good(lab.providers["alpha"].dialect, "alpha", stream=stream)
