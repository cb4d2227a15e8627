"""Other parsers see a request that is served here end at the same byte, or refuse it: a differential run.

The requests are those of `smuggling`, and such as nobody listed: made of the parts that have been used to smuggle, in
any order and with any change of a byte.
"""

import random  # noqa: TID251 - by a fixed seed
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.wires import run, serve
from tests.security import smuggling
from tests.security.readers import READERS, readings

HIDDEN = smuggling.HIDDEN


@pytest.mark.parametrize("name", smuggling.SERVED)
def test_what_is_served_ends_for_other_readers_where_it_ends_here(name):
    data, body = smuggling.SERVED[name]
    read = readings(data + HIDDEN)
    assert read, "nobody else takes it"
    assert {(one.body, one.rest) for one in read.values()} == {(body, HIDDEN)}


def test_the_readers_differ_where_it_matters():
    """Else they would prove nothing: much of what is refused here some of them take, and not all as the same."""
    read = [readings(data + HIDDEN) for data, _ in smuggling.REFUSED.values()]
    for name in READERS:
        assert sum(name in one for one in read) > 10, name
    assert any(len({(message.body, message.rest) for message in one.values()}) > 1 for one in read)


def agree(data: bytes) -> None:
    """What is served of the bytes is what every reader that takes them reads; all came, so nothing is waited for."""
    served = run(lambda: serve([data]))
    for taken in served.taken:
        for name, read in readings(data).items():
            assert (taken.method, taken.body) == (read.method, read.body), name
            assert served.closed or not read.rest.strip(b"\r\n"), (
                f"{name} sees more after it, and the connection goes on"
            )


FIELDS = [
    *(b"content-length: 2", b"content-length:2", b"Content-Length: 02", b"content-length: 4", b"content-length: 0"),
    *(b"content-length: 2, 2", b"content-length: +2", b"content-length : 2", b"content_length: 4", b"content-length:"),
    *(b"transfer-encoding: chunked", b"Transfer-Encoding:chunked", b"transfer-encoding:\tchunked\t", b"te: chunked"),
    *(b"transfer-encoding: x, chunked", b"transfer-encoding: chunked, x", b"transfer-encoding: \x0bchunked"),
    *(b"transfer-encoding : chunked", b"transfer-encoding:", b" transfer-encoding: chunked", b"x: a\r\n b"),
    *(
        b"host: b",
        b"x: y",
        b"x:",
        b": y",
        b"x",
        b"connection: close",
        b"connection: content-length",
        b"expect: 100-continue",
    ),
    *(b"connection: upgrade\r\nupgrade: h2c", b"x: a\rb", b"x: \xe9", b"trailer: host", b"x: a\nhost: b"),
]
BODIES = [
    *(b"", b"{}", b"{}x", b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n", b"2;a=b\r\n{}\r\n0\r\nx: y\r\n\r\n"),
    *(
        b"02\r\n{}\r\n00\r\n\r\n",
        b"2 \r\n{}\r\n0\r\n\r\n",
        b"2\n{}\n0\n\n",
        b"2\r\n{}\r\n0\r\n",
        b"1\r\n{}\r\n0\r\n\r\n",
    ),
]


@given(
    st.sampled_from([b"POST", b"GET", b"HEAD", b"DELETE", b"OPTIONS"]),
    st.lists(st.sampled_from(FIELDS), max_size=4),
    st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"]),
    st.sampled_from(BODIES),
    st.sampled_from([b"", HIDDEN]),
)
@settings(max_examples=60, deadline=None)
def test_no_mixture_of_fields_and_bodies_is_served_that_another_reads_otherwise(method, fields, end, body, after):
    head = end.join([method + b" /v1/models HTTP/1.1", b"host: a", *fields, b"", b""])
    agree(head + body + after)


@pytest.mark.parametrize("name", smuggling.SERVED)
def test_no_change_of_a_byte_makes_them_differ(name):
    chance = random.Random(name)
    data = smuggling.SERVED[name][0] + HIDDEN
    for _ in range(40):
        changed = bytearray(data)
        at = chance.randrange(len(data))
        with suppress(IndexError):
            changed[at : at + chance.randrange(3)] = chance.choice(
                [b"\r", b"\n", b" ", b"\t", b"\0", b":", b"1", b"", b"\x0b"]
            )
        agree(bytes(changed))
