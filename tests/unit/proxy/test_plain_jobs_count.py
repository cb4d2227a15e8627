"""Counts of tokens asked of a target that speaks Anthropic's dialect."""

import orjson
import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.plain_jobs import CountJob
from translators.catalog import codec
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Mode

PROVIDER = Provider("beta", Dialect.ANTHROPIC_MESSAGES, "https://beta.test")
PROFILE = Profile(provider="beta", model="opus")
TARGET = Target(PROVIDER, PROFILE.model, PROFILE, BreakerSettings(), RetrySettings(), TimeoutSettings())
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "bad"}
SAID = {"type": "text", "text": "a"}


def job(*content):
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": list(content)}]
    return CountJob(codec(Dialect.ANTHROPIC_MESSAGES), {"model": "m", "messages": messages})


def test_thinking_that_was_not_accepted_is_left_out_of_the_count_and_told():
    asked = job(THOUGHT, SAID)
    mended = asked.repaired(TARGET, asked.prepare(TARGET), "reasoning")
    assert orjson.loads(mended.body)["messages"][1]["content"] == [SAID]
    assert mended.path == "/messages/count_tokens"
    assert [entry.field for entry in mended.report.entries] == ["reasoning"]
    assert mended.report.blocking(Mode.WARN) == []
    assert asked.repaired(TARGET, mended, "reasoning") is None


@pytest.mark.parametrize("repair", ["reasoning", "summary", "responses"])
def test_a_count_without_thinking_has_nothing_to_be_mended(repair):
    asked = job(SAID)
    assert asked.repaired(TARGET, asked.prepare(TARGET), repair) is None
