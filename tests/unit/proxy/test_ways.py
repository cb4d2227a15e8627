"""By which of its APIs a target is asked."""

import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.ways import TAUGHT_CAP, Taught, asked_in, way
from translators import catalog
from translators.ir import Dialect
from translators.profile import Profile

CHAT, MESSAGES = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES
RESPONSES, COMPLETIONS = Dialect.OPENAI_RESPONSES, Dialect.OPENAI_COMPLETIONS


def target(dialect: Dialect = CHAT, model: str = "m", **profile) -> Target:
    provider = Provider("alpha", dialect, "https://alpha.test")
    settings = BreakerSettings(), RetrySettings(), TimeoutSettings()
    return Target(provider, model, Profile(provider="alpha", model=model, **profile), *settings)


@pytest.mark.parametrize(
    ("client", "responses", "tools", "chosen"),
    [
        (CHAT, "none", True, CHAT),
        (CHAT, "available", True, CHAT),
        (CHAT, "tools", False, CHAT),
        (CHAT, "tools", True, RESPONSES),
        (CHAT, "only", False, RESPONSES),
        (MESSAGES, "available", False, CHAT),
        (MESSAGES, "tools", True, RESPONSES),
        (RESPONSES, "none", False, CHAT),
        (RESPONSES, "available", False, RESPONSES),
        (RESPONSES, "tools", False, RESPONSES),
        (COMPLETIONS, "none", False, CHAT),
        (COMPLETIONS, "only", False, RESPONSES),
    ],
)
def test_an_openai_server_is_asked_by_the_api_that_takes_the_request(client, responses, tools, chosen):
    assert way(client, target(), responses, tools=tools) is chosen


def test_completions_go_natively_where_the_model_has_them():
    assert way(COMPLETIONS, target(completions=True), "available", tools=False) is COMPLETIONS
    assert way(CHAT, target(completions=True), "none", tools=False) is CHAT


@pytest.mark.parametrize("own", [one for one in catalog.PROVIDERS if one is not CHAT])
@pytest.mark.parametrize("client", list(Dialect))
def test_any_other_server_is_asked_in_its_own_dialect(own, client):
    assert way(client, target(own, completions=True), "only", tools=True) is own


def test_the_target_stays_the_same_but_for_its_dialect():
    made = target()
    assert asked_in(made, CHAT) is made
    other = asked_in(made, RESPONSES)
    assert (other.provider.dialect, other.key, other.name) == (RESPONSES, made.key, made.name)
    assert other.profile is made.profile


def test_what_a_target_says_of_itself_is_remembered_for_it_alone():
    taught, one, two = Taught(), target(model="one"), target(model="two", responses="available")
    taught.learn(one, tools=True)
    assert (taught.of(one), taught.of(two)) == ("tools", "available")
    taught.learn(one, tools=False)
    taught.learn(one, tools=True)
    assert taught.of(one) == "only"


def test_what_is_remembered_is_bounded():
    taught = Taught()
    for number in range(TAUGHT_CAP + 10):
        taught.learn(target(model=f"m{number}"), tools=True)
    assert taught.of(target(model="m0")) == "none"
    assert taught.of(target(model=f"m{TAUGHT_CAP + 9}")) == "tools"
