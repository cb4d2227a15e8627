"""An exchange that makes one attempt, as nearly all do, is reserved and settled without parts, and nobody sees that."""

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.budgets.budgets import Budgets
from proxy.budgets.most import most_of
from proxy.budgets.spend import spend_of
from proxy.config.spending import Budget, Price
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Most, Who
from proxy.ledger.ledger import Ledger
from proxy.ledger.memory import MemoryStore
from tests.virtual import VirtualClock, played
from translators.faults import Fault, Kind
from translators.ir import Dialect, Usage
from translators.profile import Profile

MILLION = 1_000_000
ALICE = Who(user="alice")
ALL = (
    Budget("money", "usd", 10_000_000, "day", {"user": "*"}),
    Budget("tokens", "tokens", 1_000_000, "month"),
    Budget("calls", "requests", 1_000, "hour"),
)


def target(price: int) -> Target:
    provider = Provider("openai", Dialect.OPENAI_CHAT, "https://api.openai.com/v1")
    priced = Price(input=price * MILLION, output=2 * price * MILLION)
    return Target(provider, "m", Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings(), priced)


TARGETS = {price: target(price) for price in (0, 1, 10)}
FAULTS = {kind: Fault(kind=kind, message="it failed") for kind in (Kind.SERVER, Kind.TIMEOUT)}
COUNTS = st.sampled_from((0, 1, 7, 40, 5_000))
USAGES = st.none() | st.builds(Usage, COUNTS, COUNTS)
STEPS = st.one_of(
    st.tuples(st.just("cover"), st.sampled_from(sorted(TARGETS)), st.sampled_from((10, 200)), st.sampled_from((1, 3))),
    st.tuples(st.just("close"), st.none() | st.sampled_from(sorted(FAULTS)), USAGES, st.booleans()),
    st.tuples(st.just("further"), st.sampled_from((0, 5))),
    st.tuples(st.just("again"), USAGES),
    st.tuples(st.just("settle")),
)


class Purse:
    """An exchange's spending, in the short way or the long one."""

    def __init__(self, ledger: Ledger, *, plain: bool, limit: int | None = None) -> None:
        self.ledger, self.overruns = ledger, []
        budgets = Budgets(ALL, ledger)
        assert budgets.plain
        budgets.plain = plain
        self.spend = spend_of(budgets, ledger, lambda *told: self.overruns.append(told), ALICE, limit)
        self.under_way = False

    async def do(self, step):
        """What is seen of it from outside."""
        what, *how = step
        spend, told = self.spend, None
        if what == "cover":
            told = await spend.cover(TARGETS[how[0]], Most(how[1], how[1]), how[2])
            self.under_way = told is None
        elif what == "close":
            told = spend.close(FAULTS.get(how[0]), how[1], 200 if how[2] else 0, content=how[2])
            self.under_way = False
        elif what == "further":
            told = await spend.further(*how)
        elif what == "again" and self.under_way:
            fault, status = (FAULTS[Kind.SERVER], 200) if how and how[0] else (FAULTS[Kind.TIMEOUT], 0)
            told = await spend.again(fault, how[0] if how else None, status)
        elif what == "settle":
            spend.settle()
        seen = [(one.key, one.reserved, one.spent, one.free >= 0) for one in self.ledger.balances]
        return told if told is None or isinstance(told, int) else str(told), sorted(seen), self.overruns


async def opened(clock) -> Ledger:
    ledger = Ledger(MemoryStore(clock), clock, "me")
    await ledger.open()
    budgets = Budgets(ALL, ledger)
    balances = [held.balance for held in budgets.of_request(ALICE).all]
    while min(one.free for one in balances) < 10:  # so that those who come find something in hand
        first = spend_of(budgets, ledger, lambda *_: None, ALICE, None)
        assert await first.cover(TARGETS[10], Most(200, 200)) is None
    return ledger


COVER = ("cover", 1, 40, 3)
SERVED = ("close", None, Usage(7, 1), True)


@settings(max_examples=40, deadline=None)
@example([("cover", 1, 40, 1), SERVED, ("cover", 10, 10, 1), SERVED], None)
@example([COVER, SERVED, COVER, ("again",), SERVED], None)
@example([COVER, ("cover", 10, 10, 1), ("close", Kind.TIMEOUT, None, False)], None)
@example([COVER, ("further", 5), ("again",), SERVED], None)
@example([COVER, ("again",), ("again",), SERVED], None)
@example([COVER, ("further", 5), ("again", Usage(7, 1)), SERVED], None)
@example([COVER, ("close", None, Usage(5_000, 7), True)], None)
@example([COVER, ("close", Kind.TIMEOUT, None, False), COVER], 500)
@example([("cover", 1, 10, 1), ("settle",), ("again",), ("close", None, None, False)], None)
@example([COVER, ("settle",), ("further", 5), ("again",), COVER], None)
@given(st.lists(STEPS, max_size=8), st.none() | st.just(500))
def test_in_either_way_the_same_is_reserved_charged_refused_and_told(steps, limit):
    async def main():
        clock = VirtualClock()
        ledgers = [await opened(clock) for _ in range(2)]
        short, long = (Purse(one, plain=plain, limit=limit) for one, plain in zip(ledgers, (True, False), strict=True))
        for step in [*steps, ("settle",)]:
            assert await short.do(step) == await long.do(step), step
        for ledger in ledgers:
            await ledger.close()

    played(main())


def test_one_attempt_takes_the_short_way_and_leaves_nothing_reserved():
    async def main():
        ledger = await opened(clock := VirtualClock())
        purse = Purse(ledger, plain=True)
        before = [one.reserved for one in ledger.balances]
        await purse.do(("cover", 1, 10, 1))
        assert purse.spend._found is not None and purse.spend._reckoning is None
        await purse.do(("close", None, Usage(4, 3), True))
        await purse.do(("settle",))
        await purse.do(("settle",))
        assert [one.reserved for one in ledger.balances] == before
        assert sorted(one.spent for one in ledger.balances) == [1, 7, 10]
        assert clock.now() >= 0
        await ledger.close()

    played(main())


@pytest.mark.parametrize("budget", [
    Budget("soft", "usd", 1_000, "day", hard=False),
    Budget("gives", "usd", 1_000, "day", when_spent="downgrade", downgrade_to="cheap"),
    Budget("of a model", "usd", 1_000, "day", {"model": "m"}),
])  # fmt: skip
async def test_what_has_to_be_looked_at_before_is_not_plain(budget):
    clock = VirtualClock()
    assert not Budgets([*ALL, budget], Ledger(MemoryStore(clock), clock, "me")).plain


@pytest.mark.parametrize("plain", [True, False])
def test_an_only_call_that_was_billed_more_than_it_could_be_is_told(plain):
    async def main():
        clock = VirtualClock()
        ledger = Ledger(MemoryStore(clock), clock, "one")
        await ledger.open()
        filling = Purse(ledger, plain=False)
        await filling.do(("cover", 1, 10, 1))
        await filling.do(("settle",))
        purse = Purse(ledger, plain=plain)
        await purse.do(("cover", 1, 10, 1))
        await purse.do(("close", None, Usage(5_000, 1), True))
        assert [name for name, _ in purse.overruns] == ["money", "tokens"]
        await ledger.close()

    played(main())


class Uncounted(Purse):
    """Under no budget; `plain`: by the call itself, of which nothing is worked out."""

    def __init__(self, ledger: Ledger, *, plain: bool, limit: int | None = None) -> None:
        self.ledger, self.overruns, self.plain = ledger, [], plain
        self.spend = spend_of(Budgets((), ledger), ledger, lambda *told: self.overruns.append(told), ALICE, limit)
        self.under_way = False

    async def do(self, step):
        what, *how = step
        if what == "cover":
            at, (body, fields) = TARGETS[how[0]], CALLS[how[1]]
            if self.plain and self.spend.bears(at, body, fields, how[2]):
                self.under_way = True
                return None, [], []
            told = await self.spend.cover(at, most_of(at, body, fields), how[2])
            self.under_way = told is None
            return told if told is None else str(told), [], []
        return await super().do(step)


CALLS = {
    most: (orjson.dumps(fields), fields)
    for most in (10, 40, 200)
    for fields in [{"messages": [{"role": "user", "content": "x"}], "max_tokens": most}]
}


@settings(max_examples=40, deadline=None)
@example([COVER, ("close", Kind.TIMEOUT, None, False), COVER, SERVED], None)
@example([("cover", 1, 10, 1), ("close", None, None, True)], None)
@example([COVER, ("further", 5), ("again",), SERVED], None)
@example([("cover", 1, 10, 1), ("settle",), ("again",), ("close", None, None, False)], None)
@given(st.lists(STEPS, max_size=8), st.none() | st.just(50_000))
def test_where_nothing_is_limited_every_bill_is_told_as_if_it_were(steps, limit):
    async def main():
        ledger = await opened(VirtualClock())
        short, long = (Uncounted(ledger, plain=plain, limit=limit) for plain in (True, False))
        for step in [*steps, ("settle",)]:
            assert await short.do(step) == await long.do(step), step
        await ledger.close()

    played(main())


def test_what_an_attempt_can_cost_is_not_looked_at_where_nothing_is_limited(monkeypatch):
    monkeypatch.setattr("proxy.budgets.spend.most_of", None)

    async def main():
        ledger = await opened(VirtualClock())
        purse = Uncounted(ledger, plain=True)
        await purse.do(("cover", 1, 10, 1))
        assert (await purse.do(("close", None, Usage(4, 3), True)))[0] == 10
        await purse.do(("settle",))
        await ledger.close()

    played(main())
