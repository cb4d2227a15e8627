"""Ids made unique."""

from hypothesis import given
from hypothesis import strategies as st

from translators.unique import Unique

OWN = st.sampled_from(("a", "a_2", "a_2_2", "a_3", "b", ""))


def test_an_id_is_kept_the_first_time_and_numbered_from_then_on():
    unique = Unique()
    assert [unique.named(own) for own in ("a", "b", "a", "a")] == ["a", "b", "a_2", "a_3"]


def test_a_number_that_somebody_has_is_passed_over():
    unique = Unique()
    assert [unique.named(own) for own in ("a_2", "a", "a", "a_2")] == ["a_2", "a", "a_3", "a_2_2"]


@given(st.lists(OWN, max_size=30))
def test_no_id_is_given_out_twice(owns):
    unique = Unique()
    given_out = [unique.named(own) for own in owns]
    assert len(set(given_out)) == len(owns)
    assert all(one.startswith(own) for one, own in zip(given_out, owns, strict=True))
