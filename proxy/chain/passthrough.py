"""A request that one provider gets as it is: no translation, no other target, its body and its answer never held whole.

What a JSON answer says of its tokens is counted (`told`), after the fact: nothing bounds it.

There is no failover, because what such requests speak of (files, batches, stored answers) lies at one provider. Nothing
is tried again either but a connection that was never made: a body that has begun to leave cannot be had a second time,
and whether the provider did its work is not known. The client's own retries are left to it.

What the provider says of the request passes with its status and body. What it says of our key does not: a caller must
not take it for its own, and the key is looked after as elsewhere. Only a lack of permission for one kind of request is
no reason to stop using the key for others.

The target is called `PROVIDER/passthrough`. Its breaker is its own, so that a broken file store closes no model. It is
the provider that the configuration names, but for an answer of `/responses` that another one is known to have made: its
maker alone has it.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import NoReturn

from msgspec import Struct, structs

from proxy.chain.account import Account, account_of, of_the_caller
from proxy.chain.forcing import forced_account, leave, when
from proxy.chain.ready import Ready, Tools, behind_breaker, key_for
from proxy.chain.told import counts, told_by
from proxy.chain.verdict import Skip, last_word
from proxy.config.profiles import profile_for
from proxy.config.spending import Price
from proxy.config.values import Config, Provider, Target
from proxy.flow import Exchange, Headers, Most, Refused
from proxy.jobs import parse_fault
from proxy.resilience.retry import delay
from proxy.resilience.targets import TargetState
from proxy.telemetry.names import PASSTHROUGH
from proxy.tracing import passed_on
from proxy.upstream import hygiene
from proxy.upstream.attempt import transport_fault
from proxy.upstream.quoting import unquoted_body
from proxy.upstream.seam import Call, Cut, Unreachable, Upstream
from proxy.upstream.timers import Stalled, Watchdog
from proxy.upstream.timings import AttemptTimes, attempt_times
from proxy.upstream.trial import ERROR_LIMIT, RESTING
from translators.catalog import codec
from translators.faults import Fault, Kind

OCTETS = "application/octet-stream"

_OF_OUR_KEY = frozenset({401, 402, 403, 407, 429})
"""Statuses that may speak of the key; any other below 500 speaks of the request."""
_KEYS = frozenset({Kind.AUTH, Kind.QUOTA, Kind.THROTTLED})
_NOT_PERMITTED = re.compile(rb"insufficient permissions|missing scopes?", re.IGNORECASE)
_FEE_ALONE = Most(0, 0)
_SOME = Most(1, 0)
"""Nobody knows how many tokens: at least there must be one left."""
_BODILESS = frozenset({204, 205})


def target_at(provider: Provider, price: Price | None = None) -> Target:
    """What passes through, as a target of its own."""
    profile = profile_for(provider, PASSTHROUGH)
    return Target(provider, PASSTHROUGH, profile, provider.breaker, provider.retry, provider.timeouts, price)


class _Refusal(Struct, frozen=True):
    """An error answer, and what it means."""

    status: int
    content_type: str
    body: bytes
    fault: Fault

    @property
    def passes(self) -> bool:
        """Whether it speaks of the request, so that the client is told it as it is."""
        return self.status < 500 and not (self.status in _OF_OUR_KEY and self.fault.kind in _KEYS)

    @property
    def denied(self) -> bool:
        """Whether the key was accepted, but not for this."""
        known = self.status == 403 or _NOT_PERMITTED.search(self.body) is not None
        return known and self.fault.kind is Kind.AUTH

    @property
    def settled(self) -> Fault:
        """The fault as breaker and key are told it."""
        if self.passes or self.denied:
            return Fault(kind=Kind.REFUSED, status=self.status, message=self.fault.message, code=self.fault.code)
        return self.fault


class Passthrough:
    """Passes requests on to the provider called `name`, or to another one of `providers` that is known to have what a
    request asks for. Each that is answered counts as `fee` nano-dollars; None: nobody knows what it costs."""

    def __init__(self, tools: Tools, name: str, providers: Mapping[str, Provider], fee: int | None = None) -> None:
        price = None if fee is None else Price(0, 0, request=fee)
        self._tools = tools
        self.provider = name
        self._targets = {one: target_at(provider, price) for one, provider in providers.items()}

    async def run(self, exchange: Exchange, maker: str | None = None) -> None:
        """Answers the exchange. `maker` is who made what it asks for: empty where nobody keeps it, None where that is
        not known. Raises Refused, or Gone when the client leaves while it sends."""
        target = self._targets.get(self.provider if maker is None else maker)
        if target is None:
            raise Refused(_nowhere(maker or ""), should_retry=None)
        await _Passage(self._tools, target).run(exchange)


def _nowhere(maker: str) -> Fault:
    why = f"is kept by {maker}, which is not configured here" if maker else "was translated, and nobody keeps it"
    return Fault(kind=Kind.REFUSED, status=404, code="not_found", message=f"The answer that is asked for {why}.")


class _Passage:
    """Passes one request on to `target`."""

    def __init__(self, tools: Tools, target: Target) -> None:
        self._tools = tools
        self._target = target

    async def run(self, exchange: Exchange) -> None:
        await self._pay(exchange)
        state = self._tools.registry.target(self._target, self._tools.clock.now())
        state.budget.deposit(self._tools.clock.now())
        async with aclosing(_pieces(exchange)) as pieces:
            fault = await self._attempt(exchange, state, pieces)
            if fault is not None and await self._again(exchange, state, fault):
                await self._pay(exchange)
                fault = await self._attempt(exchange, state, pieces)
        if fault is not None:
            self._conclude(exchange, fault)

    async def _pay(self, exchange: Exchange) -> None:
        """Reserves the fee of an attempt, and a token where it may use some. Raises Refused where a budget does not
        bear it, or knows of none."""
        if exchange.spend is None:
            return
        refused = await exchange.spend.cover(self._target, _SOME if counts(exchange) else _FEE_ALONE)
        if refused is not None:
            raise refused

    async def _attempt(self, exchange: Exchange, state: TargetState, pieces: AsyncIterator[bytes]) -> Fault | None:
        """None once the exchange is answered, or cut because its answer broke off."""
        ready, account = self._ready(exchange, state)
        return await _Relay(self._tools, exchange, self._target, ready, account, pieces).run()

    async def _again(self, exchange: Exchange, state: TargetState, fault: Fault) -> bool:
        """Whether there was no connection and another may be tried; sleeps before it."""
        clock = self._tools.clock
        if fault.kind is not Kind.CONNECT or self._over(exchange) or not state.budget.withdraw(clock.now()):
            return False
        pause = delay(1, self._target.retry, clock.uniform)
        await clock.sleep(pause)
        exchange.upstream_s += pause
        return True

    def _over(self, exchange: Exchange) -> bool:
        return self._tools.clock.now() >= min(exchange.deadline, exchange.commit_by)

    def _conclude(self, exchange: Exchange, fault: Fault) -> None:
        if refused := of_the_caller(fault, self._target):
            raise refused
        if self._over(exchange):
            message = "The request's time ran out before its provider answered."
            raise Refused(Fault(kind=Kind.DEADLINE, status=504, message=message), should_retry=None)
        word = last_word([(self._target.name, fault)], [])
        raise Refused(word.fault, retry_after_s=word.retry_after_s, should_retry=None)

    def _ready(self, exchange: Exchange, state: TargetState) -> tuple[Ready, Account]:
        """A key and a permit for an attempt now, and what it means; there is nowhere else to go, so it is made all the
        same where that may be. Raises Refused."""
        tools, target, now = self._tools, self._target, self._tools.clock.now()
        times = attempt_times(
            target.timeouts,
            stream=False,
            quick=False,
            reasons=False,
            now=now,
            deadline=exchange.deadline,
            commit_by=exchange.commit_by,
            targets_left=0,
        )
        key = key_for(tools, target, state, exchange.headers, now, ())
        if isinstance(key, Skip):
            ready = leave(tools, target, state, exchange.headers, times, now)
            if ready is None:
                self._skip(exchange, when(tools, target, state, key, now))
            return ready, forced_account(tools, exchange, target, state, ready)
        permit = state.breaker.admit(now, times.first_s) or state.breaker.force(now)
        if permit is None:
            self._skip(exchange, behind_breaker(target, state.breaker.next_admit(now) - now))
        ready = Ready(key, permit, times, now)
        return ready, account_of(tools, exchange, target, state, ready)

    def _skip(self, exchange: Exchange, skip: Skip) -> NoReturn:
        exchange.skipped = [(skip.target, skip.reason)]
        word = last_word([], [skip])
        raise Refused(word.fault, retry_after_s=word.retry_after_s, should_retry=None)


class _Relay:
    """One attempt."""

    def __init__(
        self,
        tools: Tools,
        exchange: Exchange,
        target: Target,
        ready: Ready,
        account: Account,
        pieces: AsyncIterator[bytes],
    ) -> None:
        self._tools = tools
        self._exchange = exchange
        self._target = target
        self._ready = ready
        self._pieces = pieces
        self._account = account

    async def run(self) -> Fault | None:
        """None once the exchange is answered, or cut because its answer broke off. Raises what the body raises."""
        account, exchange = self._account, self._exchange
        account.open()
        fault: Fault | None = Fault(kind=Kind.CANCELLED, message="it was called off")
        refusal: _Refusal | None = None
        try:
            refusal = await self._call()
            fault = refusal.settled if refusal is not None else None
        except (Unreachable, Cut, Stalled) as error:
            fault = _fault(error, account.seen.status)
        except asyncio.CancelledError:
            fault = exchange.cancelled or fault
            raise
        finally:
            fault = account.close(fault)
        if exchange.out.started:
            if fault is not None:
                exchange.fault = structs.replace(fault, code="stream_cut")
                exchange.out.abort()
            return None
        if refusal is None:
            return fault
        if refusal.passes:
            await self._refused(refusal)
            return None
        return refusal.fault if refusal.denied else fault

    async def _call(self) -> _Refusal | None:
        """None once the answer has passed. Raises Unreachable, Cut, Stalled, and what the body raises."""
        times = self._ready.times
        with Watchdog(RESTING) as dog:
            async with aclosing(self._body(dog)) as body:
                dog.limit_at(times.cap_at)
                call = self._upstream_call(body, dog)
                upstream = await self._tools.engine(self._target.provider).send(call)
                try:
                    dog.rearm(times.idle_s)
                    self._account.seen.status, self._account.seen.headers = upstream.status, upstream.headers
                    if 200 <= upstream.status < 300:
                        dog.limit_at(RESTING)
                        await self._relay(upstream, dog, times)
                        return None
                    if upstream.status < 400:
                        raise Cut("it answered with a redirect")
                    said = unquoted_body(await upstream.read(ERROR_LIMIT), call.headers)
                finally:
                    await upstream.close()
        fault = parse_fault(self._target, upstream.status, said)
        return _Refusal(upstream.status, _content_type(upstream.headers), said, fault)

    async def _body(self, dog: Watchdog) -> AsyncGenerator[bytes, None]:
        """The request's body; from its end on the upstream is to answer in time."""
        async for piece in self._pieces:
            yield piece
        dog.rearm(self._ready.times.first_s)

    def _upstream_call(self, body: AsyncIterator[bytes], dog: Watchdog) -> Call:
        exchange, target = self._exchange, self._target
        secret = self._ready.key.secret
        upstream = codec(target.provider.dialect)
        headers = hygiene.relayed_headers(
            upstream.request_headers(secret.reveal() if secret else "", target.profile, {}),
            target.provider.headers,
            exchange.headers,
        )
        if target.provider.trace:
            headers += passed_on(exchange.trace, exchange.headers)
        length = _length(exchange.headers)
        if length == 0:
            dog.rearm(self._ready.times.first_s)
        query = f"?{exchange.query}" if exchange.query else ""
        return Call(
            exchange.method,
            f"{target.provider.base_url}{exchange.path.removeprefix('/v1')}{query}",
            headers,
            b"" if length == 0 else body,
            stream=True,
            connect_s=target.timeouts.connect_s,
            pool_s=target.timeouts.pool_s,
            write_s=target.timeouts.write_s,
            length=length,
        )

    async def _relay(self, upstream: Upstream, dog: Watchdog, times: AttemptTimes) -> None:
        """Passes a good answer on as it comes; while the client is written to, the upstream is not blamed."""
        exchange = self._exchange
        out = exchange.out
        self._account.served(upstream.status)
        price = self._target.price
        self._account.charge(None if price is None else price.request)
        told = told_by(exchange, upstream.headers)
        exchange.first_token = self._tools.clock.now()
        head = self._head(upstream.headers)
        dog.rearm(RESTING)
        if upstream.status in _BODILESS:
            await out.answer(upstream.status, head, b"")
            return
        await out.start(upstream.status, head, _told_length(upstream.headers))
        dog.rearm(times.idle_s)
        try:
            async for chunk in upstream.chunks():
                dog.rearm(RESTING)
                if told is not None:
                    told.take(chunk)
                await out.write(chunk)
                dog.rearm(times.idle_s)
            dog.rearm(RESTING)
        finally:  # whoever leaves before the end of what is there pays for it all the same
            if told is not None:
                self._account.told(told.usage())
        await out.finish()

    def _head(self, headers: Headers) -> Headers:
        return [*self._account.head(_content_type(headers)), *hygiene.entity_headers(headers)]

    async def _refused(self, refusal: _Refusal) -> None:
        exchange = self._exchange
        exchange.provider, exchange.status = self._target.provider.name, refusal.status
        exchange.fault = refusal.settled
        await exchange.out.answer(refusal.status, self._account.head(refusal.content_type), refusal.body)


def _fault(error: Exception, status: int) -> Fault:
    """A time that ran out as a whole may have gone by while the client sent: nobody is blamed for it."""
    if isinstance(error, Stalled) and error.capped:
        return Fault(kind=Kind.DEADLINE, status=status, message="the request's time ran out")
    return transport_fault(error, status)


def _pieces(exchange: Exchange) -> AsyncGenerator[bytes, None]:
    if exchange.pieces is None:
        raise RuntimeError("the edge gives every request of this route its body in pieces")
    return exchange.pieces()


def _length(headers: Mapping[str, str]) -> int | None:
    """Of a request's body; None where it comes in chunks."""
    return None if "transfer-encoding" in headers else int(headers.get("content-length", 0))


def _told_length(headers: Headers) -> int | None:
    """Of an answer's body, where it is told."""
    found = dict(headers)
    length = found.get("content-length", "")
    return int(length) if length.isdigit() and "transfer-encoding" not in found else None


def _content_type(headers: Headers) -> str:
    return dict(headers).get("content-type", OCTETS)


def passthrough_for(config: Config, tools: Tools) -> Passthrough | None:
    """Who takes what passes through; None where nothing does."""
    provider = config.passthrough.provider
    return Passthrough(tools, provider, config.providers, config.spending.passthrough_fee) if provider else None
