"""What is known of a bill, and what must be taken at its worst."""

import pytest

from proxy.budgets.bills import Bill, bill_of
from translators.faults import Fault, Kind
from translators.ir import Usage

USED = Usage(input=3, output=2)


def fault(kind: Kind) -> Fault:
    return Fault(kind=kind, message="it failed")


def test_an_answer_costs_what_its_provider_counted():
    assert bill_of(None, USED, 200, content=True) is Bill.USAGE


def test_an_answer_whose_provider_did_not_count_is_taken_at_its_worst():
    assert bill_of(None, None, 200, content=True) is Bill.WORST


@pytest.mark.parametrize("kind", [Kind.THROTTLED, Kind.SERVER, Kind.AUTH, Kind.QUOTA, Kind.REFUSED, Kind.TOO_LONG])
def test_an_error_is_not_billed(kind):
    assert bill_of(fault(kind), None, 503, content=False) is Bill.NOTHING
    assert bill_of(fault(kind), None, 200, content=False) is Bill.NOTHING


@pytest.mark.parametrize("status", [408, 504, 524])
def test_who_waited_no_longer_does_not_know_whether_it_was_worked_on(status):
    assert bill_of(fault(Kind.SERVER), None, status, content=False) is Bill.WORST


@pytest.mark.parametrize("kind", [Kind.CONNECT, Kind.SHED])
def test_what_was_never_sent_is_not_billed(kind):
    assert bill_of(fault(kind), None, 0, content=False) is Bill.NOTHING


@pytest.mark.parametrize("kind", [Kind.TIMEOUT, Kind.CANCELLED, Kind.DEADLINE, Kind.PROTOCOL])
@pytest.mark.parametrize("usage", [None, USED])
def test_what_was_broken_off_is_taken_at_its_worst_whatever_was_counted_before(kind, usage):
    assert bill_of(fault(kind), usage, 0, content=False) is Bill.WORST
    assert bill_of(fault(kind), usage, 200, content=False) is Bill.WORST


def test_an_answer_that_breaks_after_some_of_it_came_is_taken_at_its_worst():
    assert bill_of(fault(Kind.OVERLOADED), None, 200, content=True) is Bill.WORST


def test_several_calls_of_which_one_failed_are_taken_at_their_worst():
    assert bill_of(fault(Kind.THROTTLED), None, 429, content=False, calls=2) is Bill.WORST


def test_a_refusal_in_a_good_answer_costs_what_was_counted():
    assert bill_of(fault(Kind.CONTENT), USED, 200, content=False) is Bill.USAGE
