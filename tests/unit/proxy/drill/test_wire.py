"""HTTP as bytes: heads, lengths, chunks, and plans with as few writes as can be."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxy.drill.wire import Act, Wait, chunk, head, joined, whole


def test_a_head_has_a_status_line_and_a_line_for_each_header():
    assert head(200, [("a", "b"), ("c", "d")]) == b"HTTP/1.1 200 OK\r\na: b\r\nc: d\r\n\r\n"
    assert head(599, []).startswith(b"HTTP/1.1 599 ")


def test_a_length_is_true_unless_it_is_to_lie():
    assert whole(200, [], b"abc") == b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
    assert b"content-length: 9\r\n" in whole(200, [], b"abc", length=9)


def test_a_chunk_says_its_size_in_hex():
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"


@given(st.lists(st.one_of(st.binary(max_size=3), st.just(Wait(0.1)), st.sampled_from(Act)), max_size=12))
def test_joining_keeps_every_byte_and_every_pause_in_place(plan):
    def flat(actions):
        return [one for action in actions for one in (action if isinstance(action, bytes) else [action])]

    actions = joined(plan)
    assert flat(actions) == flat(plan)
    assert not any(isinstance(a, bytes) and isinstance(b, bytes) for a, b in pairwise(actions))
