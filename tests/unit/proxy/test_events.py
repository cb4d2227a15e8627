"""Rare events are lines of the log with their own names and fields."""

import pytest

from proxy.events import Events
from proxy.resilience.breaker import Reason, State
from proxy.resilience.keys import KeyState


class Log:
    """Keeps what it is told."""

    def __init__(self):
        self.lines = []
        self.events = self

    def info(self, event, **facts):
        self.lines.append(("info", event, facts))

    def warning(self, event, **facts):
        self.lines.append(("warning", event, facts))

    def error(self, event, **facts):
        self.lines.append(("error", event, facts))


REASON = next(iter(Reason))


@pytest.mark.parametrize(
    ("tell", "line"),
    [
        (lambda events: events.alert("key_refused", key="ab"), ("error", "key_refused", {"key": "ab"})),
        (
            lambda events: events.key_back("a", KeyState(0, "env:A", None, "ab"), "reload"),
            ("info", "key_back", {"provider": "a", "key": "ab", "source": "env:A", "by": "reload"}),
        ),
        (
            lambda events: events.tripped("a/m", "127.0.0.1"),
            ("warning", "trip", {"target": "a/m", "by": "127.0.0.1"}),
        ),
        (
            lambda events: events.lost("spans_lost", "full", 3),
            ("warning", "spans_lost", {"reason": "full", "so_far": 3}),
        ),
        (
            lambda events: events.breaker("a/m", State.CLOSED, State.OPEN, REASON, 0.0),
            ("warning", "breaker", {"target": "a/m", "before": "CLOSED", "after": "OPEN", "reason": REASON.value}),
        ),
        (
            lambda events: events.breaker("a/m", State.RAMP, State.CLOSED, None, 0.0),
            ("warning", "breaker", {"target": "a/m", "before": "RAMP", "after": "CLOSED", "reason": None}),
        ),
        (
            lambda events: events.looked_at("a", up=True, reason="it answers"),
            ("info", "probe", {"provider": "a", "up": True, "reason": "it answers"}),
        ),
        (
            lambda events: events.looked_at("a", up=False, reason="refused"),
            ("warning", "probe", {"provider": "a", "up": False, "reason": "refused"}),
        ),
        (
            lambda events: events.not_listed("a", "404"),
            ("warning", "models_not_listed", {"provider": "a", "reason": "404"}),
        ),
        (
            lambda events: events.overrun("daily", "a/m"),
            ("error", "budget_overrun", {"budget": "daily", "target": "a/m"}),
        ),
        (lambda events: events.budget({"budget": "b"}), ("warning", "budget_alert", {"budget": "b"})),
        (
            lambda events: events.fares({"model": "m", "state": "bad"}),
            ("warning", "model_alert", {"model": "m", "state": "bad"}),
        ),
        (
            lambda events: events.fares({"model": "m", "state": "good"}),
            ("info", "model_alert", {"model": "m", "state": "good"}),
        ),
        (
            lambda events: events.not_alerted("full", 2),
            ("error", "alert_lost", {"reason": "full", "so_far": 2}),
        ),
    ],
)
def test_each_has_its_level_its_name_and_its_fields(tell, line):
    log = Log()
    tell(Events(log))
    assert log.lines == [line]
