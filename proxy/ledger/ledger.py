"""The balances of this process, in hand: what is reserved and settled here without asking anybody.

`take` and `settle` are on every request's way. They add and subtract integers; whatever needs the store is left to one
worker, which asks for everything at once and in one call at a time. Those who wait (`obtain`) queue; while a call is
under way others gather, and after it all are served in order of what is in hand by then.

When the store is asked:
- at once when somebody waits, when half of a lease is used, and when there is debt;
- at once with what is free of a balance that is near its end, for another process may need it;
- every GONE_S about what others have in hand, for they may have ended with it;
- within TELL_S of a settlement, and as often for all that is in hand; with nothing in hand as often, but for its memory
  alone, while the window of any balance goes on. So a store that has lost its memory soon hears of everything.

While the store is away, what is in hand goes on being used and nobody waits: who has not enough of a hard balance is
denied with the reason. It is tried again after RETRY_S, then twice as long, up to RETRY_MAX_S.

A store that answers with another memory has forgotten what others hold. What they told before is said for them, and
nothing is asked for until DOUBT_S have passed, in which all who live have spoken for themselves.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from proxy.clock import Clock
from proxy.ledger.balance import IDLE_S, Amounts, Balance, Denied, Line, Seats
from proxy.ledger.due import DROP_S, TELL_S, swept
from proxy.ledger.store import Ask, Away, Store, Told, Unfit
from proxy.ledger.waiting import FORGOT, NO_WISH, Looker, Waiter, missing, refused, spent, taken, unanswered, wishes
from proxy.patience import Patience

KNOWN_S: Final = 10.0
"""What was heard of a balance so long ago at most says how far it is."""
RETRY_S: Final = 0.25
RETRY_MAX_S: Final = 1.0
DOUBT_S: Final = 2.0
"""Longer than anybody who lives takes to speak: TELL_S, or RETRY_MAX_S after the store was away."""
CLOSE_S: Final = 2.0
"""What closing may take."""
KEEP_S: Final = 900
"""The store keeps a balance so long after its window: longer than an exchange may take."""
BATCH: Final = 256
"""Balances in one call at most."""
LIVE: Final = 10_000
"""Balances kept here at most, as long as any of them is idle."""


class Ledger:
    """Used in one running loop. `owner` is this life of this process: nobody ever had it before."""

    def __init__(
        self, store: Store, clock: Clock, owner: str, changed: Callable[[Balance], None] | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._changed = changed or (lambda _: None)
        self.version = 0
        """Another number when a balance is another than it was: dropped, or of another limit."""
        self._memory, self._offset = "", 0.0
        self._live: dict[str, Balance] = {}
        self._busy: dict[str, Balance] = {}
        """Those that have something in hand or untold."""
        self._shared: dict[str, Balance] = {}
        self._urgent: deque[Balance] = deque()
        self._asking: Sequence[Balance] = ()
        """Those of the call under way."""
        self._waiters: deque[Waiter] = deque()
        self._lookers: Sequence[Looker] = ()
        self._wake = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._open, self._away, self._unfit = False, "", False
        self._retry_s, self._retry_at = RETRY_S, -math.inf
        self._due = self._look_at = math.inf
        """When it is told what is untold, and asked whether it still knows everything."""
        self._doubt_until = self._drop_at = -math.inf

    @property
    def trouble(self) -> str:
        """Why the store cannot be used now, in one sentence; empty when it can."""
        return self._away

    @property
    def unfit(self) -> str:
        """The same, where it takes somebody's hand to mend it."""
        return self._away if self._unfit else ""

    @property
    def balances(self) -> Sequence[Balance]:
        return tuple(self._live.values())

    def now(self) -> float:
        """Unix seconds, by the store's clock. It told a moment between a call and its answer: what agrees stays."""
        return self._clock.wall() + self._offset

    async def open(self) -> None:
        """Never raises: see `trouble`. What was away or unfit is tried again for as long as this is open."""
        await self._call(())
        self._worker = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Gives back what is free and tells what is spent, as far as the store hears it in time."""
        worker, self._worker = self._worker, None
        self._wake.set()
        try:
            async with Patience(CLOSE_S):
                if worker is not None:
                    await worker
                await self._leave()
        except TimeoutError:
            pass
        if worker is not None:
            worker.cancel()
        self._away = "the budget store is not open"
        self._serve(())
        await self._store.close()

    def balance(self, key: str, limit: int, end: float, *, hard: bool = True) -> Balance:
        """The balance of that key, found or made. `end` is its window's, Unix seconds. Ask for it anew where `version`
        is another than it was: one that nobody uses is dropped."""
        now = self._clock.now()
        found = self._live.get(key)
        if found is None:
            if len(self._live) >= LIVE:
                self._drop(one for one in self._live.values() if one.used_at <= now - 2 * IDLE_S)
            found = self._live[key] = Balance(key, limit, end, math.ceil(end) + KEEP_S, hard=hard)
        found.used_at = now
        if found.limit != limit or found.hard is not hard:
            found.limit, found.hard = limit, hard
            self.version += 1
        return found

    def take(self, lines: Sequence[Line]) -> bool:
        """Reserves every line's `amount` from what is in hand, or nothing. Each balance at most once."""
        if not self.hold([(line.balance, n) for n, line in enumerate(lines)], [line.amount for line in lines]):
            return False
        for line in lines:
            line.held += line.amount
        return True

    def hold(self, seats: Seats, amounts: Amounts) -> bool:
        """The same of each balance in its unit, without lines: `release` must be given as much."""
        now = self._clock.now()
        for balance, unit in seats:
            amount = amounts[unit]
            free = balance.free - amount
            if free < balance.low:
                asked = taken(seats, amounts, balance, now)
                self._want(asked or ())
                return asked is not None
            balance.free = free
            balance.size = amount
            balance.used_at = now
        return True

    async def obtain(self, lines: Sequence[Line]) -> Denied | None:
        """The same, waiting for the store where something is missing; says what is not to be had."""
        if self.take(lines):
            return None
        if denied := self._hopeless(lines):
            return denied
        waiter = Waiter(lines, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._want_missing(lines)
        try:
            return await waiter.answer
        except asyncio.CancelledError:
            if not waiter.answer.cancelled() and waiter.answer.result() is None:
                for line in lines:
                    line.held -= line.amount
                    line.balance.settle(line.amount, 0)
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
            raise

    async def look(self, balances: Iterable[Balance], within: float = KNOWN_S) -> bool:
        """Returns once the store has spoken in the last seconds of each that is not dropped, or is away; whether that
        was waited for."""
        now = self._clock.now()
        late = [one for one in balances if one.told_at + within <= now and self._live.get(one.key) is one]
        if not late or self._away:
            return False
        looker = Looker(late, now, asyncio.get_running_loop().create_future())
        self._lookers = [*self._lookers, looker]
        self._want(late)
        await looker.answer
        return True

    def settle(self, line: Line, spent: int) -> None:
        """What the line reserved ends as `spent`, once: the second time nothing happens."""
        if not line.settled:
            balance, held, line.settled, line.held = line.balance, line.held, True, 0
            self.release(((balance, 0),), (held,), (spent,))
            if balance.free < balance.low:  # it was billed more than it held
                self._want((balance,))

    def release(self, seats: Seats, held: Amounts, spent: Amounts) -> None:
        """What was held of each balance ends as so much spent, no more; to be said once."""
        now = self._clock.now()
        for balance, unit in seats:
            billed = spent[unit]
            balance.free += held[unit] - billed
            balance.spent = billed = balance.spent + billed
            balance.used_at = now
            if billed >= balance.mark:
                self._settled(balance)
        if self._due > now + TELL_S:
            self._due = now + TELL_S
            self._wake.set()

    def _settled(self, balance: Balance) -> None:
        """What a settlement means beyond the balance."""
        self._busy[balance.key] = balance
        if balance.scarce:
            self._want((balance,))
        if balance.spent_in_all >= balance.heed:
            self._changed(balance)
        balance.watched()

    async def mark(self, name: str, expires: int) -> bool:
        """See Store."""
        return await self._store.mark(name, expires)

    def _want(self, some: Iterable[Balance]) -> None:
        for balance in some:
            if not balance.wanted:
                balance.wanted = True
                self._urgent.append(balance)
                self._wake.set()

    def _want_missing(self, lines: Sequence[Line]) -> None:
        self._want(line.balance for line in lines if line.balance.free < line.amount)

    def _hopeless(self, lines: Sequence[Line]) -> Denied | None:
        """What need not be asked, or cannot."""
        away = self._away or (FORGOT if self._clock.now() < self._doubt_until else "")
        return missing(lines, away) if away else spent(lines)

    async def _work(self) -> None:
        while self._worker is not None:
            await self._pause()
            try:
                await self._step(self._clock.now())
            except Exception as error:  # noqa: BLE001 - whatever fails, those who wait are told, and it goes on
                self._gone(f"the ledger failed: {type(error).__name__}")

    async def _step(self, now: float) -> None:
        if self._away:
            if now >= self._retry_at:
                await self._call(())
            return
        if now >= self._due:
            self._sweep(now)
        if self._urgent:
            await self._round(now)
        elif now >= self._look_at:
            await self._look(now)

    async def _look(self, now: float) -> None:
        """Whether the store still knows everything; nobody asks it for anything at the moment."""
        if now >= self._drop_at:
            self._drop_ended(now)
        self._look_at = math.inf
        if self._live:
            await self._call(())

    async def _pause(self) -> None:
        """Until there may be something to do."""
        if self._urgent and not self._away:
            return
        seconds = (self._retry_at if self._away else min(self._due, self._look_at)) - self._clock.now()
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _round(self, now: float) -> None:
        """One call for what is urgent, and the answers to those who wait."""
        batch = [self._urgent.popleft() for _ in range(min(BATCH, len(self._urgent)))]
        waiting = wishes(self._waiters)
        doubt = now < self._doubt_until
        asks = [one.tell() if doubt else one.ask(*waiting.get(one, NO_WISH)) for one in batch]
        for one in batch:
            one.wanted = False
        known, self._asking = self._memory, batch
        told = await self._call(asks)
        self._asking = ()
        if told is None or known not in {"", told.memory}:
            self._want(batch)
        else:
            self._hear(batch, told)
            self._serve(batch)
            self._want(one for one in batch if one.scarce and one.free > 0)

    async def _call(self, asks: Sequence[Ask]) -> Told | None:
        """None: it is away, and who waits has heard of it."""
        try:
            if not self._open:
                await self._store.open()
                self._open = True
            asked = self._clock.wall()
            told = await self._store.call(self._owner, asks, self._memory)
        except (Away, Unfit) as error:
            self._gone(str(error))
            self._unfit = isinstance(error, Unfit)
            return None
        except Exception as error:  # noqa: BLE001 - a fault in a store must not leave everybody waiting
            self._gone(f"the budget store failed: {type(error).__name__}")
            return None
        self._away, self._unfit, self._retry_s = "", False, RETRY_S
        self._look_at = self._clock.now() + TELL_S if self._live else math.inf
        self._offset = min(max(self._offset, told.now - self._clock.wall()), told.now - asked)
        if self._memory not in {"", told.memory}:
            self._forgotten()
        self._memory = told.memory
        return told

    def _gone(self, reason: str) -> None:
        self._away = reason
        self._retry_at = self._clock.now() + self._retry_s
        self._retry_s = min(2 * self._retry_s, RETRY_MAX_S)
        self._serve(())

    def _forgotten(self) -> None:
        """Everything is told again; nothing is asked for until others had the time to."""
        self._doubt_until = self._clock.now() + DOUBT_S
        for balance in self._live.values():
            balance.reassert = True
        self._want(self._live.values())
        self._serve(())

    def _hear(self, batch: Sequence[Balance], told: Told) -> None:
        now = self._clock.now()
        for balance, standing in zip(batch, told.standings, strict=True):
            balance.reassert, balance.told_at, balance.said_at = False, now, told.now
            if balance.hear(standing):
                self._changed(balance)
            self._busy[balance.key] = balance
            if balance.shared:
                self._shared[balance.key] = balance
            else:
                self._shared.pop(balance.key, None)
        self._due = min(self._due, now + TELL_S)

    def _serve(self, asked: Sequence[Balance]) -> None:
        """Answers who can be answered, in their order; the others wait for the next call."""
        waiters, self._waiters = self._waiters, deque()
        fresh = set(asked)
        for waiter in waiters:
            if waiter.answer.done():
                continue
            if self.take(waiter.lines):
                waiter.answer.set_result(None)
            elif denied := self._hopeless(waiter.lines) or refused(waiter.lines, fresh):
                waiter.answer.set_result(denied)
            else:
                self._waiters.append(waiter)
                self._want_missing(waiter.lines)
        self._lookers = unanswered(self._lookers, away=bool(self._away))

    def _sweep(self, now: float) -> None:
        """What is idle goes back, what happened is told, and what others may have lost is asked."""
        due, self._due = swept(self._busy, self._shared.values(), now)
        self._want(due)
        if now >= self._drop_at:
            self._drop_ended(now)

    def _drop_ended(self, now: float) -> None:
        """One whose window goes on is kept: should the store forget it, this process must not have."""
        self._drop_at = now + DROP_S
        wall = self.now()
        self._drop(one for one in self._live.values() if one.end <= wall and one.used_at <= now - 2 * IDLE_S)

    def _drop(self, some: Iterable[Balance]) -> None:
        """Forgets those of which the store knows everything, and nobody waits for anything."""
        asked = set(self._asking)
        for key in [one.key for one in some if one.quiet and not one.wanted and one not in asked]:
            del self._live[key]
            self._busy.pop(key, None)
            self._shared.pop(key, None)
            self.version += 1

    async def _leave(self) -> None:
        while True:
            for balance in self._live.values():
                balance.give_back()
            untold = [one for one in self._live.values() if not one.told][:BATCH]
            if not untold:
                return
            known = self._memory
            told = await self._call([one.tell() for one in untold])
            if told is None:
                await self._clock.sleep(RETRY_S)
            elif known in {"", told.memory}:
                self._hear(untold, told)
