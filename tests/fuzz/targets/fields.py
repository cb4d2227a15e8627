"""Header fields that are read: how long to wait, and what goes on to the other side.

Invariants
- `hints`: any headers of any error give no wait, or one above 0 and up to an hour; a good answer's give none.
- `headers`: of any fields of a client the engine makes a head that is read as the fields that were chosen, and no more;
  of any fields of a provider only such as can stand in an answer's head go on.
- `times`: any headers of a request give a deadline ahead of now and, not after it, the time by which to commit; or one
  Malformed that names the header.

An input is lines: the first names the vendor and the status, the others are header fields.
"""

import math
import re

import h11

from proxy.config.profiles import vendors
from proxy.config.values import TimeoutSettings
from proxy.telemetry.names import REQUEST_TIMEOUT
from proxy.upstream.bodies import readable
from proxy.upstream.hints import LONGEST_WAIT_S, wait_hint
from proxy.upstream.hygiene import answer_headers, entity_headers, relayed_headers, request_headers
from proxy.upstream.native import _framing, _head
from proxy.upstream.seam import Call, Unreachable
from proxy.upstream.timings import LONGEST_WAIT_S as LONGEST_DEADLINE_S
from proxy.upstream.timings import client_times, client_waits
from translators.faults import Malformed

WALL = 1_750_000_000.0
NOW = 1_000.0
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What every parser lets pass as a name."""


def _fields(data: bytes) -> tuple[str, list[tuple[bytes, bytes]]]:
    first, *lines = data.split(b"\n")
    pairs = [line.partition(b":") for line in lines]
    return first.decode("latin-1"), [(name, value.strip()) for name, _, value in pairs]


def check_hints(data: bytes) -> None:
    """See the module."""
    first, fields = _fields(data)
    headers = readable(fields)
    for vendor in (first.partition(" ")[0], "", *vendors()):
        for status in (400, 429, 503):
            wait = wait_hint(headers, status, vendor, WALL)
            assert wait is None or (math.isfinite(wait) and 0 < wait <= LONGEST_WAIT_S), wait
        assert wait_hint(headers, 200, vendor, WALL) is None


def check_times(data: bytes) -> None:
    """See the module."""
    headers = dict(readable(_fields(data)[1]))
    try:
        total, wait = client_waits(headers)
    except Malformed as malformed:
        _names_it(malformed)
        return
    deadline, commit_by = client_times(total, wait, TimeoutSettings(), NOW)
    assert NOW < commit_by <= deadline <= NOW + LONGEST_DEADLINE_S
    assert wait is None or 0 < wait <= LONGEST_DEADLINE_S


def _names_it(malformed: Malformed) -> None:
    assert malformed.param == REQUEST_TIMEOUT


def check_headers(data: bytes) -> None:
    """See the module."""
    first, fields = _fields(data)
    theirs = [(name.decode().lower(), value.decode("latin-1")) for name, value in fields if TOKEN.fullmatch(name)]
    codec_headers = [("authorization", "Bearer k"), ("anthropic-version", "2023-06-01")]
    for made in (
        request_headers(codec_headers, {"x-own": first}, dict(theirs), relayed=True),
        relayed_headers(codec_headers, {}, dict(theirs)),
        [*theirs],
    ):
        call = Call("POST", "https://api.test/v1/x", made, b"{}", stream=False, connect_s=1, pool_s=1, write_s=1)
        try:
            head = _head(call.method, "/v1/x", "api.test", tuple(made)) + _framing(call)
        except Unreachable:
            assert made == theirs
            continue
        if made == theirs:
            assert head.count(b"\r\n") == len(made) + 4
            continue
        sent = h11.Connection(h11.SERVER)
        sent.receive_data(head)
        told = sent.next_event()
        assert isinstance(told, h11.Request)
        read = [(name.decode(), value.decode()) for name, value in told.headers]
        assert read == [("host", "api.test"), *((n, v.strip(" ")) for n, v in made), ("content-length", "2")]
    passed, upstream_id = answer_headers(theirs)
    for name, value in [*passed, *entity_headers(theirs), ("x", upstream_id)]:
        assert name.isascii() and name.isprintable() and value.isascii() and value.isprintable()
