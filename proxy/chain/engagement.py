"""One attempt with all that surrounds it: the call, the permit's end, what a fault does to the key, the client's head.

A permit gets exactly one verdict and a key exactly one release, however the attempt ends: answered, failed, broken off
after the commit, or cancelled from outside.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct, structs

from proxy.answers import noted, noted_chunk, served_headers
from proxy.clock import Clock
from proxy.config.values import Provider, Target
from proxy.flow import Attempt, Exchange, Headers, Refused
from proxy.jobs import Job, Prepared
from proxy.resilience.breaker import Permit, verdict
from proxy.resilience.keys import KeyState
from proxy.resilience.targets import Registry, TargetState
from proxy.telemetry.names import DEMO
from proxy.upstream import attempt, hygiene
from proxy.upstream.attempt import Broken, Seen, Trial
from proxy.upstream.hints import wait_hint
from proxy.upstream.seam import Call, Engine
from proxy.upstream.timings import AttemptTimes
from translators.catalog import codec
from translators.faults import Failure, Fault, Kind
from translators.ir import Context

FAIR_PART = 3
"""A target that a hurried client left less than this part of its configured time is not blamed for its silence."""
OF_THE_CALLER = {
    Kind.AUTH: (401, "invalid_api_key", "does not accept the key that this request brought"),
    Kind.QUOTA: (429, "insufficient_quota", "says that the quota of the key that this request brought is used up"),
    Kind.THROTTLED: (429, "rate_limit_exceeded", "limits the rate of the key that this request brought"),
}
"""What a caller who brought its own key is told at once: status (where the provider gave none), code and clause."""
LONGEST_WAIT_S = 3600.0
LONGEST_DAILY_WAIT_S = 86_400.0
"""A wait asked for in a body is believed up to an hour, and up to a day where it speaks of a day's quota."""


class Alert(Protocol):
    """Tells the operator of something that needs a person: a key refused, a model missing."""

    def __call__(self, event: str, /, **facts: str | int) -> None: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What the chain works with, for the life of the process."""

    registry: Registry
    engine: Callable[[Provider], Engine]
    clock: Clock
    count: Callable[[str, str, str], None]
    """Counts an attempt: provider, model, kind."""
    alert: Alert


class Ready(Struct, frozen=True):
    """A target that can be called now."""

    key: KeyState
    permit: Permit
    times: AttemptTimes


class Engagement:
    """One attempt at one target, made by `run` and told to breaker, key pool, throttle and exchange."""

    def __init__(
        self,
        tools: Tools,
        exchange: Exchange,
        job: Job,
        target: Target,
        state: TargetState,
        prepared: Prepared,
        ready: Ready,
    ) -> None:
        self._tools = tools
        self._exchange = exchange
        self._job = job
        self._target = target
        self._state = state
        self._prepared = prepared
        self._ready = ready
        self._seen = Seen()
        self._began = tools.clock.now()
        self._noted: Attempt | None = None
        self._wants_metadata = exchange.headers.get("x-sidestep-metadata") == "1"

    async def run(self) -> Fault | None:
        """None once the exchange is answered, or told that it broke off; otherwise the fault, its wait filled in."""
        state, pool, ready = self._state, self._tools.registry.keys(self._target.provider), self._ready
        state.enter()
        pool.acquire(ready.key)
        fault: Fault | None = Fault(kind=Kind.CANCELLED, message="it was called off")
        broken: Broken | None = None
        try:
            fault = await self._call()
        except Broken as error:
            broken, fault = error, error.fault
        except asyncio.CancelledError:
            fault = self._exchange.cancelled or fault
            raise
        finally:
            pool.release(ready.key)
            state.leave()
            fault = fault and self._in_full(fault)
            self._settle(fault)
        if broken is not None:
            await self._tell_broken(broken)
            return None
        return fault

    async def _call(self) -> Fault | None:
        trial = self._trial()
        try:
            if self._job.stream:
                await attempt.stream(trial, self._commit)
                await self._exchange.out.finish()
            else:
                answered = await attempt.unary(trial)
                self._served()
                body = answered.body
                head = self._head("application/json")
                if self._wants_metadata:
                    body = noted(body, self._exchange)
                await self._exchange.out.answer(200, head, body)
        except Failure as failure:
            return failure.fault
        return None

    def _trial(self) -> Trial:
        target, prepared, exchange = self._target, self._prepared, self._exchange
        secret = self._ready.key.secret
        upstream = codec(target.provider.dialect)
        key = secret.reveal() if secret else ""
        headers = hygiene.request_headers(
            upstream.request_headers(key, target.profile, prepared.fields),
            target.provider.headers,
            exchange.headers,
            stream=self._job.stream,
        )
        context = Context(
            id="chatcmpl-" + exchange.id.removeprefix("req_"),
            created=int(self._tools.clock.wall()),
            model=target.model,
            include_usage=self._job.include_usage(),
            named_tool=self._job.named_tool(),
        )
        return Trial(
            exchange=exchange,
            job=self._job,
            target=target,
            engine=self._tools.engine(target.provider),
            call=Call("POST", target.provider.base_url + prepared.path, headers, prepared.body, self._job.stream),
            times=self._ready.times,
            context=context,
            clock=self._tools.clock,
            seen=self._seen,
            tail=lambda: noted_chunk(exchange, context) if self._wants_metadata else b"",
        )

    async def _commit(self) -> None:
        self._served()
        self._exchange.first_token = self._tools.clock.now()
        head = [*self._head("text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]
        await self._exchange.out.start(200, head)

    def _served(self) -> None:
        """The answer is there: from here on this target is the one that served."""
        now = self._tools.clock.now()
        exchange, target = self._exchange, self._target
        self._state.breaker.commit(self._ready.permit, now)
        exchange.status = 200
        exchange.provider, exchange.model = target.provider.name, target.model
        exchange.translation = self._prepared.report.header()
        exchange.upstream_s += now - self._began
        self._note("ok", now)

    def _head(self, content_type: str) -> Headers:
        passed, self._exchange.upstream_id = hygiene.answer_headers(self._seen.headers)
        scripted = [(DEMO, "true")] if self._target.provider.demo else []
        return [("content-type", content_type), *served_headers(self._exchange), *scripted, *passed]

    def _note(self, kind: str, now: float, fault: Fault | None = None) -> None:
        """The attempt as the exchange tells it; one that breaks after its commit is told anew."""
        ms = round((now - self._began) * 1000)
        noted = Attempt(self._target.name, kind, self._seen.status, ms)
        if fault is not None:
            noted.message, noted.code = fault.message, fault.code
        attempts = self._exchange.attempts
        if self._noted is not None:
            attempts.remove(self._noted)
        attempts.append(noted)
        self._noted = noted

    def _in_full(self, fault: Fault) -> Fault:
        """The fault with the wait that headers or body asked for."""
        wait = wait_hint(self._seen.headers, self._seen.status, self._target.profile.vendor, self._tools.clock.wall())
        if wait is None and fault.retry_after_s is not None:
            longest = LONGEST_DAILY_WAIT_S if fault.daily else LONGEST_WAIT_S
            wait = fault.retry_after_s if 0.0 < fault.retry_after_s <= longest else None
        return structs.replace(fault, retry_after_s=wait) if wait != fault.retry_after_s else fault

    def _settle(self, fault: Fault | None) -> None:
        tools, now = self._tools, self._tools.clock.now()
        exchange, target = self._exchange, self._target
        if fault is None or exchange.out.started:
            exchange.usage = self._seen.usage
        else:
            exchange.upstream_s += now - self._began
        if fault is not None:
            self._note(fault.kind.value, now, fault)
        tools.count(target.provider.name, target.model, fault.kind.value if fault else "ok")
        given = verdict(fault)
        own_key = target.provider.client_key
        if (own_key and fault and fault.kind in OF_THE_CALLER) or self._hurried(fault):
            given = "ignored"
        wait = fault.retry_after_s if fault else None
        self._state.breaker.settle(self._ready.permit, given, now, retry_at=now + wait if wait else None)
        if own_key:
            return
        if fault is None:
            tools.registry.keys(target.provider).ok(self._ready.key)
        else:
            self._blame(fault, now)

    def _hurried(self, fault: Fault | None) -> bool:
        """Whether a silence was too long for the client alone, which left less time than the configuration grants."""
        if fault is None or fault.kind is not Kind.TIMEOUT or self._exchange.out.started:
            return False
        times = self._ready.times
        return times.cap_at - self._began < times.first_s / FAIR_PART

    def _blame(self, fault: Fault, now: float) -> None:
        """What a fault does beyond the breaker: keys off, waits kept, people told."""
        registry, target, key = self._tools.registry, self._target, self._ready.key
        pool = registry.keys(target.provider)
        if fault.kind is Kind.THROTTLED and fault.retry_after_s:
            registry.throttle(self._state, pool, key, now, fault.retry_after_s)
        elif fault.kind in (Kind.SERVER, Kind.OVERLOADED) and fault.retry_after_s:
            self._state.throttle.block(now, fault.retry_after_s, self._tools.clock.uniform)
        elif fault.kind is Kind.QUOTA and pool.disable(key, now, "quota", daily=fault.daily):
            self._tools.alert("key_out_of_quota", provider=target.provider.name, key=key.fingerprint)
        elif fault.kind is Kind.AUTH and pool.disable(key, now, "auth"):
            self._tools.alert("key_refused", provider=target.provider.name, key=key.fingerprint)
        elif fault.kind is Kind.MISSING:
            self._tools.alert("model_missing", target=target.name)

    async def _tell_broken(self, broken: Broken) -> None:
        exchange = self._exchange
        exchange.fault = broken.fault
        await exchange.out.write(broken.notice)
        exchange.out.abort()


def of_the_caller(fault: Fault, target: Target) -> Refused | None:
    """What a caller with its own key is told at once: its provider's own status. None for any other fault."""
    if not target.provider.client_key or fault.kind not in OF_THE_CALLER:
        return None
    status, code, clause = OF_THE_CALLER[fault.kind]
    told = Fault(
        kind=Kind.REFUSED,
        status=fault.status if 400 <= fault.status < 500 else status,
        code=code,
        message=f"{target.provider.name} {clause}.",
    )
    return Refused(told, retry_after_s=fault.retry_after_s, should_retry=None)
