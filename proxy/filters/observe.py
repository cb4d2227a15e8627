"""The outermost filter: every exchange ends here in an answer, a count and one log line, whatever happened inside.

Outside auth, so that refusals are seen. A fault is told in the client's dialect while nothing has been sent; once the
answer has started it can only be cut, so that no client takes it for complete. What is not foreseen is our own error:
told as `internal_error` without detail, logged by type and place. An exception's text is never logged: it may quote a
body.

The log line holds the fields listed in `Told` and nothing else: no header, no body, no key.
"""

import asyncio
import re
from collections import deque
from functools import cache
from pathlib import PurePath
from traceback import walk_tb

from msgspec import Raw

from proxy.answers import attempts_header, retry_headers, served_headers, tell_fault
from proxy.clock import Clock
from proxy.config.spending import dollars
from proxy.flow import Attempt, Choice, Exchange, Gone, Refused, Service, Teller
from proxy.telemetry.logs import Line, Log, moment
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.names import EXCHANGE, INTERNAL_ERROR, OWN_ERROR
from translators.catalog import DIALECTS, codec
from translators.faults import Fault, Kind, Malformed, say
from translators.ir import Dialect

CLIENT_GONE = 499
_OWN = Fault(
    kind=Kind.SERVER,
    status=500,
    code=INTERNAL_ERROR,
    message="Sidestep failed to serve this request; this is its own fault.",
)
_ASKED_SHOWN = 120
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What looks like a code."""
SCORES = "feedback"
"""The route of scores for answers."""
RECENT = 100
"""Exchanges that are kept for who looks at the last ones: some 1 KB each."""


class Observe:
    def __init__(self, metrics: Metrics, log: Log, clock: Clock) -> None:
        self._metrics = metrics
        self._log = log
        self._clock = clock
        self.recent: deque[Seen] = deque(maxlen=RECENT)
        """The last that ended, the latest at the end."""

    async def __call__(self, exchange: Exchange, service: Service) -> None:
        """Raises nothing but a cancellation that has no reason: the loop's own end."""
        try:
            try:
                try:
                    await service(exchange)
                    if not exchange.out.started:
                        raise RuntimeError("the exchange ended without an answer")
                except (Refused, Malformed, Gone) as ended:
                    await _ended(exchange, ended)
            except asyncio.CancelledError:
                if exchange.cancelled is None:
                    raise
                await _cancelled(exchange, exchange.cancelled)
        except Exception as error:  # noqa: BLE001 - the last place where anything can be told
            await self._own_error(exchange, error)
        finally:
            self._record(exchange)

    def alike(self, exchange: Exchange) -> Teller:
        """Of exchanges that were refused as this one, before anything was known but their heads, which are the same."""
        line = self._line(exchange, took=0.0, added=0.0, first=None)
        count = self._metrics.unanswered(exchange.route, exchange.status, line.code or "")
        clock, log, recent = self._clock, self._log, self.recent

        def tell(name: str, began: float) -> None:
            took = clock.now() - began
            count(took)
            told = line.__copy__()  # type: ignore[attr-defined]  # as copy.copy makes it; msgspec says nothing of it
            told.time, told.id, told.ms, told.added_ms = moment(clock), name, _ms(took, 10), _ms(took, 100)
            log.tell(told)
            recent.append((told, [], [], None))

        return tell

    async def _own_error(self, exchange: Exchange, error: Exception) -> None:
        exchange.own_error = True
        exchange.fault = _OWN
        self._metrics.own_error(INTERNAL_ERROR)
        self._log.events.error(OWN_ERROR, id=exchange.id, type=type(error).__name__, place=place_of(error))
        if exchange.out.started:
            exchange.out.abort()
            return
        exchange.status = 500
        headers = [
            ("content-type", "application/json"),
            *served_headers(exchange),
            *retry_headers(None, should_retry=False),
        ]
        await exchange.out.answer(500, headers, _last_resort(exchange.codec.dialect))

    def _record(self, exchange: Exchange) -> None:
        now = self._clock.now()
        took = now - exchange.started
        fault = exchange.fault
        first = exchange.first_token - exchange.started if exchange.first_token else None
        added = (took if first is None else first) - exchange.upstream_s
        if added < 0.0:  # noqa: PLR1730 - a call costs more
            added = 0.0
        self._metrics.exchange(
            exchange.route,
            exchange.provider,
            exchange.model,
            exchange.status,
            "" if fault is None else code_of(fault) or "",
            took,
            added,
            first,
            exchange.usage,
        )
        told = self._line(exchange, took, added, first)
        self._log.tell(told)
        if exchange.route != SCORES:  # of which there may be one to each request
            self.recent.append((told, exchange.attempts, exchange.skipped, exchange.choice))

    def _line(self, exchange: Exchange, took: float, added: float, first: float | None) -> "Told":
        fault, usage, envelope = exchange.fault, exchange.usage, exchange.envelope
        return Told(  # by place, since names cost as much again
            moment(self._clock),
            "error" if exchange.own_error else "info",
            EXCHANGE,
            exchange.id,
            exchange.client.name if exchange.client is not None else None,
            exchange.route,
            exchange.asked[:_ASKED_SHOWN],
            exchange.provider,
            exchange.model,
            exchange.status,
            None if fault is None else fault.kind.value,
            None if fault is None else code_of(fault),
            attempts_header(exchange.attempts),
            [target for target, _ in exchange.skipped] if exchange.skipped else [],
            _ms(took, 10),
            _ms(added, 100),
            None if first is None else _ms(first, 10),
            None if usage is None else usage.input,
            None if usage is None else usage.output,
            None if exchange.cost is None else Raw(dollars(exchange.cost).encode()),
            exchange.translation,
            envelope.stream if envelope is not None else False,
            exchange.retry_count,
            exchange.own_error,
        )


class Told(Line):
    """The line of an exchange."""

    id: str
    client: str | None
    route: str
    asked: str
    provider: str
    model: str
    status: int
    kind: str | None
    code: str | None
    attempts: str
    skipped: list[str]
    ms: float
    added_ms: float
    first_token_ms: float | None
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: Raw | None
    translation: str
    stream: bool
    retry_count: int
    own_error: bool


Seen = tuple[Told, list[Attempt], list[tuple[str, str]], Choice | None]
"""What is kept of an exchange for who looks at the last ones: its line, its attempts, what was passed over and why, and
who was chosen. No header, no body."""


def _ms(seconds: float, parts: int) -> float:
    """Milliseconds in so many parts of one. `round` to a place writes the number out and reads it again."""
    return int(seconds * 1000 * parts + 0.5) / parts


async def _ended(exchange: Exchange, why: Refused | Malformed | Gone) -> None:
    """Ends an exchange that what is inside would not serve."""
    if isinstance(why, Gone):
        exchange.status = CLIENT_GONE
        exchange.fault = Fault(kind=Kind.CANCELLED, message="The client left while it was sending its request.")
    elif isinstance(why, Refused):
        await _end(exchange, why)
    else:
        fault = Fault(
            kind=Kind.REFUSED,
            status=why.status,
            type="invalid_request_error",
            code=why.code,
            param=why.param,
            message=say(str(why)),
        )
        await _end(exchange, Refused(fault))


async def _end(exchange: Exchange, refused: Refused) -> None:
    """Tells the fault, or cuts an answer that has started."""
    if exchange.out.started:
        exchange.fault = exchange.fault or refused.fault
        exchange.out.abort()
        return
    await tell_fault(
        exchange,
        refused.fault,
        retry_after_s=refused.retry_after_s,
        should_retry=refused.should_retry,
        more=refused.more,
    )


async def _cancelled(exchange: Exchange, fault: Fault) -> None:
    """Ends a cancelled exchange by the reason it was cancelled for."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
    if fault.kind is Kind.CANCELLED:
        exchange.status = CLIENT_GONE
        exchange.fault = fault
    elif fault.kind is Kind.SHED:
        await _end(exchange, Refused(fault, retry_after_s=1, should_retry=True))
    else:
        await _end(exchange, Refused(fault))


def code_of(fault: Fault | None) -> str | None:
    """The error code a fault is told with; None also where a provider put something else there: it may be text of the
    prompt, which is told to nobody but the client."""
    if fault is None:
        return None
    code = fault.code or fault.outcome.code
    return code if code and _CODE.fullmatch(code) else None


def own_failure(metrics: Metrics, log: Log, error: Exception) -> None:
    """Tells what failed in the background in a way that nobody foresaw, as what fails in a request is told."""
    metrics.own_error(INTERNAL_ERROR)
    log.events.error(OWN_ERROR, type=type(error).__name__, place=place_of(error))


def place_of(error: BaseException) -> str:
    """Where in our own code an error was raised: `module.py:line`, the innermost frame of it."""
    place = ""
    for frame, line in walk_tb(error.__traceback__):
        path = PurePath(frame.f_code.co_filename)
        if not place or {"proxy", "translators"} & set(path.parts):
            place = f"{path.parent.name}/{path.name}:{line}"
    return place


def last_resorts() -> None:
    """Renders for every dialect what is told where serving failed: later, rendering may be what fails."""
    for dialect in DIALECTS:
        _last_resort(dialect)


@cache
def _last_resort(dialect: Dialect) -> bytes:
    return codec(dialect).render_fault(_OWN)[1]
