"""What cannot fit a target's context window is not sent there."""

import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.jobs import ChatJob
from translators.catalog import codec
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Mode

CHAT, MESSAGES = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES


def target(window: int | None, dialect: Dialect = CHAT) -> Target:
    provider = Provider("alpha", dialect, "https://alpha.test")
    profile = Profile(provider="alpha", model="large", context_window=window)
    return Target(provider, "large", profile, BreakerSettings(), RetrySettings(), TimeoutSettings())


def long_chat(words: int, least: int | None = None) -> tuple[ChatJob, list[object]]:
    """A job of so many words, and the bodies that its size was asked of."""
    asked: list[object] = []

    def at_least(body: object) -> int:
        asked.append(body)
        return words if least is None else least

    payload = {"model": "m", "messages": [{"role": "user", "content": "word " * words}]}
    return ChatJob(codec(CHAT), payload, stream=False, usage=False, bound=None, at_least=at_least), asked


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES])
def test_an_input_that_cannot_fit_skips_the_target_and_says_so(dialect):
    job, _ = long_chat(101)
    prepared = job.prepare(target(100, dialect))
    assert prepared.too_long
    [entry] = prepared.report.blocking(Mode.WARN)
    assert (entry.field, entry.why) == ("messages", "at least 101 tokens are more than its context window of 100")


def test_what_may_fit_is_not_kept_from_a_target():
    for window in (101, None):
        job, _ = long_chat(101)
        prepared = job.prepare(target(window))
        assert not prepared.too_long and prepared.report.blocking(Mode.STRICT) == []


def test_the_size_is_asked_once_and_only_where_there_are_more_bytes_than_tokens_fit():
    job, asked = long_chat(101)
    job.prepare(target(10_000))
    assert asked == []
    job.prepare(target(100))
    job.prepare(target(50))
    assert len(asked) == 1
