"""Whether a call for the rest of an answer that paused, which failed before any of it came, is made again.

The answer so far lies at one target, and what it had there (a token, results of the provider's own tools) is of no use
to another: so there is no failover, and no other key, but everything else is as for any call. It is made again at the
same target by the same rules, out of the same attempts, the same deadline and the same retry budget. Only silence is
borne once, where the chain would go on at once to the next target: here there is none.
"""

from msgspec import structs

from proxy.chain.account import OF_THE_CALLER, Account
from proxy.chain.ready import Tools
from proxy.config.values import Target
from proxy.flow import Exchange
from proxy.resilience.breaker import State
from proxy.resilience.keys import KeyState
from proxy.resilience.retry import Action, again, delay
from proxy.resilience.targets import TargetState
from proxy.upstream.trial import Seen
from translators.faults import Again, Failure, Fault, Kind


class Resumption:
    """The calls of one attempt that are made again. `left` are those that still may be, `made` those that were."""

    def __init__(
        self,
        tools: Tools,
        exchange: Exchange,
        target: Target,
        state: TargetState,
        key: KeyState,
        account: Account,
        left: int,
    ) -> None:
        self.left = left
        self.made = 0
        self._tools = tools
        self._exchange = exchange
        self._target = target
        self._state = state
        self._key = key
        self._account = account

    async def allowed(self, failure: Failure, seen: Seen, tried: int) -> bool:
        """Whether a call that failed so, the `tried`-th of its kind (from 1), is made again; sleeps the pause before
        it. `seen` is what became known of it."""
        fault = failure.fault
        if fault.outcome.again in (Again.NEVER, Again.NEXT_KEY) and fault.kind is not Kind.TIMEOUT:
            return False
        if self._target.provider.client_key and fault.kind in OF_THE_CALLER:
            return False
        clock = self._tools.clock
        pause = self._pause(self._account.again(fault, seen), tried, clock.now())
        if pause is None or not await self._paid(failure, seen) or not self._state.budget.withdraw(clock.now()):
            return False
        self.left -= 1
        self.made += 1
        self._account.stumbled(fault)
        await clock.sleep(pause)
        return True

    async def _paid(self, failure: Failure, seen: Seen) -> bool:
        """Whether budgets bear what the failed call cost, or may have, beside another one."""
        spend = self._exchange.spend
        return spend is None or await spend.again(failure.fault, failure.usage, seen.status) is None

    def _pause(self, fault: Fault, tried: int, now: float) -> float | None:
        """Seconds until it may be made again; None where it may not."""
        state, settings = self._state, self._target.retry
        if state.breaker.state(now) is State.OPEN:
            return None
        if fault.kind is Kind.TIMEOUT:  # as often as what may be tried once
            fault = structs.replace(fault, kind=Kind.OVERLOADED)
        decision = again(
            fault,
            tried_here=tried,
            allowed_here=tried + self.left,
            delay_s=delay(tried, settings, self._tools.clock.uniform),
            wait_s=max(state.throttle.free_at(now), self._key.throttle.free_at(now)) - now or None,
            now=now,
            deadline=self._until(),
            others_usable=False,
            other_key=False,
            settings=settings,
        )
        return decision.after_s if decision.action is Action.STAY else None

    def _until(self) -> float:
        """When the client's patience ends: once the answer has begun, with the deadline alone."""
        exchange = self._exchange
        return exchange.deadline if exchange.out.started else min(exchange.deadline, exchange.commit_by)
