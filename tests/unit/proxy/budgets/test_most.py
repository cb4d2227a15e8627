"""The most that a call can use, by its body."""

import orjson
import pytest

from proxy.budgets.most import most_of
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Hosted
from proxy.jobs import Prepared
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Report


def prepared(fields, **profile) -> Prepared:
    return prepared_at(Dialect.OPENAI_CHAT, fields, **profile)


def prepared_at(dialect, fields, **profile) -> Prepared:
    provider = Provider("openai", dialect, "https://api.openai.com/v1")
    target = Target(provider, "m", Profile(**profile), BreakerSettings(), RetrySettings(), TimeoutSettings())
    return Prepared(orjson.dumps(fields), fields, "/x", Report(), translated=False, stream=False, target=target)


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
    assert most_of(prepared({**HELLO, **fields}, **profile)).output == output


def test_the_input_is_at_least_its_bytes_and_at_most_the_window():
    assert most_of(prepared(HELLO)).input >= len(orjson.dumps(HELLO))
    assert (
        most_of(prepared({**HELLO, "messages": [{"role": "user", "content": "x" * 9000}]}, context_window=100)).input
        == 100
    )


def test_what_nothing_bounds_has_no_bound():
    picture = {"type": "file", "file": {"file_id": "file-1"}}
    assert (
        most_of(prepared({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [picture]}]})).output
        is None
    )


def test_vectors_are_no_output():
    assert most_of(prepared({"model": "m", "input": "hello"}), vectors=True).output == 0


def test_the_tier_of_service_goes_along():
    assert most_of(prepared({**HELLO, "service_tier": "priority"})).tier == "priority"


def test_what_the_provider_runs_goes_along_where_it_has_a_bound():
    search = {"type": "web_search", "max_uses": 2}
    body = {"max_tokens": 9, "tools": [search], **HELLO}
    found = most_of(prepared_at(Dialect.ANTHROPIC_MESSAGES, body, context_window=100))
    assert (found.input, found.output, found.hosted) == (300, 9, Hosted(2))
    assert most_of(prepared({**HELLO, "tools": [{"type": "function"}]}, context_window=90_000)).hosted is None
    assert most_of(prepared({**HELLO, "web_search_options": {}}, context_window=90_000)).hosted is not None
    assert most_of(prepared(HELLO, model="gpt-5-search-api", context_window=90_000)).hosted is not None
