"""The retry budget: a fifth of the requests of the last ten seconds, and one a second besides."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import structs

from proxy.config.values import RetrySettings
from proxy.resilience.retry import Budget

SETTINGS = RetrySettings()
T = 1000.0


def withdrawals(budget, now, wanted=1000):
    return sum(budget.withdraw(now) for _ in range(wanted))


def test_without_requests_one_retry_a_second_of_the_window_may_be_made():
    budget = Budget(SETTINGS)
    assert withdrawals(budget, T) == 10


def test_a_fifth_of_the_requests_is_added():
    budget = Budget(SETTINGS)
    for _ in range(100):
        budget.deposit(T)
    assert withdrawals(budget, T) == 30


def test_a_refused_withdrawal_is_not_owed():
    budget = Budget(SETTINGS)
    withdrawals(budget, T)
    assert withdrawals(budget, T + 10) == 10


def test_what_was_earned_and_spent_leaves_with_the_window():
    budget = Budget(SETTINGS)
    for _ in range(50):
        budget.deposit(T)
    assert withdrawals(budget, T + 9.9) == 20
    assert withdrawals(budget, T + 10) == 0
    assert withdrawals(budget, T + 20) == 10


def test_retries_come_back_slot_by_slot():
    budget = Budget(SETTINGS)
    for second in range(10):
        assert budget.withdraw(T + second)
    assert not budget.withdraw(T + 9.5)
    assert withdrawals(budget, T + 10) == 1


def test_a_long_silence_empties_the_window():
    budget = Budget(SETTINGS)
    for _ in range(1000):
        budget.deposit(T)
    assert withdrawals(budget, T + 86_400) == 10


def test_new_settings_count_at_once():
    budget = Budget(SETTINGS)
    budget.settings = structs.replace(SETTINGS, budget_min_per_s=0.3)
    assert withdrawals(budget, T) == 3


def test_another_window_length_begins_an_empty_window():
    budget = Budget(SETTINGS)
    for _ in range(1000):
        budget.deposit(T)
    budget.settings = structs.replace(SETTINGS, budget_window_s=20.0)
    assert withdrawals(budget, T) == 20


class BudgetMachine(RuleBasedStateMachine):
    """Against the list of everything that ever happened."""

    def __init__(self):
        super().__init__()
        self.budget = Budget(SETTINGS)
        self.now = T
        self.deposits = []
        self.withdrawals = []

    def recent(self, events):
        """Those in the present slot, a second long, and the nine before it."""
        return sum(int(self.now) - int(at) < 10 for at in events)

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 2.5, 9.0, 10.0, 60.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(times=st.integers(1, 30))
    def requests_come(self, times):
        for _ in range(times):
            self.budget.deposit(self.now)
            self.deposits.append(self.now)

    @rule(times=st.integers(1, 15))
    def retries_are_wanted(self, times):
        for _ in range(times):
            covered = self.recent(self.withdrawals) + 1 <= 0.2 * self.recent(self.deposits) + 10
            assert self.budget.withdraw(self.now) == covered
            if covered:
                self.withdrawals.append(self.now)

    @invariant()
    def a_window_never_holds_more_retries_than_it_could_have_earned(self):
        in_last_nine_s = [at for at in self.withdrawals if self.now - at <= 9]
        could_earn = [at for at in self.deposits if self.now - at <= 19]
        assert len(in_last_nine_s) <= 0.2 * len(could_earn) + 10


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
