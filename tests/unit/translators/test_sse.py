"""Splitting bytes into server-sent events, and writing one."""

import pytest

from translators.faults import ProtocolFault
from translators.ir import Event
from translators.sse import EventSplitter, encode


def split(data, size=None, limit=1 << 20):
    splitter = EventSplitter(limit)
    chunks = [data] if size is None else [data[i : i + size] for i in range(0, len(data), size)]
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    splitter.close()
    return events


def test_a_run_of_whole_events_comes_out_as_it_went_in():
    assert split(b"data: a\n\ndata: b\n\ndata: [DONE]\n\n") == [Event(b"a"), Event(b"b"), Event(b"[DONE]")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [None, 1, 2, 3, 7])
def test_every_line_end_works_under_every_chunking(end, size):
    lines = [b"event: tick", b"data: one", b"data: two", b"", b": alive", b"data: \xf0\x9f\x98\x80", b"", b""]
    expected = [Event(b"one\ntwo", "tick"), Event("😀".encode())]
    assert split(end.join(lines), size) == expected


@pytest.mark.parametrize("size", [None, 1, 5])
@pytest.mark.parametrize("name", ["", "tick", "événement", "n" * 70, "n" * 300])
@pytest.mark.parametrize(
    "rest", [b"data: one\n\n", b"data: one\n: alive\n\n", b"data:one\n\n", b"data: one\nid: 7\n\n"]
)
def test_an_event_keeps_its_name_however_it_is_written(name, rest, size):
    block = b"event: " + name.encode() + b"\n" + rest
    assert split(block + b": between\n" + block, size) == [Event(b"one", name)] * 2


def test_a_cr_at_the_end_of_a_chunk_and_its_lf_in_the_next_are_one_line_end():
    """Taken for two, they would be the blank line that ends an event too early."""
    splitter = EventSplitter()
    assert splitter.feed(b"data: a\r") == []
    assert splitter.feed(b"\ndata: b\r\n\r") == [Event(b"a\nb")]
    assert splitter.feed(b"\n") == []


@pytest.mark.parametrize("size", [None, 1, 2])
def test_a_byte_order_mark_is_no_part_of_the_first_event(size):
    assert split(b"\xef\xbb\xbfdata: a\n\n", size) == [Event(b"a")]


def test_only_one_space_after_the_colon_is_dropped():
    assert split(b"data:  a\n\ndata:b\n\ndata\n\n") == [Event(b" a"), Event(b"b"), Event(b"")]


def test_fields_without_meaning_here_and_events_without_data_are_skipped():
    assert split(b"id: 7\nretry: 10\n\nevent: lonely\n\nfoo: bar\ndata: x\n\n") == [Event(b"x")]


def test_comments_are_counted_as_they_come_even_without_a_blank_line():
    """A keep-alive that counts only once the next event ends would be no sign of life."""
    splitter = EventSplitter()
    assert splitter.feed(b": ka\n") == []
    assert splitter.comments == 1
    splitter.feed(b":\n\n: b\n\ndata: x\n: inside\n")
    assert splitter.comments == 3
    assert splitter.feed(b"\n") == [Event(b"x")]
    assert splitter.comments == 4


def test_an_unterminated_last_event_is_discarded_and_known_of():
    splitter = EventSplitter()
    assert splitter.feed(b"data: a\n\ndata: cut") == [Event(b"a")]
    splitter.close()
    assert splitter.leftover == len(b"data: cut")


def test_nothing_is_left_over_after_a_whole_stream():
    splitter = EventSplitter()
    splitter.feed(b"data: a\n\n\n")
    assert splitter.leftover == 0


@pytest.mark.parametrize("size", [None, 1, 4])
@pytest.mark.parametrize(("length", "passes"), [(20, True), (21, False)])
def test_the_limit_is_the_same_whatever_the_chunking(size, length, passes):
    data = b"\xef\xbb\xbf: c\ndata: " + b"x" * (length - 6) + b"\n\n"
    if passes:
        assert len(split(data, size, limit=20)) == 1
    else:
        with pytest.raises(ProtocolFault):
            split(data, size, limit=20)


def test_an_event_that_never_ends_is_refused_before_memory_is_gone():
    with pytest.raises(ProtocolFault):
        split(b"x" * 10_000, size=10, limit=100)


def test_events_before_an_oversized_one_are_given_before_the_fault():
    splitter = EventSplitter(limit=10)
    assert splitter.feed(b"data: a\n\ndata: " + b"x" * 20 + b"\n\n") == [Event(b"a")]
    with pytest.raises(ProtocolFault):
        splitter.feed(b"data: b\n\n")
    with pytest.raises(ProtocolFault):
        splitter.close()


def test_an_endless_comment_is_refused_too():
    with pytest.raises(ProtocolFault):
        split(b": " + b"x" * 50 + b"\ndata: a\n\n", limit=20)


@pytest.mark.parametrize("event", [Event(b"{}"), Event(b"a\nb", "named"), Event(b"", "n")])
def test_what_encode_writes_the_splitter_reads(event):
    assert split(encode(event.data, event.name)) == [event]
