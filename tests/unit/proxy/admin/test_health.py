"""Alive is what keeps its appointments."""

from proxy.admin.health import BEAT_S, LATE_S, Health


def test_a_loop_that_beats_in_time_is_alive():
    health = Health(0.0)
    for beat in range(1, 10):
        health.beat(beat * BEAT_S)
    assert health.lag(9 * BEAT_S) == 0
    assert health.alive(9 * BEAT_S)


def test_a_beat_that_came_late_shows_until_the_next():
    health = Health(0.0)
    health.beat(BEAT_S + LATE_S)
    assert health.lag(BEAT_S + LATE_S) == LATE_S
    assert not health.alive(BEAT_S + LATE_S)
    health.beat(2 * BEAT_S + LATE_S)
    assert health.alive(2 * BEAT_S + LATE_S)


def test_a_beat_that_does_not_come_shows_before_it_comes():
    health = Health(0.0)
    assert health.alive(BEAT_S + LATE_S - 0.01)
    assert not health.alive(BEAT_S + LATE_S)
