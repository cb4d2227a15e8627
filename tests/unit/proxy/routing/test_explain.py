"""The plan of one request: who is tried in which order, who is not and why, for how long at worst.

That the chain does what is planned is shown beside the chain itself.
"""

import pytest
from msgspec import structs

from proxy.config.values import BreakerSettings, ModelRoute, Provider, RetrySettings, Target, TimeoutSettings
from proxy.routing.explain import NOTE, Loss, explain
from proxy.routing.resolve import Resolution
from translators.faults import Malformed
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Mode, Report


class Prepared:
    def __init__(self, target: Target, report: Report, *, stream: bool) -> None:
        self.target = target
        self.report = report
        self.stream = stream
        self.body, self.fields = target.name.encode(), {"model": target.model}


class Job:
    """What each target makes of the request: nothing to say, some losses, or a body it cannot read."""

    def __init__(self, *, stream=False, endpoint="chat", reasons=False, losses=(), odd=(), folds=(), origin="") -> None:
        self.stream = stream
        self.endpoint = endpoint
        self._reasons = reasons
        self._losses = dict(losses)
        self._odd = odd
        self._folds = folds
        self._origin = origin

    def reasons(self, target: Target) -> bool:
        return self._reasons

    def loop_origin(self) -> str:
        return self._origin

    def prepare(self, target: Target) -> Prepared:
        if target.provider.name in self._odd:
            raise Malformed("'messages[0].content' is odd.", param="messages[0].content")
        report = Report()
        for verdict, field in self._losses.get(target.provider.name, ()):
            getattr(report, verdict)(field, "it cannot")
        return Prepared(target, report, stream=self.stream or target.provider.name in self._folds)


def resolution(*names: str, **settings) -> Resolution:
    targets = tuple(
        Target(
            Provider(name, Dialect.OPENAI_CHAT, f"https://{name}.test"),
            "large",
            Profile(provider=name),
            BreakerSettings(),
            settings.get("retry", RetrySettings()),
            settings.get("timeouts", TimeoutSettings()),
        )
        for name in names
    )
    return Resolution("m", '[models."m"]', targets, ModelRoute("m", ()))


def plan(job: Job, *names: str, mode: Mode = Mode.WARN, **settings):
    return explain("m", resolution(*names, **settings), job, mode)


def test_targets_stand_in_order_each_with_its_turns_condition():
    made = plan(Job(), "a", "b", "c")
    assert [(row.target, row.verdict, row.reason) for row in made.rows] == [
        ("a/large", "tried", "first of the chain"),
        ("b/large", "tried", "when a/large fails"),
        ("c/large", "tried", "when b/large fails"),
    ]
    assert (made.model, made.route, made.reason, made.note) == ("m", "m", '[models."m"]', NOTE)


def test_attempts_are_spread_as_the_chain_spreads_them():
    made = plan(Job(), "a", "b", "c")
    assert ([row.attempts for row in made.rows], made.total_attempts) == ([3, 2, 1], 6)
    long = plan(Job(), *"abcdefgh")
    assert ([row.attempts for row in long.rows], long.total_attempts) == ([1] * 8, 8)


def test_a_target_that_cannot_say_the_request_is_skipped_with_the_field_and_takes_no_attempts():
    made = plan(Job(losses={"a": [("refused", "n"), ("dropped", "seed")]}), "a", "b", "c")
    first, second, third = made.rows
    assert (first.verdict, first.reason, first.attempts, first.worst_case_s) == ("skipped", "n: it cannot", 0, 0)
    assert first.losses == (Loss("n", "refused", "it cannot"), Loss("seed", "dropped", "it cannot"))
    assert (second.reason, second.attempts) == ("those before it are skipped", 3)
    assert (third.reason, third.attempts) == ("when b/large fails", 3)


@pytest.mark.parametrize(("mode", "verdict"), [(Mode.STRICT, "skipped"), (Mode.WARN, "tried"), (Mode.LENIENT, "tried")])
def test_a_lost_hint_skips_a_target_only_in_strict_mode_and_is_told_in_any(mode, verdict):
    (row,) = plan(Job(losses={"a": [("dropped", "seed")]}), "a", mode=mode).rows
    assert row.verdict == verdict
    assert [loss.field for loss in row.losses] == ["seed"]


def test_a_body_that_a_target_cannot_read_skips_it():
    first, second = plan(Job(odd=["b"]), "a", "b").rows
    assert (first.verdict, second.verdict) == ("tried", "skipped")
    assert second.reason == "'messages[0].content' is odd."


@pytest.mark.parametrize(
    ("job", "seconds"),
    [
        (Job(), 120),
        (Job(reasons=True), 300),
        (Job(stream=True), 60),
        (Job(stream=True, reasons=True), 300),
        (Job(endpoint="embeddings"), 30),
    ],
    ids=["unary", "unary that reasons", "stream", "stream that reasons", "embeddings"],
)
def test_the_worst_is_a_target_that_is_silent_for_as_long_as_it_may_be(job, seconds):
    one = RetrySettings(attempts_per_target=1)
    made = plan(job, "a", "b", retry=one)
    assert [row.worst_case_s for row in made.rows] == [seconds, min(seconds, 600 - seconds)]


def test_a_target_whose_stream_is_folded_is_told_and_may_take_all_the_time_there_is():
    """As long as it makes progress it is waited for, whoever comes after it."""
    first, second = plan(Job(folds=["a"]), "a", "b", retry=RetrySettings(attempts_per_target=1)).rows
    assert (first.upstream_stream, first.worst_case_s) == (True, 600)
    assert (second.upstream_stream, second.worst_case_s) == (False, 0)
    assert not any(row.upstream_stream for row in plan(Job(stream=True), "a", "b").rows), "it is the client's own"


@pytest.mark.parametrize(("sticky", "first"), [("signed", "b"), ("none", "a")])
def test_a_live_tool_loop_is_explained_with_its_own_target_first(sticky, first):
    found = resolution("a", "b")
    maker = found.targets[1].profile.origin(Dialect.OPENAI_CHAT)
    found = structs.replace(found, route=structs.replace(found.route, sticky=sticky))
    rows = explain("m", found, Job(origin=maker), Mode.WARN).rows
    assert rows[0].target.partition("/")[0] == first
    assert ("tool loop" in rows[0].reason) is (sticky == "signed")


def test_a_shorter_time_for_reasoning_shortens_nothing():
    times = TimeoutSettings(first_token_reasoning_s=10, idle_s=5)
    (row,) = plan(Job(stream=True, reasons=True), "a", timeouts=times, retry=RetrySettings(attempts_per_target=1)).rows
    assert row.worst_case_s == 30


def test_the_longest_pauses_between_attempts_are_counted():
    (row,) = plan(Job(stream=True), "a").rows
    assert row.worst_case_s == 60 + 2 + 60 + 2 + 60


def test_while_targets_remain_an_attempt_gets_at_most_half_of_what_is_left():
    made = plan(Job(), "a", "b", timeouts=TimeoutSettings(deadline_s=100), retry=RetrySettings(attempts_per_target=1))
    assert [row.worst_case_s for row in made.rows] == [50, 50]
    assert made.worst_case_s == 100


def test_no_request_outlives_its_deadline():
    made = plan(Job(), *"abcdef", timeouts=TimeoutSettings(deadline_s=90))
    assert made.worst_case_s <= 90
    assert sum(row.worst_case_s for row in made.rows) == pytest.approx(made.worst_case_s, abs=0.01)


def test_the_bound_of_the_input_is_told_for_each_target_by_what_it_would_be_sent():
    asked = []

    def most(body, fields, dialect, profile):
        asked.append((body, fields))
        return 40 + len(asked)

    made = explain("m", resolution("a", "b"), Job(), Mode.WARN, worst_input=most)
    assert [row.input_tokens_bound for row in made.rows] == [41, 42]
    assert [body for body, _ in asked] == [row.target.encode() for row in made.rows]
    assert plan(Job(), "a").rows[0].input_tokens_bound is None
