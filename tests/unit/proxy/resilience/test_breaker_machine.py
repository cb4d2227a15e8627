"""The breaker against a model that says the same as plainly as can be, over any order of calls, results and time."""

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.config.values import BreakerSettings
from proxy.resilience.breaker import Breaker, Reason, State

SETTINGS = BreakerSettings(
    consecutive_failures=3, open_s=8.0, open_max_s=24.0, jitter=0.25, probe_successes=2, ramp_s=16.0, ramp_min=0.125
)
VERDICTS = ("success", "fail", "throttled", "ignored")
HALF_OPEN = (State.PROBE, State.RAMP)


class Model:
    """For SETTINGS with a `uniform` of 0.5: openings last 9, 18, 27, 27, ... s."""

    def __init__(self):
        self.state, self.round, self.fails, self.k, self.since, self.end = "closed", 0, 0, 0, 0.0, 0.0
        self.probe, self.passed, self.owed, self.forced, self.due = None, 0, 0.0, -9.0, 0.0

    def tick(self, now):
        if self.state == "open" and now >= self.end:
            self.go("probe", self.end)
        if self.state == "ramp" and now >= self.since + 16:
            self.state, self.since = "closed", self.since + 16

    def go(self, state, at):
        self.state, self.since, self.round = state, at, self.round + 1
        self.fails, self.passed, self.owed, self.probe = 0, 0, 0.0, None

    def open(self, now, retry_at):
        self.k = min(3, self.openings(now) + 1)
        self.end = self.due = max(retry_at or 0.0, now + {1: 9, 2: 18, 3: 27}[self.k])
        self.go("open", now)

    def delay(self, now, until):
        """By a look that found the provider down; 24 is `open_max_s`."""
        if self.state == "open":
            self.end = max(self.due, now, min(until, self.since + 24))

    def openings(self, now):
        return max(0, self.k - int((now - self.since) // 60)) if self.state == "closed" else self.k

    def admit(self, now, permit_s):
        if self.state == "ramp":
            self.owed += max(0.125, (now - self.since) / 16)
            if self.owed < 1:
                return None
            self.owed -= 1
        elif self.state == "probe" and (self.probe is None or now >= self.probe[2]):
            self.probe = (self.round, "probe", now + permit_s)
            return self.probe
        elif self.state != "closed":
            return None
        return (self.round, self.state, math.inf)

    def force(self, now):
        if self.state in ("closed", "ramp"):
            return (self.round, self.state, math.inf)
        if now < self.forced + 1:
            return None
        self.forced = now
        return (self.round, "forced", math.inf)

    def commit(self, permit, now):
        if permit is self.probe:
            self.round, self.probe, self.passed = self.round + 1, None, self.passed + 1
            if self.passed == 2:
                self.go("ramp", now)
        elif permit[:2] == (self.round, "forced") and self.state == "open":
            self.go("probe", now)

    def settle(self, permit, verdict, now, retry_at):
        in_round, role = permit[0] == self.round, permit[1]
        if in_round and role in ("closed", "ramp"):
            self.fails = 0 if verdict == "success" else self.fails + (verdict == "fail")
            ramp = self.state == "ramp"
            if self.fails >= (2 if ramp else 3) or (ramp and verdict == "throttled"):
                self.open(now, retry_at)
        elif verdict == "success":
            self.commit(permit, now)
        elif in_round and role == "probe" and verdict != "ignored":
            self.open(now, retry_at)
        elif permit is self.probe:
            self.probe = None


class BreakerMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.changes = []
        self.breaker = Breaker(SETTINGS, lambda: 0.5, lambda *change: self.changes.append(change))
        self.blind = Breaker(SETTINGS, lambda: 0.5)
        """Gets the same calls, but nobody looks at it between them."""
        self.model = Model()
        self.now = 100.0
        self.calls = []
        """Calls under way: the permit, the model's and the blind breaker's."""
        self.ramp = (None, 0.0, 0)
        """Which ramp, the sum of its fractions, the calls it admitted."""

    def look(self):
        self.model.tick(self.now)
        return self.breaker.snapshot(self.now)

    def admit(self, permit_s):
        permit, modelled = self.breaker.admit(self.now, permit_s), self.model.admit(self.now, permit_s)
        return self.take(permit, modelled, self.blind.admit(self.now, permit_s))

    def take(self, permit, modelled, blind):
        if permit is None:
            assert modelled is None
            assert blind is None
            return False
        assert (permit.role, permit.expires) == modelled[1:] == (blind.role, blind.expires)
        self.calls.append((permit, modelled, blind))
        return True

    @rule(seconds=st.sampled_from([0.25, 0.5, 1.0, 2.0, 5.0, 9.0, 16.0, 18.0, 61.0, 130.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(permit_s=st.sampled_from([0.5, 4.0, 40.0]), times=st.integers(1, 12))
    def calls_come(self, permit_s, times):
        for _ in range(times):
            before = self.look()
            admitted = self.admit(permit_s)
            assert before.state is not State.OPEN or not admitted
            if before.ramp is not None:
                which, total, so_far = self.ramp if self.ramp[0] == before.changed_at else (before.changed_at, 0.0, 0)
                self.ramp = (which, total + before.ramp, so_far + admitted)
                assert abs(self.ramp[2] - math.floor(self.ramp[1])) <= 1

    @rule()
    def a_refused_chain_forces_a_call(self):
        self.look()
        self.take(self.breaker.force(self.now), self.model.force(self.now), self.blind.force(self.now))

    @rule()
    def an_operator_takes_it_out(self):
        """Whatever state it is in; never to let it back in any earlier."""
        before = self.look()
        for breaker in (self.breaker, self.blind):
            breaker.trip(self.now)
        self.model.open(self.now, self.model.end if self.model.state == "open" else None)
        after = self.look()
        assert (after.state, after.reason) == (State.OPEN, Reason.MANUAL)
        assert after.reopens_at >= (before.reopens_at or self.now + 9)

    @rule(seconds=st.sampled_from([0.0, 4.0, 12.0, 600.0]))
    def the_provider_is_looked_at(self, seconds):
        """It is found down for so long, or up. Nothing but the end of OPEN can come of it, and never too early."""
        before = self.look()
        for breaker in (self.breaker, self.blind):
            breaker.delay(self.now, self.now + seconds)
        self.model.delay(self.now, self.now + seconds)
        after = self.look()
        if before.state is State.OPEN:
            assert after.state is State.OPEN or (after.state is State.PROBE and self.now >= self.model.due)
            assert after.state is State.PROBE or after.reopens_at >= self.model.due
        else:
            assert after == before

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def a_call_commits(self, data):
        permit, modelled, blind = data.draw(st.sampled_from(self.calls))
        self.look()
        self.blind.commit(blind, self.now)
        self.breaker.commit(permit, self.now)
        self.model.commit(modelled, self.now)

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), verdict=st.sampled_from(VERDICTS), retry_s=st.sampled_from([None, 0.5, 50.0]))
    def a_call_ends(self, data, verdict, retry_s):
        self.end(data.draw(st.integers(0, len(self.calls) - 1)), verdict, retry_s)

    def probes(self):
        """The places in `calls` of the present round's probes, those that lost their place included."""
        return [n for n, (_, modelled, _) in enumerate(self.calls) if modelled[:2] == (self.model.round, "probe")]

    @precondition(probes)
    @rule(data=st.data(), verdict=st.sampled_from(VERDICTS))
    def a_probe_ends(self, data, verdict):
        self.end(data.draw(st.sampled_from(self.probes())), verdict, None)

    @precondition(lambda self: self.breaker.state(self.now) is State.PROBE)
    @rule(lost=st.booleans())
    def a_probe_starts_and_may_be_lost(self, lost):
        self.look()
        self.admit(4.0)
        self.now += 4.0 if lost else 0.25

    @precondition(lambda self: self.calls)
    @rule(verdict=st.sampled_from(("success", "fail")))
    def every_call_ends_alike(self, verdict):
        while self.calls:
            self.end(0, verdict, None)

    def end(self, index, verdict, retry_s):
        permit, modelled, blind = self.calls.pop(index)
        before = self.look()
        stale = modelled[0] != self.model.round
        live_probe = modelled is self.model.probe
        retry_at = None if retry_s is None else self.now + retry_s
        self.breaker.settle(permit, verdict, self.now, retry_at=retry_at)
        self.blind.settle(blind, verdict, self.now, retry_at=retry_at)
        self.model.settle(modelled, verdict, self.now, retry_at)
        after = self.look()
        if stale:
            assert after.late == before.late + 1
            assert (after.state, after.failures, after.reopens_at) == (before.state, before.failures, before.reopens_at)
        if live_probe and verdict == "ignored":
            assert self.breaker.next_admit(self.now) == self.now

    @precondition(lambda self: self.breaker.state(self.now) is State.CLOSED)
    @rule()
    def the_target_is_down_until_its_probe_is_due(self):
        while self.look().state is State.CLOSED:
            self.admit(4.0)
            self.end(len(self.calls) - 1, "fail", None)
        self.now = self.breaker.next_admit(self.now)

    @precondition(lambda self: self.breaker.state(self.now) is State.PROBE)
    @rule()
    def its_probes_pass(self):
        self.now = self.breaker.next_admit(self.now)
        while self.look().state is State.PROBE:
            self.admit(4.0)
            self.end(len(self.calls) - 1, "success", None)

    @precondition(lambda self: self.breaker.state(self.now) in HALF_OPEN)
    @rule(verdict=st.sampled_from(("success", "fail", "throttled")))
    def half_open_ends_when_calls_are_judged(self, verdict):
        """However it came there: the wait for a lost probe, two probes of a second, the ramp."""
        self.look()
        bound = self.breaker.next_admit(self.now) + 2 + SETTINGS.ramp_s
        while self.look().state in HALF_OPEN:
            assert self.now <= bound
            under_way = len(self.calls)
            if self.admit(4.0):
                self.end(under_way, verdict, None)
            self.now += 0.5

    @invariant()
    def breaker_and_model_agree(self):
        seen, model = self.look(), self.model
        assert (seen.state.value, seen.failures, seen.openings) == (model.state, model.fails, model.openings(self.now))
        assert seen.reopens_at == (model.end if model.state == "open" else None)
        assert seen.changed_at == (model.since if self.changes else None)

    @invariant()
    def at_most_one_probe_is_alive(self):
        alive = [m for _, m, _ in self.calls if m[:2] == (self.model.round, "probe") and m[2] > self.now]
        assert len(alive) <= 1

    @invariant()
    def the_hook_tells_an_unbroken_story(self):
        told = [State.CLOSED, *(after for _, after, _, _ in self.changes)]
        assert [before for before, *_ in self.changes] == told[:-1]
        assert told[-1] is self.breaker.state(self.now)

    def teardown(self):
        """Looking changed nothing."""
        assert self.blind.snapshot(self.now) == self.breaker.snapshot(self.now)


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
