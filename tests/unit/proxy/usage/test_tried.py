"""What each model did is told in few words; how it is read is tried with deeds."""

from proxy.flow import Attempt
from proxy.usage.tried import CAP, MOST, calls
from proxy.usage.tried import tried as told


def attempts(*names):
    return [Attempt(target, kind, 0, place) for place, (target, kind) in enumerate(names, 1)]


def test_each_target_is_told_by_its_last_call_and_who_answered_at_the_end():
    assert told(attempts(("a/m", "server"), ("a/m", "timeout"), ("b/n", "ok")), "b/n") == "a/m:timeout:2,b/n:ok:3"
    assert told(attempts(("a/m", "server"), ("a/m", "ok")), "a/m") == "a/m:ok:2"
    assert told(attempts(("b/n", "ok"), ("a/m", "server")), "b/n") == "a/m:server:2,b/n:ok:1"


def test_it_is_bounded_and_its_commas_are_its_own():
    many = attempts(*((f"p{place}/{'x' * 9000},y", "server") for place in range(50)))
    found = calls(told(many, "/"))
    assert [one.target[:4] for one in found] == [f"p{place}/" for place in range(50 - MOST, 50)]
    assert {len(one.target) for one in found} == {CAP}
    assert calls(told(attempts(("a/m,n", "ok")), "a/m,n"))[0].model == "m_n"
    assert calls("") == []
