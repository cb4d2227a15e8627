"""Whether a connection failed for want of something that this machine has no more of.

Then no upstream is to blame: every dial would fail, whomever it is for, until something is given back.

Odd cases
- A name that is not resolved for want of a file reports a resolver's error that says nothing of it, so it is tried
  whether a socket can be had at all.
- No address to connect from means two things: that every port is taken, or that this machine has no way to such an
  address (`::1` where there is no IPv6), which is no lack. Whether a port can still be had tells them apart.
- A name with several addresses is out of reach for our sake only if each of them was; one that this machine has no way
  to says nothing beside another.
"""

import errno
import socket
from collections.abc import Iterator

LACKING = {
    errno.EMFILE: "this process has as many files and sockets open as it may; raise its limit (ulimit -n)",
    errno.ENFILE: "this machine has as many files and sockets open as it may; raise its limit (fs.file-max)",
    errno.EADDRNOTAVAIL: "this machine has no free port left for another connection",
    errno.ENOBUFS: "this machine has no memory left for another connection",
    errno.ENOMEM: "this machine has no memory left for another connection",
}


def lacking(error: BaseException) -> str:
    """What a connection that failed with `error` lacked on this machine, as a clause; empty for any other failure."""
    lacks = [_lack(one) for one in _innermost(error)]
    telling = [lack for lack in lacks if lack is not None]
    return telling[0] if telling and all(telling) else ""


def weight(error: BaseException) -> int:
    """Of several addresses' failures, that of the greatest weight is told: 2 says something of the host, 1 of a lack
    here, 0 that there is no way to the address."""
    lacks = [_lack(one) for one in _innermost(error)]
    return 2 if "" in lacks else 1 if any(lacks) else 0


def _innermost(error: BaseException) -> Iterator[BaseException]:
    """What `error` stands for: each of a group, and of an error without a number that which it was raised for."""
    within = error.__cause__ or error.__context__
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _innermost(one)
    elif within is None or (isinstance(error, OSError) and error.errno):
        yield error
    else:
        yield from _innermost(within)


def _lack(error: BaseException) -> str | None:
    """The clause, empty for what is no lack; None where the address cannot be had, which says nothing of its host."""
    if isinstance(error, socket.gaierror):
        return _lack_of_sockets()
    if not isinstance(error, OSError):
        return ""
    if error.errno == errno.EADDRNOTAVAIL:
        return _lack_of_ports() or None
    return LACKING.get(error.errno or 0, "")


def _lack_of_sockets() -> str:
    try:
        socket.socket().close()
    except OSError as error:
        return LACKING.get(error.errno or 0, "")
    return ""


def _lack_of_ports() -> str:
    """Connections of either family hold their ports against this one."""
    try:
        with socket.socket() as probe:
            probe.bind(("", 0))
    except OSError as error:
        taken = errno.EADDRNOTAVAIL if error.errno == errno.EADDRINUSE else error.errno
        return LACKING.get(taken or 0, "")
    return ""
