"""What one attempt means beyond its answer: for the breaker, the key, the throttle, the operator and the exchange.

A permit gets exactly one verdict and a key exactly one release, however the attempt ends: answered, failed, broken off
after the commit, or cancelled from outside.
"""

from msgspec import Struct, structs

from proxy.answers import served_headers
from proxy.chain.ready import Ready, Tools
from proxy.config.values import Provider, Target
from proxy.flow import Attempt, Exchange, Headers, Refused
from proxy.pricing.cost import cost
from proxy.resilience.breaker import Verdict, verdict
from proxy.resilience.keys import KeyPool, KeyState
from proxy.resilience.observed import Observed
from proxy.resilience.silence import FAIR_PART, Silence
from proxy.resilience.targets import TargetState
from proxy.telemetry.names import DEMO
from proxy.upstream import hygiene
from proxy.upstream.hints import wait_hint
from proxy.upstream.trial import Seen
from translators.faults import Fault, Kind
from translators.ir import Usage

_LEFT = frozenset({Kind.CANCELLED, Kind.DEADLINE})
"""Nobody waits for the answer any more."""
OF_THE_CALLER = {
    Kind.AUTH: (401, "invalid_api_key", "does not accept the key that this request brought"),
    Kind.QUOTA: (429, "insufficient_quota", "says that the quota of the key that this request brought is used up"),
    Kind.THROTTLED: (429, "rate_limit_exceeded", "limits the rate of the key that this request brought"),
}
"""What a caller who brought its own key is told at once: status (where the provider gave none), code and clause."""
_NO_TOKENS = Usage(0, 0)
LONGEST_WAIT_S = 3600.0
LONGEST_DAILY_WAIT_S = 86_400.0
"""A wait asked for in a body is believed up to an hour, and up to a day where it speaks of a day's quota."""


def account_of(
    tools: Tools, exchange: Exchange, target: Target, state: TargetState, ready: Ready, calls: int = 1
) -> "Account":
    """One attempt's at `target`: of one call, or of `calls` that are made side by side."""
    return Account(Seen(), tools, exchange, target, state, ready, tools.registry.keys(target.provider), ready.at, calls)


class Account(Struct, eq=False):
    """One attempt at `target`, from `open` to `close`; `seen` is filled by whoever makes the call, or the `calls` that
    are made side by side: they have one permit and one key."""

    seen: Seen
    _tools: Tools
    _exchange: Exchange
    _target: Target
    _state: TargetState
    _ready: Ready
    _pool: KeyPool
    _began: float
    _calls: int
    _begun: float = 0.0
    """When the first content came of an answer that is folded, and so not the client's yet; 0 before."""
    _noted: Attempt | None = None
    _billed: bool = False

    def open(self) -> None:
        """The call begins."""
        self._state.enter(self._calls)
        if self._state.observed is not None:
            self._state.observed.begun(self._began, self._tools.clock.wall(), self._calls)
        self._pool.acquire(self._ready.key)
        trace = self._exchange.trace
        if trace is not None:
            breaker = self._state.breaker.state(self._began).name.lower()
            trace.attempt(self._target, breaker, self._calls, self._began)

    def begun(self) -> None:
        """An answer that is folded has begun: enough for a probe."""
        self._begun = now = self._tools.clock.now()
        self._state.silence = None
        self._state.breaker.commit(self._ready.permit, now)
        if self._exchange.trace is not None:
            self._exchange.trace.first(now)

    def served(self, status: int = 200) -> None:
        """The answer is there: from here on this target is the one that served."""
        now = self._tools.clock.now()
        exchange = self._exchange
        state, took = self._state, now - self._began
        if state.silence is not None:
            state.silence = None
        if state.missing:
            state.missing = False
        state.breaker.commit(self._ready.permit, now)
        exchange.status = status
        exchange.provider = self._target.provider.name
        exchange.upstream_s += took
        if state.observed is not None:
            state.observed.served(now, took, stream=self._streams)
        self._note("ok", now)

    def head(self, content_type: str) -> Headers:
        """The headers of the answer: its type, who served it, and what of the upstream's own passes."""
        passed, self._exchange.upstream_id = hygiene.answer_headers(self.seen.headers)
        scripted = [(DEMO, "true")] if self._target.provider.demo else []
        return [("content-type", content_type), *served_headers(self._exchange), *scripted, *passed]

    def again(self, fault: Fault, seen: Seen) -> Fault:
        """One of the attempt's calls ended in `fault` and might be made again, with the same permit and key; gives the
        fault with its wait filled in, which others keep to as well."""
        fault, now = self._in_full(fault, seen), self._tools.clock.now()
        if not self._target.provider.client_key:
            self._hold_off(fault, now)
        return fault

    @property
    def _streams(self) -> bool:
        """Whether the client asked for a stream."""
        envelope = self._exchange.envelope
        return envelope is not None and envelope.stream

    def stumbled(self, fault: Fault) -> None:
        """Such a call is made again: what came of it is told as an attempt of its own."""
        now = self._tools.clock.now()
        noted = self._attempt(fault.kind.value, fault.status, now)
        noted.message, noted.code = fault.message, fault.code
        self._exchange.attempts.append(noted)
        if self._exchange.trace is not None:
            self._exchange.trace.stumbled(fault.kind.value, now)
        self._tools.count(self._target.provider.name, self._target.model, fault.kind.value)
        self._state.window.note(now, self._began, 0.0, fault.kind.value)

    def close(self, fault: Fault | None) -> Fault | None:
        """The call has ended, in `fault` or well; gives the fault with its wait filled in."""
        self._pool.release(self._ready.key)
        self._state.leave(self._calls)
        if fault is not None:
            fault = self._in_full(fault, self.seen)
        self._settle(fault)
        return fault

    def _note(self, kind: str, now: float, fault: Fault | None = None) -> None:
        """The attempt as the exchange tells it; one that breaks after its commit is told anew."""
        noted = self._attempt(kind, self.seen.status, now)
        if fault is not None:
            noted.message, noted.code = fault.message, fault.code
        attempts = self._exchange.attempts
        if self._noted is not None:
            attempts.remove(self._noted)
        attempts.append(noted)
        self._noted = noted

    def _attempt(self, kind: str, status: int, now: float) -> Attempt:
        return Attempt(self._target.name, kind, status, round((now - self._began) * 1000))

    def _in_full(self, fault: Fault, seen: Seen) -> Fault:
        """The fault with the wait that headers or body asked for."""
        wait = wait_hint(seen.headers, seen.status, self._target.profile.vendor, self._tools.clock.wall())
        if wait is None and fault.retry_after_s is not None:
            longest = LONGEST_DAILY_WAIT_S if fault.daily else LONGEST_WAIT_S
            wait = fault.retry_after_s if 0.0 < fault.retry_after_s <= longest else None
        return structs.replace(fault, retry_after_s=wait) if wait != fault.retry_after_s else fault

    def _settle(self, fault: Fault | None) -> None:
        tools = self._tools
        now = tools.clock.now()
        exchange, target, state, key = self._exchange, self._target, self._state, self._ready.key
        if fault is None or exchange.out.started:
            exchange.usage = self.seen.usage
        else:
            exchange.upstream_s += now - self._began
        if not self._billed:
            self.bill(fault)
        kind = "ok"
        given: Verdict = "success"
        wait = None
        if fault is not None:
            kind, given, wait = fault.kind.value, self._judged(fault, now), fault.retry_after_s
            self._note(kind, now, fault)
        else:
            state.window.note(now, self._began, exchange.first_token or self._begun, None)
        tools.count(target.provider.name, target.model, kind)
        if exchange.trace is not None:
            exchange.trace.ended(kind, self.seen.status, exchange.first_token, now)
        if state.observed is not None:
            self._observe(state.observed, given, now)
        state.breaker.settle(self._ready.permit, given, now, now + wait if wait else None)
        if fault is None:
            if not target.provider.client_key:
                self._pool.ok(key)
            return
        if fault.kind is Kind.SHED and exchange.cancelled is None and tools.registry.exhausted(now):
            tools.alert("exhausted", reason=fault.message)  # a connection that this machine could not make
        if not target.provider.client_key:
            self._blame(fault, now)

    def _observe(self, observed: Observed, given: Verdict, now: float) -> None:
        """For who orders targets by it."""
        if given == "fail":
            observed.fell(now, 0.0 if self._exchange.out.started else now - self._began, stream=self._streams)
        if self.seen.usage is not None:
            observed.used(now, self._tools.clock.wall(), self.seen.usage)

    def bill(self, fault: Fault | None = None) -> None:
        """The attempt costs no more from here on: charges it, once."""
        if self._billed:
            return
        self._billed = True
        exchange, seen = self._exchange, self.seen
        if exchange.spend is not None:
            content = fault is None or self._begun > 0 or exchange.out.started
            billed = exchange.spend.close(fault, seen.usage, seen.status, content, seen.fared)
        elif seen.usage is not None and self._target.price is not None:
            billed = cost(self._target.price, seen.usage)
        else:
            return
        if billed is not None:
            self._charge(billed)

    def told(self, usage: Usage | None) -> None:
        """What an answer that passed through turned out to have used: counted, and bounded by nothing."""
        self.seen.usage = usage
        if usage is not None and self._exchange.spend is not None:
            self._exchange.spend.beside(usage.billed)

    def charge(self, amount: int | None) -> None:
        """The attempt costs so many nano-dollars, whatever was counted; None where nobody knows."""
        if self._billed:
            return
        self._billed = True
        if self._exchange.spend is not None:
            self._exchange.spend.close(None, _NO_TOKENS, self.seen.status, content=True)
        if amount is not None:
            self._charge(amount)

    def _charge(self, amount: int) -> None:
        exchange, target = self._exchange, self._target
        exchange.cost = amount if exchange.cost is None else exchange.cost + amount
        self._tools.spent(target.provider.name, target.model, amount)

    def _judged(self, fault: Fault, now: float) -> Verdict:
        """What the breaker is told. What is the caller's own doing says nothing of the target; all else is noted."""
        if self._target.provider.client_key and fault.kind in OF_THE_CALLER:
            return "ignored"
        self._state.window.note(now, self._began, self._exchange.first_token or self._begun, fault.kind.value)
        if fault.kind is Kind.TIMEOUT or fault.kind in _LEFT:
            return self._silent(fault, now)
        if self.seen.status:
            self._state.silence = None
        return verdict(fault)

    def _silent(self, fault: Fault, now: float) -> Verdict:
        """The same of a call that waited in vain. The configured time was too long for the target, a fair part of it
        for a hurried client; shorter waits are held against the target where they add up. A client that leaves says
        nothing of a target that has sent a head and no content: what it has seen is not known."""
        left = fault.kind in _LEFT
        if self._exchange.out.started or self._begun:
            fair = left and self.seen.silent_s * FAIR_PART >= self._ready.times.between_s
            return "fail" if fair else verdict(fault)
        if left and (self.seen.status or self._exchange.envelope is None):
            return "ignored"
        state, times = self._state, self._ready.times
        if state.silence is None:
            state.silence = Silence()
        adds_up = state.silence.add(self._began, now, times.first_s)
        hurried = left or times.cap_at - self._began < times.first_s / FAIR_PART
        return "fail" if adds_up or not hurried else "ignored"

    def _blame(self, fault: Fault, now: float) -> None:
        """What a fault does beyond the breaker: keys off, waits kept, people told."""
        target, key = self._target, self._ready.key
        pool = self._pool
        self._hold_off(fault, now)
        if fault.kind is Kind.QUOTA and pool.disable(key, now, "quota", daily=fault.daily):
            self._tools.alert("key_out_of_quota", **named(target.provider, key))
        elif fault.kind is Kind.AUTH and pool.disable(key, now, "auth"):
            self._tools.alert("key_refused", **named(target.provider, key))
        elif fault.kind is Kind.MISSING and not self._state.missing:
            self._state.missing = True
            self._tools.alert("model_missing", target=target.name)

    def _hold_off(self, fault: Fault, now: float) -> None:
        """Keeps the wait that the upstream asked for."""
        registry, wait = self._tools.registry, fault.retry_after_s
        if fault.kind is Kind.THROTTLED and wait:
            registry.throttle(self._state, self._pool, self._ready.key, now, wait)
        elif fault.kind in (Kind.SERVER, Kind.OVERLOADED) and wait:
            self._state.rest(now, wait, self._tools.clock.uniform)


def named(provider: Provider, key: KeyState) -> dict[str, str | int]:
    return {"provider": provider.name, "key": key.fingerprint, "source": key.source}


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
