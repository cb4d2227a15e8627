"""The most that a call can use, by its body."""

import orjson
import pytest

from proxy.budgets.most import most_of
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Hosted
from proxy.jobs import ChatJob
from translators.catalog import codec
from translators.ir import Dialect
from translators.profile import Profile


def sent(fields, **profile) -> tuple[Target, bytes, dict]:
    return sent_at(Dialect.OPENAI_CHAT, fields, **profile)


def sent_at(dialect, fields, **profile) -> tuple[Target, bytes, dict]:
    provider = Provider("openai", dialect, "https://api.openai.com/v1")
    target = Target(provider, "m", Profile(**profile), BreakerSettings(), RetrySettings(), TimeoutSettings())
    return target, orjson.dumps(fields), fields


HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    ("fields", "profile", "output"),
    [
        ({"max_tokens": 10}, {}, 10),
        ({"max_completion_tokens": 10, "n": 3}, {}, 30),
        ({}, {"max_output": 4096}, 4096),
        ({}, {}, None),
    ],
)
def test_the_output_is_what_the_body_bounds_else_what_the_model_can(fields, profile, output):
    assert most_of(*sent({**HELLO, **fields}, **profile)).output == output


def test_the_input_is_at_least_its_bytes_and_at_most_the_window():
    assert most_of(*sent(HELLO)).input >= len(orjson.dumps(HELLO))
    assert (
        most_of(*sent({**HELLO, "messages": [{"role": "user", "content": "x" * 9000}]}, context_window=100)).input
        == 100
    )


def test_what_nothing_bounds_has_no_bound():
    picture = {"type": "file", "file": {"file_id": "file-1"}}
    assert (
        most_of(*sent({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [picture]}]})).output
        is None
    )


def test_vectors_are_no_output():
    assert most_of(*sent({"model": "m", "input": "hello"}), vectors=True).output == 0


def test_the_tier_of_service_goes_along():
    assert most_of(*sent({**HELLO, "service_tier": "priority"})).tier == "priority"


def test_what_the_provider_runs_goes_along_where_it_has_a_bound():
    search = {"type": "web_search", "max_uses": 2}
    body = {"max_tokens": 9, "tools": [search], **HELLO}
    found = most_of(*sent_at(Dialect.ANTHROPIC_MESSAGES, body, context_window=100))
    assert (found.input, found.output, found.hosted) == (300, 9, Hosted(2))
    assert most_of(*sent({**HELLO, "tools": [{"type": "function"}]}, context_window=90_000)).hosted is None
    assert most_of(*sent({**HELLO, "web_search_options": {}}, context_window=90_000)).hosted is not None
    for named in ({"model": "gpt-5-search-api"}, {"model": "prod", "lineage": "gpt-4o-search-preview"}):
        assert most_of(*sent(HELLO, **named, context_window=90_000)).hosted is not None


SAID = {"role": "user", "content": "hello"}


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (Dialect.OPENAI_CHAT, {"messages": [SAID], "web_search_options": {}}),
        (Dialect.OPENAI_RESPONSES, {"input": "hello", "tools": [{"type": "web_search"}]}),
        (
            Dialect.ANTHROPIC_MESSAGES,
            {"messages": [SAID], "max_tokens": 9, "tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        ),
        (Dialect.GEMINI, {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "tools": [{"googleSearch": {}}]}),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
@pytest.mark.parametrize("asked", Dialect)
def test_a_search_of_the_web_is_never_free_whoever_asks_for_it_and_whoever_is_asked(dialect, body, asked):
    """At whichever target takes it: it counts as charged for there."""
    if asked is Dialect.OPENAI_COMPLETIONS:
        return  # which has no tools
    target, _, _ = sent_at(asked, {}, vendor="openai", model="m", context_window=90_000, max_output=50)
    job = ChatJob(codec(dialect), {"model": "m", **body}, stream=False, usage=True, bound=None)
    prepared = job.prepare(target)
    most = most_of(prepared.target, prepared.body, prepared.fields)
    assert most.hosted is not None
