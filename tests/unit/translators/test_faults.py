"""The table of outcomes and the sentence that may be shown."""

import pytest

from translators.faults import MESSAGE_CAP, OUTCOMES, Failure, Fault, Kind, Malformed, say


def test_every_kind_has_an_outcome():
    assert set(OUTCOMES) == set(Kind)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_fault_finds_its_outcome(kind):
    assert Fault(kind=kind, message="m").outcome is OUTCOMES[kind]


def test_a_kind_that_heals_by_itself_is_never_told_as_the_clients_fault():
    for kind in (Kind.CONNECT, Kind.TIMEOUT, Kind.SERVER, Kind.OVERLOADED, Kind.AUTH, Kind.QUOTA, Kind.PROTOCOL):
        assert OUTCOMES[kind].status >= 500


def test_what_is_said_is_one_line():
    assert say("a\nb\t c\x00d\u2028e") == "a b c d e"


def test_what_is_said_is_capped():
    assert len(say("x" * 5000)) == MESSAGE_CAP
    assert say("x" * MESSAGE_CAP) == "x" * MESSAGE_CAP


def test_a_failure_carries_its_fault_and_says_its_message():
    fault = Fault(kind=Kind.SERVER, message="broken")
    assert Failure(fault).fault is fault
    assert str(Failure(fault)) == "broken"


def test_malformed_names_the_field():
    wrong = Malformed("bad", param="messages[0]", code="invalid_type")
    assert (str(wrong), wrong.param, wrong.code, wrong.status) == ("bad", "messages[0]", "invalid_type", 400)
