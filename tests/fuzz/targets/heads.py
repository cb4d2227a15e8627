"""HTTP/1.1 as it is read: requests by the data port, answers by the native engine.

Invariants
- `http-in`: any bytes of a client, however they are cut, are served as the same request, or refused with the same
  status; where they may be read in two ways the connection ends. What is served, every other reader that takes it
  reads as the same request. No task, timer, exchange or byte of memory is left, and nothing is raised.
- `http-out`: any bytes of a provider are an answer or a cut, the same one however they come. An answer that h11 reads
  too has the same status and body there; of a connection that would serve again nothing but empty lines followed it.
"""

from proxy.server.protocol import Bounds
from tests.fuzz.scene import cuttings
from tests.fuzz.wires import Served, answer, answer_by_h11, run, serve
from tests.security.readers import readings

TIGHT = Bounds(header_bytes=256, header_fields=6)


def check_in(data: bytes) -> None:
    """See the module."""
    whole, *others = cuttings(data)
    served = run(lambda: serve(whole))
    for pieces in others:
        again = run(lambda pieces=pieces: serve(pieces))
        assert (again.taken, again.refused, again.waiting) == (served.taken, served.refused, served.waiting), pieces
    assert len(served.taken) + len(served.refused) + served.waiting <= 1, "no second request before the first's end"
    _is_answered(served)
    _is_read_alike(served, data)
    _is_answered(run(lambda: serve(others[-1], TIGHT)))


def _is_answered(served: Served) -> None:
    heads = served.sent.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert heads.startswith(b"HTTP/1.1 ") == bool(served.taken or served.refused)
    assert all(400 <= status < 600 for status in served.refused)
    assert served.closed == (b"\r\nconnection: close\r\n" in heads)
    assert served.closed or not served.unreadable


def _is_read_alike(served: Served, data: bytes) -> None:
    for taken in served.taken:
        for name, read in readings(data).items():
            assert (taken.method, taken.body) == (read.method, read.body), name
            assert served.closed or not read.rest.strip(b"\r\n"), name


def check_out(data: bytes) -> None:
    """See the module."""
    whole, *others = cuttings(data)
    read = run(lambda: answer(whole))
    for pieces in others:
        again = run(lambda pieces=pieces: answer(pieces))
        assert again[:2] == read[:2], pieces
    if read.body is None:
        return
    status, body, after = answer_by_h11(data)
    if body is not None:
        assert (status, body) == read[:2]
        assert not (read.kept and after.strip(b"\r\n"))
