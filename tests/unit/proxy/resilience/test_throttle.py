"""The throttle: waits that upstreams ask for."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxy.resilience.throttle import Throttle


def test_a_new_throttle_is_free_now():
    assert Throttle().free_at(7.0) == 7.0


def test_a_block_lasts_for_the_wait_and_up_to_a_tenth_more(chance):
    throttle = Throttle()
    assert throttle.block(100.0, 20.0, chance) == 120.0
    chance.value = 1.0
    assert throttle.block(100.0, 20.0, chance) == 122.0


def test_it_is_free_again_after_the_block(chance):
    throttle = Throttle()
    throttle.block(100.0, 20.0, chance)
    assert throttle.free_at(119.0) == 120.0
    assert throttle.free_at(120.0) == 120.0
    assert throttle.free_at(130.0) == 130.0


def test_a_shorter_wait_that_comes_later_does_not_shorten_the_block(chance):
    throttle = Throttle()
    throttle.block(100.0, 20.0, chance)
    assert throttle.block(101.0, 1.0, chance) == 120.0


def test_it_says_when_the_wait_that_counts_was_asked_for(chance):
    throttle = Throttle()
    throttle.block(100.0, 20.0, chance)
    throttle.block(105.0, 1.0, chance)
    assert throttle.since == 100.0
    throttle.block(110.0, 20.0, chance)
    assert throttle.since == 110.0


def test_an_answer_ends_the_wait(chance):
    throttle = Throttle()
    throttle.block(100.0, 20.0, chance)
    throttle.clear()
    assert throttle.free_at(101.0) == 101.0


class ThrottleMachine(RuleBasedStateMachine):
    """Against the list of all waits ever asked for."""

    def __init__(self):
        super().__init__()
        self.throttle = Throttle()
        self.now = 50.0
        self.asked = []

    @rule(seconds=st.floats(0, 100))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(wait_s=st.floats(0, 3600), luck=st.floats(0, 1, exclude_max=True))
    def an_upstream_asks_for_a_wait(self, wait_s, luck):
        self.throttle.block(self.now, wait_s, lambda: luck)
        self.asked.append((self.now, wait_s))

    @invariant()
    def every_wait_is_kept_and_none_is_stretched_by_more_than_a_tenth(self):
        free_at = self.throttle.free_at(self.now)
        assert free_at >= max([self.now, *(at + wait_s for at, wait_s in self.asked)])
        assert free_at <= max([self.now, *(at + wait_s * 1.1 for at, wait_s in self.asked)]) + 1e-6


TestThrottleMachine = ThrottleMachine.TestCase
TestThrottleMachine.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
