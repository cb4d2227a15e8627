"""The rule by which a store grants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger.grants import apply, granted, merged, scarce, total_of
from proxy.ledger.store import Ask, Count

AMOUNTS = st.integers(0, 10**16)
COUNTS = st.builds(Count, AMOUNTS, AMOUNTS, AMOUNTS)


def ask(limit=1_000, **wishes):
    return Ask(key="b", limit=limit, **wishes)


@pytest.mark.parametrize(
    ("total", "wishes", "expected"),
    [
        (0, {"least": 10, "need": 10}, 10),
        (0, {"least": 10, "need": 2_000}, 1_000),
        (995, {"least": 10, "need": 10}, 0),
        (990, {"least": 10, "need": 30}, 10),
        (1_200, {"least": 1, "need": 1}, 0),
        (0, {"least": 0, "need": 10}, 0),
        (0, {"least": 10, "need": 10, "chunk": 100}, 100),
        (500, {"least": 10, "need": 10, "chunk": 100}, 62),
        (500, {"least": 70, "need": 70, "chunk": 100}, 70),
        (890, {"least": 10, "need": 10, "chunk": 100}, 13),
        (891, {"least": 10, "need": 10, "chunk": 100}, 10),
        (2_000, {"need": 7, "force": True}, 7),
        (0, {"need": 7, "chunk": 500, "force": True}, 7),
    ],
    ids=[
        "what is needed", "as far as it goes", "less than the least", "at least the least", "overspent", "only told",
        "a lease", "an eighth of what is free", "never less than is needed", "a tenth is left", "near the end",
        "forced", "forced without a lease",
    ],
)  # fmt: skip
def test_a_grant_is(total, wishes, expected):
    assert granted(total, ask(**wishes)) == expected


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
def test_no_grant_exceeds_what_is_free(limit, total, least, more, chunk):
    given_ = granted(total, ask(limit, least=least, need=least + more, chunk=chunk))
    assert 0 <= given_ <= max(0, limit - total)
    assert given_ == 0 or given_ >= least > 0


def test_near_the_end_is_when_less_than_a_tenth_is_left():
    assert not scarce(1_000, 900)
    assert scarce(1_000, 901)


@given(COUNTS, COUNTS, COUNTS)
def test_counters_merge_in_any_order_and_any_number_of_times(one, two, three):
    assert merged(one, two) == merged(two, one)
    assert merged(merged(one, two), three) == merged(one, merged(two, three))
    assert merged(one, one) == one


def test_what_the_asking_owner_is_said_to_have_by_others_is_not_heeded():
    counts = {}
    apply(counts, "one", ask(own=Count(5), others={"one": Count(900), "two": Count(7)}), remembers=True)
    assert counts == {"one": Count(5), "two": Count(7)}


def test_an_owner_of_another_memory_is_merged_and_granted_nothing():
    counts = {}
    standing = apply(counts, "one", ask(own=Count(5, 1, 2), need=10, force=True), remembers=False)
    assert (standing.own, standing.total, standing.spent) == (Count(5, 1, 2), 4, 2)


def test_who_only_looks_leaves_no_trace():
    counts = {}
    apply(counts, "one", ask(least=5, need=5, limit=4), remembers=True)
    assert counts == {}
    assert total_of(counts) == 0
