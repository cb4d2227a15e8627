"""What the tests of this dialect share: a target, and a request rendered for it."""

import pytest

from translators.anthropic_messages import render_request
from translators.ir import Message, Request, Text
from translators.profile import Profile


@pytest.fixture
def target():
    """A profile of a current model; fields may be overridden."""

    def make(**fields):
        known = {
            "vendor": "anthropic",
            "provider": "anthropic",
            "model": "claude-test",
            "max_output": 64_000,
            "temperature_max": 1.0,
            "thinking": "default",
            "efforts": ("low", "medium", "high", "xhigh", "max"),
            "prefill": False,
        }
        return Profile(**{**known, **fields})

    return make


@pytest.fixture
def user():
    return lambda text="Hi", **fields: Message("user", (Text(text),), **fields)


@pytest.fixture
def assistant():
    return lambda text="Hello", **fields: Message("assistant", (Text(text),), **fields)


@pytest.fixture
def system():
    return lambda text="Be brief.", **fields: Message("system", (Text(text),), **fields)


@pytest.fixture
def render(target, user):
    """Renders a request; gives the body and the report as {field: verdict}."""

    def run(*items, profile=None, **fields):
        request = Request(model="gpt-4o", items=items or (user(),), **{"max_output": 100, **fields})
        body, report = render_request(request, profile or target())
        return body, {entry.field: entry.verdict.value for entry in report.entries}

    return run
