"""What to change where the clients' own timeout is what failed: one sentence, with a setting and a value."""

from types import SimpleNamespace

import pytest
from msgspec import structs

from proxy.drill.exercise.advice import advice
from proxy.drill.exercise.patience import Patience
from proxy.drill.load import Result

ALPHA = "alpha/large"


@pytest.fixture
def advised(seen, outcome):
    """`advised(late(12.0), client_s=20)`: the advice after an exercise with those requests in it."""

    def made(*under, client_s=20, before=(), alone=False):
        pace = SimpleNamespace(patience=Patience(2.0, client_s, client_s))
        return advice(seen(alone=alone).choice, pace, before, under)

    return made


@pytest.fixture
def late(outcome):
    """`late(12.0, status=504)`: a request that got no answer in time; with 504 the proxy said so, else the client left,
    who had nothing, or with 200 the beginning of a stream."""

    def made(sent, status=0):
        one = outcome(sent, "error", kind="stream")
        return structs.replace(one, left=status != 504, result=Result(ok=False, error="late", status=status))

    return made


def test_a_stream_that_its_client_left_is_to_be_given_up_by_the_proxy_before(advised, late):
    assert advised(late(12.0, 200), late(13.0, 200)) == (
        f"set progress_s of {ALPHA} from 30 to at most 19, or give the client more than 30 s: a stream that falls "
        "silent is told as broken only after progress_s"
    )


@pytest.mark.parametrize("status", [0, 504])
def test_a_client_whose_time_is_too_short_for_two_is_to_wait_for_longer(advised, late, status):
    """For as long as the next one is known to need, where that is known, and twice as long otherwise."""
    had = ": of 20 s a target has at most 9.5 s while another may follow, and then the next one had too little"
    assert advised(late(12.0, status)) == f"give the client at least 40 s{had}"


def test_what_the_next_one_needs_is_known_where_it_has_answered(advised, late, outcome):
    served = outcome(15.0, took=12.0)
    assert advised(late(12.0), served).startswith("give the client at least 25 s: ")
    assert advised(late(12.0), outcome(15.0, by=ALPHA, took=12.0)).startswith("give the client at least 40 s: ")


def test_a_client_that_no_answer_is_quick_enough_for_is_told_that_alone(advised, late):
    told = advised(late(12.0, 200), before=[late(1.0, 504)])
    assert told == "give the client more than 20 s: answers take longer though all is well"


def test_other_failures_are_not_the_timeouts(advised, late, outcome):
    assert advised(outcome(12.0, "error"), outcome(13.0), outcome(14.0, "told")) == ""
    assert advised(late(12.0, 504), alone=True) == "", "another target is what it lacks"
    assert advised(late(12.0, 200), client_s=None) == ""
    assert "progress_s" not in advised(late(12.0, 200), client_s=31), "it is not what was waited for"
