"""A call for the rest of an answer that failed and is made again at the same target: what of it is billed.

It is one at most 30 nano-dollars, one for a token of input and two for one of output.
"""

import pytest

from proxy.budgets.budgets import Budgets
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
PROVIDER = Provider("openai", Dialect.OPENAI_CHAT, "https://api.openai.com/v1")
TARGET = Target(
    PROVIDER, "small", Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings(),
    Price(input=MILLION, output=2 * MILLION),
)  # fmt: skip
TEN = Most(input=10, output=10)
BUSY, SILENT = (Fault(kind=kind, message="it failed") for kind in (Kind.OVERLOADED, Kind.TIMEOUT))
EACH = Usage(input=1, output=1)
WHOLE = Usage(input=2, output=2, calls=(EACH, EACH))
"""Of an answer of two calls: 6 nano-dollars, 4 tokens."""


def spent(*calls, limit=1000, end=(None, WHOLE, 200)):
    """By an answer that paused once, and whose rest failed so often and so: what it cost, what budgets of dollars, of
    tokens and of requests have then, whether the last of these calls may be made again, and the overruns told."""

    async def main():
        clock, told = VirtualClock(), []
        ledger = Ledger(MemoryStore(clock), clock, "me")
        await ledger.open()
        budgets = [
            Budget("d", "usd", limit, "day"),
            Budget("t", "tokens", 1000, "day"),
            Budget("r", "requests", 9, "day"),
        ]
        known = Budgets(budgets, ledger)
        spend = spend_of(known, ledger, lambda *overrun: told.append(overrun), Who("app"), None)
        assert await spend.cover(TARGET, TEN) is None
        assert await spend.further(0) is None
        refused = None
        for fault, usage, status in calls:
            refused = await spend.again(fault, usage, status)
        cost = spend.close(*end, content=end[0] is None)
        spend.settle()
        balances = [one.spent for one in ledger.balances]
        await ledger.close()
        return cost, balances, refused is None, told

    return played(main())


TOLD = (BUSY, Usage(input=4, output=3), 200)
"""10 nano-dollars, 7 tokens."""


@pytest.mark.parametrize(
    ("calls", "usd", "tokens"),
    [
        ([TOLD], 6 + 10, 4 + 7),
        ([TOLD, TOLD], 6 + 20, 4 + 14),
        ([(BUSY, None, 200)], 6, 4),
        ([(BUSY, None, 503)], 6, 4),
        ([(SILENT, None, 0)], 6 + 30, 4 + 20),
        ([(SILENT, Usage(input=4, output=3), 200)], 6 + 30, 4 + 20),
        ([TOLD, (SILENT, None, 0), TOLD], 6 + 10 + 30 + 10, 4 + 7 + 20 + 7),
    ],
    ids=["told", "told twice", "not told", "refused", "broken off", "told and broken off", "all of it"],
)
def test_what_a_failed_call_told_is_billed_and_of_one_that_broke_off_the_most(calls, usd, tokens):
    assert spent(*calls) == (usd, [usd, tokens, 1], True, [])


def test_what_failed_calls_told_counts_against_the_budget_before_another_is_made():
    assert spent(TOLD, limit=69)[2] is False, "60 are held for two calls, and 10 were used beside them"
    assert spent(TOLD, limit=70)[2] is True


def test_an_answer_that_fails_after_all_is_charged_all_its_calls_at_their_most_and_what_was_told_beside_them():
    assert spent(TOLD, end=(SILENT, None, 0)) == (30 + 30 + 10, [70, 40 + 7, 1], True, [])
