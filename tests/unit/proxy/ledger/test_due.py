"""What is told or asked without anybody waiting."""

from proxy.ledger.balance import IDLE_S, Balance
from proxy.ledger.due import SWEEP_S, TELL_S, swept
from proxy.ledger.store import GONE_S, Count, Standing


def a_balance(granted=0, elsewhere=0, told_at=100.0):
    one = Balance("b", 1_000, 0.0, 0, hard=True)
    one.hear(Standing("b", Count(granted), granted + elsewhere, 0, {}))
    one.told_at = one.used_at = told_at
    return one


def test_what_is_in_hand_is_told_every_second_and_goes_back_when_idle():
    one = a_balance(granted=5)
    busy = {"b": one}
    assert swept(busy, (), 100.5) == ([], 100.0 + TELL_S)
    assert one.free == 5
    assert swept(busy, (), 100.0 + IDLE_S) == ([one], 100.0 + IDLE_S + TELL_S)
    assert (one.free, one.returned) == (0, 5)


def test_what_has_nothing_in_hand_and_nothing_untold_is_not_busy():
    busy = {"b": a_balance()}
    assert swept(busy, (), 100.0) == ([], float("inf"))
    assert busy == {}


def test_what_others_have_in_hand_is_asked_about_when_it_was_not_heard_of_for_long():
    one = a_balance(elsewhere=5)
    assert one.shared and not a_balance().shared
    assert swept({}, [one], 100.0 + GONE_S - 1) == ([], 100.0 + GONE_S)
    assert swept({}, [one], 100.0 + GONE_S) == ([one], 100.0 + 2 * GONE_S)


def test_two_looks_are_never_closer_than_may_be():
    one = a_balance(granted=5)
    assert swept({"b": one}, (), 100.0 + TELL_S - 0.01)[1] == 100.0 + TELL_S - 0.01 + SWEEP_S
