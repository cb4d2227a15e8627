"""Laws of pairs: requests that go from one dialect to another and come back, answers that come the other way.

To make one up costs many times what it costs to translate it, so each is tried on every pair it can be of.
"""

import gc
import itertools
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.asking import PROFILES, lost, served, told, wide_requests
from translators.catalog import DIALECTS, PROVIDERS, codec
from translators.faults import Truncated
from translators.ir import Dialect, Ended, Started, TextDelta
from translators.pipe import Translating
from translators.sse import EventSplitter

PAIRS = list(itertools.permutations(PROVIDERS, 2))
CLIENTS_OF = {upstream: [client for client in DIALECTS if client is not upstream] for upstream in PROVIDERS}
every_upstream = pytest.mark.parametrize("upstream", PROVIDERS)
every_way = pytest.mark.parametrize(
    ("upstream", "client"), [(upstream, client) for upstream in PROVIDERS for client in CLIENTS_OF[upstream]]
)


def across(request, dialect):
    """The request as a provider of the dialect reads it, and the Report of its way there."""
    body, report = codec(dialect).render_request(request, PROFILES[dialect])
    return codec(dialect).parse_request(served(dialect, body, stream=request.stream)), report


@given(request=wide_requests())
@settings(max_examples=150)
def test_whatever_a_target_reads_otherwise_is_in_the_report(request):
    """No field, and no field of `extra`, is lost in silence."""
    for target in PROVIDERS:
        read, report = across(request, target)
        assert lost(request, read) <= told(report), target


@given(request=wide_requests())
@settings(max_examples=60)
def test_a_request_survives_there_and_back_up_to_its_reports(request):
    for client, target in PAIRS:
        asked, _ = across(request, client)
        read, there = across(asked, target)
        back, again = across(read, client)
        assert lost(asked, back) <= told(there) | told(again), (client, target)


# -- answers -----------------------------------------------------------------------------------------------------


def stream_of(dialect, deltas, context):
    """The bytes of a provider's stream that says these deltas."""
    writer = codec(dialect).writer(context)
    return b"".join(map(writer.feed, deltas)) + writer.close()


def translating(upstream, client, profile, context):
    return Translating(codec(upstream).reader(profile), codec(client).writer(context))


def told_by(pipe, data, cuts=()):
    """What a client gets of an upstream's bytes in these pieces, its end included."""
    splitter = EventSplitter()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    events = [event for a, b in itertools.pairwise(edges) for event in splitter.feed(data[a:b])]
    return b"".join([*(pipe.feed(event)[1] for event in events), pipe.close()[1]])


@every_upstream
@given(data=st.data())
@settings(max_examples=25)
def test_how_an_upstreams_bytes_are_cut_changes_no_byte_of_the_clients(
    upstream, data, context, profile, reply_of, deltas_of
):
    stream = stream_of(upstream, deltas_of(data.draw(reply_of(upstream))), context)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    dressed = stream.replace(b"\n", b"\r\n")
    for client in CLIENTS_OF[upstream]:
        whole = told_by(translating(upstream, client, profile, context), stream)
        assert told_by(translating(upstream, client, profile, context), stream, cuts) == whole, client
        assert told_by(translating(upstream, client, profile, context), dressed, cuts) == whole, client


@every_upstream
@given(data=st.data())
@settings(max_examples=25)
def test_an_answer_that_is_cut_gets_no_end_in_any_clients_dialect(
    upstream, data, context, profile, reply_of, deltas_of
):
    """Up to the first of its ends nothing is made up, and what was said stays said."""
    deltas = deltas_of(data.draw(reply_of(upstream)))
    first = next(at for at, delta in enumerate(deltas) if isinstance(delta, Ended))
    writer = codec(upstream).writer(context)
    events = EventSplitter().feed(b"".join(map(writer.feed, deltas[:first])))
    for client in CLIENTS_OF[upstream]:
        pipe = translating(upstream, client, profile, context)
        sent = b"".join(pipe.feed(event)[1] for event in events)
        with pytest.raises(Truncated):
            pipe.close()
        reader = codec(client).reader(profile)
        seen = [delta for event in EventSplitter().feed(sent) for delta in reader.feed(event)]
        assert not any(isinstance(delta, Ended) for delta in seen), client
        assert not reader.done, client


WORD = "word " * 20


@every_way
def test_a_long_answer_is_held_no_longer_than_its_client_needs(upstream, client, context, profile):
    """The Responses API says the whole text again at its end, so there the text is held, up to its cap."""
    writer, pipe = codec(upstream).writer(context), translating(upstream, client, profile, context)
    splitter = EventSplitter()
    head = writer.feed(Started("id", "m")) + writer.feed(TextDelta(WORD))
    for event in splitter.feed(head):
        pipe.feed(event)
    count = 2_000
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(count):
            for event in splitter.feed(writer.feed(TextDelta(WORD))):
                pipe.feed(event)
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    held = 2 if Dialect.OPENAI_RESPONSES in (upstream, client) else 0
    assert grown < count * len(WORD) * 2 * held + 20_000
