"""One attempt with all that surrounds it: the call, what it means for breaker and key, the client's answer."""

import asyncio
import hashlib
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any

import orjson
from msgspec import Struct, structs

from proxy.answers import cost_headers, metadata, minted_id, noted
from proxy.chain.account import Account, account_of
from proxy.chain.ready import Ready, Tools, Try, callable_now
from proxy.chain.resume import Resumption
from proxy.config.values import Target
from proxy.flow import Exchange, Signs
from proxy.jobs import Answered, Job, Prepared
from proxy.resilience.targets import TargetState
from proxy.tracing import passed_on
from proxy.upstream import attempt, fanout, hygiene
from proxy.upstream.attempt import Broken
from proxy.upstream.quoting import unquoted
from proxy.upstream.seam import Call
from proxy.upstream.trial import Seen, Trial
from translators.catalog import codec
from translators.codec import Context
from translators.faults import Failure, Fault, Kind

_CALLED_OFF = Fault(kind=Kind.CANCELLED, message="it was called off")


def engagement(tools: Tools, exchange: Exchange, job: Job, turn: Try, ready: Ready, left: int) -> "Engagement":
    """The next attempt of a target's turn, to be run. `left` are those that may yet be made after it."""
    target, state, prepared = turn.target, turn.state, turn.prepared
    account = account_of(tools, exchange, target, state, ready, prepared.calls)
    return Engagement(tools, exchange, job, target, state, prepared, ready, account, left)


class Engagement(Struct, eq=False):
    """One attempt at one target, made by `run` and told to breaker, key pool, throttle and exchange."""

    _tools: Tools
    _exchange: Exchange
    _job: Job
    _target: Target
    _state: TargetState
    _prepared: Prepared
    _ready: Ready
    _account: Account
    _left: int
    """The attempts that may yet be made here: calls for the rest of an answer may use them."""
    _told: int = 0
    """The entries of its report that the answer's head tells."""
    resumption: Resumption | None = None
    """Its calls for the rest of an answer that were made again: attempts as well."""

    async def run(self) -> Fault | None:
        """None once the exchange is answered, or told that it broke off; otherwise the fault, its wait filled in."""
        account, exchange = self._account, self._exchange
        account.open()
        if exchange.attempts and exchange.signs is not None:
            exchange.signs = Signs()  # what an earlier attempt said is no more
        fault: Fault | None = _CALLED_OFF
        broken: tuple[Fault, bytes] | None = None
        try:
            trial = self._trial()
            if self._job.stream:
                await self._streamed(trial)
                await exchange.out.finish()
            else:
                await self._answer(await self._whole(trial))
            fault = None
        except Failure as failure:
            fault = unquoted(failure.fault, trial.call.headers)
            account.seen.usage = failure.usage or account.seen.usage
        except Broken as error:  # not kept: by its traceback an exception knows all that it went through
            fault = error.fault
            broken = error.fault, error.notice
        except asyncio.CancelledError:
            fault = exchange.cancelled or fault
            raise
        finally:
            fault = account.close(fault)
            if fault is None or exchange.out.started:
                exchange.answer_id = "" if self._prepared.translated else account.seen.id
                entries = self._prepared.report.entries
                if entries and len(entries) != self._told:
                    exchange.translation = self._prepared.report.header()
        if broken is not None:
            await self._tell_broken(*broken)
            return None
        return fault

    def _streamed(self, trial: Trial) -> Coroutine[Any, Any, None]:
        fan = self._prepared.fan
        return attempt.stream(trial, self._commit) if fan is None else fanout.stream(trial, fan, self._commit)

    def _answer(self, answered: Answered) -> Coroutine[Any, Any, None]:
        """Gives a whole answer to the client."""
        exchange, account = self._exchange, self._account
        self._served()
        account.bill()
        if exchange.signs is not None:
            exchange.signs.body = answered.body
        body = noted(answered.body, self._metadata()) if exchange.wants_metadata else answered.body
        return exchange.out.answer(200, account.head("application/json") + cost_headers(exchange), body)

    def _whole(self, trial: Trial) -> Coroutine[Any, Any, Answered]:
        fan = self._prepared.fan
        begun = self._begun if self._prepared.stream else None
        if fan is not None:
            return fanout.whole(trial, fan, begun)
        return attempt.unary(trial) if begun is None else attempt.folded(trial, begun)

    def _made(self, body: bytes, fields: Mapping[str, Any], part: int) -> Call:
        """The call with this body; `part` tells it apart from others that are made at the same time."""
        prepared, exchange = self._prepared, self._exchange
        target = prepared.target
        secret = self._ready.key.secret
        upstream = codec(target.provider.dialect)
        key = secret.reveal() if secret else ""
        told_apart = target.profile.idempotency_key
        headers = hygiene.request_headers(
            upstream.request_headers(key, target.profile, fields),
            target.provider.headers,
            exchange.headers,
            stream=prepared.stream,
            relayed=not prepared.translated,
            idempotency_key=_idempotency_key(exchange, target, body, part) if told_apart else "",
        )
        if target.provider.trace:
            headers = [*headers, *passed_on(exchange.trace, exchange.headers)]
        times = target.timeouts
        return Call(
            "POST",
            target.provider.base_url + prepared.path,
            headers,
            body,
            prepared.stream,
            times.connect_s,
            times.pool_s,
            times.write_s,
        )

    def _again(self, fields: Mapping[str, Any], part: int) -> Call:
        return self._made(orjson.dumps(fields), fields, part)

    async def _resume(self, failure: Failure, seen: Seen, tried: int) -> bool:
        """Hardly any answer pauses, so what decides on its rest is made when one did and then failed."""
        if self.resumption is None:
            self.resumption = Resumption(
                self._tools, self._exchange, self._target, self._state, self._ready.key, self._account, self._left
            )
        return await self.resumption.allowed(failure, seen, tried)

    def _trial(self) -> Trial:
        prepared, exchange = self._prepared, self._exchange
        target = prepared.target
        context = Context(
            id=minted_id(exchange),
            created=int(self._tools.clock.wall()),
            model=target.model,
            include_usage=self._job.include_usage(),
            named_tool=self._job.named_tool(),
            report=prepared.report,
            echo=exchange.payload if isinstance(exchange.payload, dict) else {},
        )
        return Trial(  # by place, since names cost as much again
            exchange,
            self._job,
            target,
            self._tools.engine(target.provider),
            self._made(prepared.body, prepared.fields, 0),
            prepared.fields,
            self._again,
            self._resume,
            prepared.report,
            self._ready.times,
            context,
            self._tools.clock,
            self._account.seen,
            partial(self._noted, context) if exchange.wants_metadata else bytes,
            None if exchange.spend is None else self._pay,
            self._alone if self._ready.later and prepared.stream else None,
        )

    def _alone(self) -> bool:
        """Whether nobody behind it could be called now."""
        return not any(callable_now(self._tools, target, self._exchange.headers) for target in self._ready.later)

    async def _pay(self, call: Call) -> None:
        """Reserves what a call for the rest can cost. Raises Failure where a budget does not bear it."""
        spend, sent = self._exchange.spend, self._prepared.body
        longer = len(call.body) - len(sent) if isinstance(call.body, bytes) else 0
        refused = None if spend is None else await spend.further(longer)
        if refused is not None:
            raise Failure(structs.replace(refused.fault, kind=Kind.REFUSED))

    def _noted(self, context: Context) -> bytes:
        """What is told before the end, with what the answer itself turned out to lose."""
        self._exchange.translation = self._prepared.report.header()
        self._account.bill()
        return self._exchange.codec.aside(self._metadata(), context)

    def _metadata(self) -> dict[str, object]:
        return metadata(self._exchange, self._tools.clock.now(), self._account.seen.usage)

    async def _begun(self, _: bytes) -> None:
        """The first content of an answer that is folded, and not the client's yet: enough for a probe."""
        self._account.begun()

    async def _commit(self, first: bytes) -> None:
        self._served()
        self._exchange.first_token = self._tools.clock.now()
        head = [*self._account.head("text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]
        await self._exchange.out.start(200, head, None, first)

    def _served(self) -> None:
        self._exchange.model = self._target.model
        report = self._prepared.report
        if report.entries:
            self._told = len(report.entries)
            self._exchange.translation = report.header()
        self._account.served()

    async def _tell_broken(self, fault: Fault, notice: bytes) -> None:
        exchange = self._exchange
        exchange.fault = fault
        await exchange.out.write(notice)
        exchange.out.abort()


def _idempotency_key(exchange: Exchange, target: Target, body: bytes, part: int) -> str:
    """One for all attempts with the same body at the same target: who honours a key refuses it with another body. Calls
    that are to give different answers to one body have different ones."""
    made = hashlib.blake2b(f"{exchange.id} {target.name} {part or ''}".encode(), digest_size=16)
    made.update(body)
    return f"sidestep-{made.hexdigest()}"
