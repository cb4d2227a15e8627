"""One request's walk along its chain: targets in order, retries, and when to stop.

For each target: translate (what it cannot express may skip it), then attempt until it answers, its share of attempts is
used, or its fault says to go on. One that cannot be called now is passed over before anything is translated for it.
The key is chosen before the permit, so that a missing key never takes up a probe.

Before the commit anything may go on to the next target; after it nothing is retried behind the client's back.

A live tool loop is an exception to the order: it goes first to the target whose thinking it carries. A refusal that
names its remedy is followed once, at the same target, by the request so mended.

What a ramp holds back goes to the next target, and where none answers to its own after all, never to an error. When
no target could be called, one is asked all the same (`proxy.chain.forcing`): never worse than no proxy. When every
target has had its turn, `proxy.chain.verdict` chooses the last word.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from proxy.budgets.most import most_of
from proxy.chain.account import of_the_caller
from proxy.chain.engagement import Engagement, engagement
from proxy.chain.forcing import Shut, forced_engagement, in_turn, leave, told
from proxy.chain.ready import Ready, Tools, Try, behind_breaker, callable_now, key_for, usable
from proxy.chain.verdict import NOT_OPEN, UNABLE, Skip, last_word, told_first
from proxy.config.values import Target
from proxy.flow import Exchange, Refused, Spend
from proxy.jobs import Job, Prepared
from proxy.resilience.breaker import State
from proxy.resilience.keys import KeyState
from proxy.resilience.retry import Action, again, attempts_for, delay, onward, total_attempts
from proxy.resilience.targets import TargetState
from proxy.routing.resolve import Resolution
from proxy.routing.sticky import headed, place_of
from proxy.upstream.attempt import placed, unmoved
from proxy.upstream.timings import AttemptTimes, attempt_times
from translators.faults import Fault, Kind, Malformed
from translators.report import Mode

SDK_RETRIES = 2
"""How often the vendors' SDKs try again, unless told otherwise."""


class Chain:
    """Runs requests over their chains. Holds no state of its own: what is remembered lives in the registry."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def run(self, exchange: Exchange, job: Job, found: Resolution, mode: Mode) -> Coroutine[Any, Any, None]:
        """Answers the exchange. Raises Refused with the last word, or Malformed when no target could read the body."""
        return _Walk(self._tools, exchange, job, found, mode).along()


class _Walk:
    __slots__ = (
        "_exchange", "_faults", "_found", "_held", "_job", "_left", "_limit", "_malformed", "_mode", "_shut", "_skips",
        "_slept", "_targets", "_tools", "_translated", "_unpaid", "_window",
    )  # fmt: skip

    def __init__(self, tools: Tools, exchange: Exchange, job: Job, found: Resolution, mode: Mode) -> None:
        self._tools = tools
        self._exchange = exchange
        self._job = job
        self._found = found
        self._mode = mode
        targets = found.targets
        self._targets = targets if len(targets) == 1 else self._ordered(targets)
        self._left = total_attempts(len(targets), targets[0].retry)
        commit_by, deadline = exchange.commit_by, exchange.deadline
        self._limit = commit_by if commit_by < deadline else deadline  # noqa: FURB136 - a call costs more
        self._slept = 0.0
        """Seconds of pauses so far: while another target would take the call, they are bounded together."""
        self._faults: list[tuple[str, Fault]] = []
        self._skips: list[Skip] = []
        self._shut: list[Shut] = []
        self._held: list[Try] = []
        """What ramps held back."""
        self._unpaid: Refused | None = None
        """Why a target could not be paid for."""
        self._malformed: Malformed | None = None
        self._translated = False
        self._window: int | None = None
        """Context window of the last target that failed."""

    def _ordered(self, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        """The chain, with the target that a live tool loop is bound to at its head while it is healthy."""
        if self._found.route.sticky == "none":
            return targets
        origin = self._job.loop_origin()
        place = place_of(targets, origin) if origin else None
        if not place or not self._callable(targets[place]):
            return targets
        return headed(targets, place)

    def _callable(self, target: Target) -> bool:
        """Whether a call would be let through now."""
        return callable_now(self._tools, target, self._exchange.headers)

    async def along(self) -> None:
        """Returns once the exchange is answered, or broken off after its commit; raises what `run` does."""
        put_off: list[tuple[int, Target, Skip]] = []
        try:
            for position, target in enumerate(self._targets):
                if self._faults and not self._may_follow(target):
                    continue
                now = self._tools.clock.now()
                state = self._tools.registry.target(target, now)
                if skip := self._out(target, state, now):
                    put_off.append((position, target, skip))
                    self._skips.append(skip)
                    continue
                turn = self._turn(position, target, state)
                if turn is not None and await self._serve(turn):
                    return
            if not (await self._unheld() or await self._after_all(put_off) or await self._forced()):
                self._conclude()
        finally:
            if self._skips or self._found.barred or self._exchange.skipped:
                self._tell_skips()
            self._malformed = self._unpaid = None  # by its traceback an exception knows all that it went through

    def _out(self, target: Target, state: TargetState, now: float) -> Skip | None:
        """Why a target cannot be called now, where that is known without the request in its dialect: putting it there
        may take longer than all the rest, for nothing."""
        if usable(state, now):
            return None
        key = key_for(self._tools, target, state, self._exchange.headers, now, ())
        return key if isinstance(key, Skip) else behind_breaker(target, state.breaker.next_admit(now) - now)

    async def _after_all(self, put_off: list[tuple[int, Target, Skip]]) -> bool:
        """Turns that were put off, where nobody else was asked: the last word tells who never could answer from who
        cannot now, and the one nearest its probe may be asked all the same."""
        if self._faults:
            return False
        for position, target, skip in put_off:
            if not self._may_follow(target):
                continue
            self._skips.remove(skip)
            turn = self._turn(position, target, self._tools.registry.target(target, self._tools.clock.now()))
            if turn is not None and await self._serve(turn):
                return True
        return False

    def _conclude(self) -> None:
        """The last word."""
        if self._malformed and not self._faults and all(skip.why == "cannot" for skip in self._skips):
            raise self._malformed
        if self._unpaid and not self._faults and all(skip.why in ("budget", *UNABLE) for skip in self._skips):
            raise self._unpaid
        if self._over():
            message = "The request's time ran out before a target answered."
            raise Refused(Fault(kind=Kind.DEADLINE, status=504, message=message))
        word = last_word(self._faults, self._skips)
        again = word.should_retry and (word.fault.kind is not Kind.THROTTLED or self._bears_more_tries())
        raise Refused(word.fault, retry_after_s=word.retry_after_s, should_retry=again)

    def _bears_more_tries(self) -> bool:
        """Whether a client may be told to try again where all throttle. A target that was asked once has said when; one
        that was asked again has not, and then what an SDK still tries, once a target each time, must fit."""
        called = [target for target, _ in self._faults]
        if len(set(called)) == len(called):
            return True
        targets = self._found.targets
        return len(called) + SDK_RETRIES * len(targets) <= total_attempts(len(targets), targets[0].retry)

    def _tell_skips(self) -> None:
        """Puts who was passed over, and why, where the answer's head finds it."""
        skipped = [(skip.target, skip.reason) for skip in self._skips]
        barred = self._found.barred
        self._exchange.skipped = [(name, NOT_OPEN) for name in barred] + skipped if barred else skipped

    def _over(self) -> bool:
        return self._tools.clock.now() >= self._limit

    def _may_follow(self, target: Target) -> bool:
        if not self._faults:
            return True
        if self._over():
            return False
        fault = self._faults[-1][1]
        window = target.profile.context_window
        larger = window is not None and self._window is not None and window > self._window
        allowed = self._found.route.failover_on_content
        if onward(fault, translated=self._translated, larger=larger, allowed=allowed):
            return True
        if fault.kind is Kind.TOO_LONG:
            self._skips.append(Skip(target.name, "smaller", "its context window is not known to be larger"))
        return False

    def _turn(self, position: int, target: Target, state: TargetState) -> Try | None:
        """The target's version of the request, or None when it cannot express it."""
        try:
            prepared = self._job.prepare(target)
        except Malformed as error:
            self._malformed = error
            self._skips.append(Skip(target.name, "cannot", str(error), param=error.param))
            return None
        if prepared.report.entries and (barred := prepared.report.blocking(self._mode)):
            reason = "; ".join(f"{entry.field}: {entry.why}" for entry in barred)
            why = "smaller" if prepared.too_long and len(barred) == 1 else "cannot"
            self._skips.append(Skip(target.name, why, reason, param=barred[0].field))
            return None
        retries = self._exchange.retry_count
        chain = len(self._targets)
        left = self._left - len(self._held)  # one is kept for what a ramp held back
        least = chain - position
        allowed = attempts_for(position, chain, left if left > least else least, target.retry, retries)  # noqa: FURB136 - a call costs more
        return Try(target, state, prepared, position, allowed)

    async def _serve(self, turn: Try) -> bool:
        """The target's attempts. True once the exchange is answered."""
        spent: set[int] = set()
        while True:
            spend = self._exchange.spend
            if spend is not None and not (self._borne(spend, turn.prepared) or await self._paid(spend, turn)):
                return False
            ready = self._ready(turn, spent)
            if isinstance(ready, Skip):
                if not turn.made:
                    self._skips.append(ready)
                    self._shut.append(Shut(turn, ready))
                return False
            attempt = self._attempt(turn, ready)
            if self._answered(turn, attempt, await attempt.run()):
                return True
            if self._repair(turn):
                continue
            if not await self._again(turn, ready.key, spent):
                return False

    def _borne(self, spend: Spend, sent: Prepared) -> bool:
        """Whether what is in hand pays for an attempt, as for nearly all."""
        return self._job.endpoint == "chat" and spend.bears(sent.target, sent.body, sent.fields, sent.calls)

    async def _paid(self, spend: Spend, turn: Try) -> bool:
        """Whether budgets bear the most that an attempt can cost."""
        if self._job.endpoint == "count_tokens":  # providers count for nothing
            return True
        prepared = turn.prepared
        target, vectors = prepared.target, self._job.endpoint == "embeddings"
        most = most_of(target, prepared.body, prepared.fields, vectors=vectors)
        refused = await spend.cover(target, most, prepared.calls)
        if refused is None:
            return True
        self._unpaid = told_first(self._unpaid, refused)
        if not turn.made:
            reason = refused.fault.message.rstrip(".")
            self._skips.append(Skip(turn.target.name, "budget", reason, refused.retry_after_s))
        return False

    def _attempt(self, turn: Try, ready: Ready, made: Callable[..., Engagement] = engagement) -> Engagement:
        """One that may be made now, to be run."""
        if not turn.made:
            turn.state.budget.deposit(ready.at)
        turn.made += 1
        self._left -= 1
        if self._skips or self._found.barred:
            self._tell_skips()
        left = turn.allowed - turn.made
        if self._left < left:  # noqa: PLR1730 - a call costs more
            left = self._left
        return made(self._tools, self._exchange, self._job, turn, ready, left)

    def _answered(self, turn: Try, made: Engagement, fault: Fault | None) -> bool:
        """Whether an attempt that has ended so answered the exchange. Raises Refused for the caller's own fault."""
        if made.resumption is not None:
            turn.made += made.resumption.made
            self._left -= made.resumption.made
        if fault is None:
            return True
        target = turn.target
        if refused := of_the_caller(fault, target):
            raise refused
        if turn.prepared.translated:
            fault = placed(fault, self._exchange.payload)
        else:
            fault = unmoved(fault, self._exchange.payload, turn.prepared.fields)
        self._faults.append((target.name, fault))
        self._translated = turn.prepared.translated
        self._window = target.profile.context_window
        return False

    def _repair(self, turn: Try) -> bool:
        """Whether the target is asked once more, at once, with the request mended as its refusal says."""
        repair = self._faults[-1][1].repair
        if not repair or turn.repaired or self._left <= 0 or self._over():
            return False
        try:
            prepared = self._job.repaired(turn.target, turn.prepared, repair)
        except Malformed:  # what could be relayed as it came cannot be read well enough to be asked in another way
            return False
        if prepared is None or prepared.report.blocking(self._mode):
            return False
        turn.prepared, turn.repaired = prepared, True
        return True

    async def _again(self, turn: Try, key: KeyState, spent: set[int]) -> bool:
        """Whether the same target gets another attempt now; sleeps the pause that it takes."""
        tools, fault = self._tools, self._faults[-1][1]
        now = tools.clock.now()
        if turn.state.breaker.state(now) is State.OPEN:
            return False
        spent.add(key.index)
        pool = tools.registry.keys(turn.target.provider)
        others = any(map(self._callable, self._targets[turn.position + 1 :]))
        decision = again(
            fault,
            tried_here=turn.made,
            allowed_here=turn.allowed,
            delay_s=delay(turn.made, turn.target.retry, tools.clock.uniform),
            wait_s=max(turn.state.throttle.free_at(now), key.throttle.free_at(now)) - now or None,
            now=now,
            deadline=self._limit,
            others_usable=others,
            other_key=pool.choose(now, spent) is not None,
            settings=turn.target.retry,
        )
        if decision.action not in (Action.STAY, Action.NEXT_KEY):
            return False
        if others and self._slept + decision.after_s > turn.target.retry.max_inline_wait_s:
            return False
        if not turn.state.budget.withdraw(now):
            return False
        if decision.action is Action.STAY:
            self._slept += decision.after_s
            spent.clear()
            await tools.clock.sleep(decision.after_s)
            self._exchange.upstream_s += decision.after_s
        return True

    def _ready(self, turn: Try, spent: set[int]) -> Ready | Skip:
        """A key and a permit for an attempt now, or why there is none."""
        target, state, now = turn.target, turn.state, self._tools.clock.now()
        key = key_for(self._tools, target, state, self._exchange.headers, now, spent, turn.prepared.calls)
        if isinstance(key, Skip):
            return key
        later = self._targets[turn.position + 1 :] if not turn.unheld else ()
        times = self._times(turn, now, later)
        permit = state.breaker.admit(now, times.first_s)
        if permit is None and state.breaker.state(now) is State.RAMP:
            if turn.unheld:
                permit = state.breaker.force(now)
            else:
                self._held.append(turn)
        if permit is None:
            return behind_breaker(target, state.breaker.next_admit(now) - now)
        return Ready(key, permit, times, now, later)

    def _times(self, turn: Try, now: float, later: tuple[Target, ...]) -> AttemptTimes:
        """Those of an attempt that leaves time for `later` targets. Whether one could use it is looked at only where it
        is taken from what the attempt itself is granted; of a stream that goes on, again when that time comes."""
        times = self._timed(turn, now, len(later))
        if later and times.cap_at - now < times.first_s and not any(map(self._callable, later)):
            return self._timed(turn, now, 0)
        return times

    def _timed(self, turn: Try, now: float, later: int) -> AttemptTimes:
        return attempt_times(
            turn.target.timeouts,
            now,
            self._exchange.deadline,
            self._exchange.commit_by,
            later,
            stream=turn.prepared.stream,
            quick=self._job.endpoint != "chat",
            reasons=self._job.reasons(turn.target),
        )

    async def _unheld(self) -> bool:
        """The turns that ramps held back, once nobody else has answered."""
        for turn in self._held:
            if self._left <= 0 or not self._may_follow(turn.target):
                continue
            turn.unheld = True
            turn.allowed = min(turn.allowed, turn.made + self._left)
            self._skips = [skip for skip in self._skips if skip.target != turn.target.name]
            if await self._serve(turn):
                return True
        return False

    async def _forced(self) -> bool:
        """One more chance where nobody could be called."""
        if self._faults or not self._shut:
            return False
        tools, exchange = self._tools, self._exchange
        for turn in in_turn(tools, self._shut, tools.clock.now()):
            if exchange.spend is not None and not await self._paid(exchange.spend, turn):
                continue
            now, turn.unheld = tools.clock.now(), True
            times, calls = self._times(turn, now, ()), turn.prepared.calls
            ready = leave(tools, turn.target, turn.state, exchange.headers, times, now, calls)
            if ready is not None:
                self._skips = [skip for skip in self._skips if skip.target != turn.target.name]
                attempt = self._attempt(turn, ready, forced_engagement)
                return self._answered(turn, attempt, await attempt.run())
        self._skips = told(tools, self._shut, self._skips, tools.clock.now())
        return False
