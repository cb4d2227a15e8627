"""How many files and sockets this process may have open: raised as far as the system lets it.

The soft limit is often 1024, a value for programs that use `select`. An exchange needs two descriptors, its client's
and its provider's; without them a provider would be blamed for what we lack.
"""

import resource

SPARE = 100
"""For listeners, the log, scrapes and whatever idles in a pool."""


def raise_descriptors() -> None:
    """Raises the soft limit to the hard one; what the system refuses stays as it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # some systems call the hard limit infinite and yet refuse it
            return


def too_few(in_flight: int) -> str:
    """What to say when `in_flight` exchanges at once could need more than there are, or ""."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * in_flight + SPARE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return ""
    return (
        f"this process may open {soft} files, but limits.in_flight = {in_flight} can need {wanted}: "
        "raise the limit (ulimit -n) or lower limits.in_flight"
    )
