"""Whether a connection failed for want of something that this machine has no more of.

Then no upstream is to blame: every dial would fail, whomever it is for, until something is given back.

Odd cases
- A name that is not resolved for want of a file reports a resolver's error that says nothing of it, so it is tried
  whether a socket can be had at all.
- A name with several addresses is out of reach for our sake only if each of them was: without IPv6, `localhost` has an
  address that cannot be had, and that is no lack.
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
    reasons = [_lack(one) for one in _innermost(error)]
    return reasons[0] if all(reasons) else ""


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


def _lack(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return _lack_of_sockets()
    return LACKING.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def _lack_of_sockets() -> str:
    try:
        socket.socket().close()
    except OSError as error:
        return LACKING.get(error.errno or 0, "")
    return ""
