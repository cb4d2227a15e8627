"""Each fault of the menu is what it says, to a target of every dialect."""

import argparse

import pytest

from proxy.cli.drill import FAULT, FAULTS, add
from proxy.drill.exercise.menu import CASES, USUAL, Severity
from proxy.drill.load import ask, once
from proxy.drill.provider import ScriptedProvider
from translators.catalog import PROVIDERS, codec
from translators.faults import Kind
from translators.ir import Dialect
from translators.profile import Profile

SEVERITY = Severity(patience_s=1.0, retry_after_s=2.5)
KINDS = {
    "429": Kind.THROTTLED,
    "500": Kind.SERVER,
    "503": Kind.SERVER,
    "529": Kind.OVERLOADED,
    "quota": Kind.QUOTA,
    "auth": Kind.AUTH,
}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
REQUESTS = {
    Dialect.OPENAI_CHAT: ("/chat/completions", CHAT),
    Dialect.OPENAI_RESPONSES: ("/responses", {"model": "m", "input": "Hi"}),
    Dialect.ANTHROPIC_MESSAGES: ("/messages", CHAT | {"max_tokens": 9}),
    Dialect.GEMINI: ("/models/m:generateContent", {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
}
HEADERS = {"anthropic-version": "2023-06-01", "x-goog-api-key": "k"}


@pytest.mark.parametrize("dialect", PROVIDERS)
@pytest.mark.parametrize("name", KINDS)
async def test_an_error_is_read_as_the_kind_that_it_stands_for(name, dialect):
    async with ScriptedProvider("a", dialect, CASES[name].script(SEVERITY)) as provider:
        told = await once(provider.base_url, *REQUESTS[dialect], HEADERS)
    fault = codec(dialect).parse_fault(told.status, told.body, Profile())
    allowed = {KINDS[name], Kind.OVERLOADED} if name == "503" else {KINDS[name]}
    assert fault.kind in allowed, told.body


@pytest.mark.parametrize("dialect", PROVIDERS)
async def test_a_rate_limit_says_how_long_in_every_dialect(dialect):
    async with ScriptedProvider("a", dialect, CASES["429"].script(SEVERITY)) as provider:
        told = await once(provider.base_url, *REQUESTS[dialect], HEADERS)
    assert told.headers["retry-after-ms"] == "2500"


def test_the_command_offers_what_the_menu_has():
    """It lists the names itself, since its help imports nothing. What is not said differs from what is, for --all."""
    commands = argparse.ArgumentParser().add_subparsers()
    add(commands)
    assert tuple(CASES) == FAULTS
    assert commands.choices["drill"].parse_args([]).fault is None
    assert FAULT == USUAL


def test_a_fault_that_the_breaker_never_hears_of_says_what_takes_the_target_out():
    assert {name for name, case in CASES.items() if case.effect != "breaker"} == {"429", "quota", "auth", "slow"}


@pytest.mark.parametrize("kind", ["unary", "stream"])
async def test_a_provider_is_slow_within_the_time_it_has(kind):
    async with ScriptedProvider("a", Dialect.OPENAI_CHAT, CASES["slow"].script(Severity(0.3, 1.0))) as provider:
        result = await ask(provider.base_url, kind)
    assert result.ok
    assert 0.1 <= (result.first_token_s or result.seconds) < 0.3
