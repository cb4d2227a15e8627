"""What turns bad is told once, and once when it is good again, and nothing flaps in between."""

import pytest

from proxy.config.spending import NANOS, Marks
from proxy.learning.watch import COST, FAILURES, P95, QUALITY, SAMPLES, Subject

MARKS = Marks(minimum=20)
NOON = 1_700_000_000.0


class Scene:
    """A subject, and requests that end one a second."""

    def __init__(self, record, marks=MARKS):
        self.subject, self.marks, self.record, self.now = Subject(), marks, record, 0.0

    def end(self, count, **fields):
        for _ in range(count):
            self.now += 1
            self.subject.note(self.record(int(self.now), at=NOON + self.now, **fields), self.now)

    def score(self, number, quality):
        """Of the request that ended at that second."""
        self.subject.score(self.record(number).id, quality, number)

    def turned(self):
        return [(turn.sign, turn.bad) for turn in self.subject.look(self.marks, self.now, NOON + self.now)]


@pytest.fixture
def scene(record):
    return Scene(record)


def test_what_fares_well_is_not_told(scene):
    scene.end(100)
    assert scene.turned() == []


def test_slow_answers_are_told_and_so_is_their_end(scene):
    scene.end(18)
    scene.end(2, ms=5001)
    assert scene.turned() == [(P95, True)]
    assert scene.turned() == []
    scene.end(60)
    assert scene.turned() == [(P95, False)]


def test_about_the_mark_nothing_flaps(scene):
    """It rises over 5 s once, and then moves between 4.1 and 5.1 s, which neither ends nor begins anything."""
    scene.end(30, ms=5100)
    assert scene.turned() == [(P95, True)]
    for _ in range(10):
        scene.end(300, ms=4100)
        assert scene.turned() == []
        scene.end(300, ms=5100)
        assert scene.turned() == []
    scene.end(300, ms=3900)
    assert scene.turned() == [(P95, False)]


def test_failures_are_told(scene):
    scene.end(38)
    scene.end(2, outcome="server", signal="")
    assert scene.turned() == []
    scene.end(1, outcome="timeout", signal="")
    assert scene.turned() == [(FAILURES, True)]
    scene.end(20)
    assert scene.turned() == []
    scene.end(20)
    assert scene.turned() == [(FAILURES, False)]


@pytest.mark.parametrize("outcome", ["cancelled", "refused", "too_long", "content", "deadline", "shed"])
def test_what_is_no_providers_failure_is_none(scene, outcome):
    scene.end(30)
    scene.end(30, outcome=outcome, signal="")
    assert scene.turned() == []


def test_bad_answers_are_told_and_a_score_weighs_as_ten(scene):
    scene.end(80)
    scene.end(19, signal="refusal")
    assert scene.turned() == []
    scene.score(1, 0.3)
    assert scene.turned() == [(QUALITY, True)]
    scene.end(20)
    assert scene.turned() == []
    scene.end(70)
    assert scene.turned() == [(QUALITY, False)]


def test_one_request_has_one_quality_however_often_it_is_scored(scene):
    """The latest; and what was scored pushes nothing out of what else is known."""
    scene.end(60)
    scene.end(4, outcome="server", signal="")
    for _ in range(2 * SAMPLES):
        scene.score(60, 0.0)
    assert scene.turned() == [(FAILURES, True)]
    [turn] = scene.subject.look(Marks(minimum=1, quality=0.9), scene.now, NOON + scene.now)
    assert (turn.sign, turn.samples) == (QUALITY, round(6.9**2 / 1.59))
    assert turn.value == pytest.approx(5.9 / 6.9)
    scene.score(60, 1.0)
    assert scene.turned() == [(QUALITY, False)]


def test_a_few_scores_among_many_signals_say_nothing_yet(scene):
    """Nine of them weigh as much as ninety signals, and tell little more than nine."""
    scene.end(29)
    for number in range(1, 10):
        scene.score(number, 0.0)
    assert scene.turned() == []
    for number in range(10, 20):
        scene.score(number, 0.0)
    assert scene.turned() == [(QUALITY, True)]


def test_a_score_goes_with_its_request(scene):
    scene.end(20)
    for number in range(1, 21):
        scene.score(number, 0.0)
    assert scene.turned() == [(QUALITY, True)]
    scene.now = 20 + scene.marks.window_s
    assert scene.turned() == [(QUALITY, False)]
    assert scene.subject.idle


@pytest.mark.parametrize(("fields", "count"), [({"ms": 9000}, 19), ({"outcome": "server", "signal": ""}, 19)])
def test_few_samples_say_nothing(scene, fields, count):
    scene.end(count, **fields)
    assert scene.turned() == []
    scene.end(1, **fields)
    assert len(scene.turned()) == 1


def test_after_a_window_without_requests_it_is_over(scene):
    scene.end(30, ms=9000)
    assert scene.turned() == [(P95, True)]
    scene.now += 280
    assert scene.turned() == []
    assert not scene.subject.idle
    scene.now += 30
    assert scene.turned() == [(P95, False)]
    assert scene.subject.idle


def test_a_mark_of_zero_is_not_looked_at(record):
    scene = Scene(record, Marks(p95_s=0, failure_ratio=0, quality=0, minimum=1))
    scene.end(30, ms=99_000)
    scene.end(30, outcome="server", signal="cut")
    assert scene.turned() == []


def test_a_days_cost_is_told_once_a_day(record):
    scene = Scene(record, Marks(daily=100 * NANOS))
    scene.end(7, cost=10 * NANOS)
    assert scene.turned() == []
    scene.end(1, cost=10 * NANOS)
    [turn] = scene.subject.look(scene.marks, scene.now, NOON + scene.now)
    assert (turn.sign, turn.bad, turn.value, turn.mark, turn.samples) == (COST, True, 80 * NANOS, 80 * NANOS, 8)
    scene.end(9, cost=10 * NANOS)
    assert scene.turned() == []
    scene.now += 86_400
    assert scene.turned() == []
    scene.end(8, cost=10 * NANOS)
    assert scene.turned() == [(COST, True)]


def test_what_is_kept_is_bounded(scene):
    scene.marks = Marks(window_s=3600, minimum=20)
    scene.end(SAMPLES, ms=9000)
    scene.end(SAMPLES, ms=10)
    assert scene.turned() == []
