"""How long an attempt may take, and how long its client will wait: arithmetic on the settings.

Two times bound a request: its deadline, and `commit_by`, until when the client must have seen the first content or it
gives up by itself. A target that is not the last one gets at most half of what is left until then, so that a silent
primary leaves time for the next. After the commit only the deadline counts, and the caller lifts `cap_at`.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from proxy.config.values import TimeoutSettings
from proxy.telemetry.names import READ_TIMEOUT, REQUEST_TIMEOUT, SDK_TIMEOUT
from translators.faults import Malformed

LONGEST_WAIT_S = 86_400.0
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


class AttemptTimes(Struct, frozen=True):
    """One attempt's times; `first_s`, `between_s` and `idle_s` are seconds of silence, `cap_at` is loop time."""

    first_s: float
    """Until the first progress; of a unary answer, until its end."""
    between_s: float
    """Between progress and progress."""
    idle_s: float
    """Between signs of life of any kind, pings among them."""
    cap_at: float
    """When the attempt ends if it is not committed by then."""


def attempt_times(
    timeouts: TimeoutSettings,
    now: float,
    deadline: float,
    commit_by: float,
    targets_left: int,
    *,
    stream: bool,
    quick: bool,
    reasons: bool,
) -> AttemptTimes:
    """The times of an attempt that starts `now`, with `targets_left` more targets behind it.

    A unary chat says nothing until it is finished, so it gets `progress_unary_s`; embeddings and counts are `quick` and
    get `progress_s` like a stream. A model that reasons first gets `first_token_reasoning_s` where that is longer.
    """
    silence = timeouts.progress_s if stream or quick else timeouts.progress_unary_s
    first = max(silence, timeouts.first_token_reasoning_s) if reasons and not quick else silence
    limit = commit_by if commit_by < deadline else deadline  # noqa: FURB136 - a call costs more
    if targets_left > 0:
        limit = now + (limit - now) / 2
    return AttemptTimes(first, silence, timeouts.idle_s, limit if limit > now else now)  # noqa: FURB136 - a call costs more


def client_waits(headers: Mapping[str, str]) -> tuple[float | None, float | None]:
    """How many seconds the client gives its request (`x-request-timeout`), and how long it waits itself (that header,
    else its SDK's `x-stainless-read-timeout` or `x-stainless-timeout`); None for what it does not say.

    A time is a plain number of seconds above 0 and up to a day. Raises Malformed for another `x-request-timeout`, since
    whoever sent it relies on it; what an SDK says by itself is ignored where it is none.
    """
    asked = headers.get(REQUEST_TIMEOUT)
    total = _seconds(asked)
    if asked is not None and total is None:
        message = f"it must be seconds, a plain number above 0 and up to {LONGEST_WAIT_S:.0f}, as in 30 or 2.5."
        raise Malformed(
            f"The header {REQUEST_TIMEOUT} is '{asked[:40]}'; {message}", param=REQUEST_TIMEOUT, code="invalid_value"
        )
    if total is not None:
        return total, total
    return None, _seconds(headers.get(READ_TIMEOUT)) or _seconds(headers.get(SDK_TIMEOUT))


def client_times(total: float | None, wait: float | None, timeouts: TimeoutSettings, now: float) -> tuple[float, float]:
    """`(deadline, commit_by)` of a request that arrived `now` from a client with these `client_waits`.

    `total` replaces the configured deadline. `wait` also bounds the time to the commit: max(0.8 x, x - 1), so that our
    error arrives while somebody still listens.
    """
    deadline = now + (timeouts.deadline_s if total is None else total)
    return deadline, deadline if wait is None else min(deadline, now + max(0.8 * wait, wait - 1.0))


def _seconds(text: str | None) -> float | None:
    if text is None or _SECONDS.fullmatch(text) is None:
        return None
    value = float(text)
    return value if 0.0 < value <= LONGEST_WAIT_S else None
