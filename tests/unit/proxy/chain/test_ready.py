"""Which key a target is called with, and why it cannot be called."""

import pytest

from proxy.chain.ready import Tools, key_for
from proxy.chain.verdict import Skip
from proxy.config.hidden import Secret
from proxy.config.profiles import profile_for
from proxy.config.values import Provider, ProviderKey, Target
from proxy.resilience.targets import Registry
from translators.ir import Dialect

NOW = 100.0


class Case:
    def __init__(self, *secrets: str, **more) -> None:
        keys = tuple(ProviderKey(f"env:{secret}", Secret(secret)) for secret in secrets)
        provider = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test", keys=keys, **more)
        self.target = Target(
            provider, "m", profile_for(provider, "m"), provider.breaker, provider.retry, provider.timeouts
        )
        self.registry = Registry(lambda: 0.0, b"k")
        self.state = self.registry.target(self.target, NOW)
        self.pool = self.registry.keys(provider)

    def key(self, headers=None, spent=()):
        tools = Tools(self.registry, None, None, None, None)
        return key_for(tools, self.target, self.state, headers or {}, NOW, spent)


def test_a_free_key_is_given_and_one_that_was_tried_is_not():
    case = Case("one", "two")
    first = case.key()
    second = case.key(spent={first.index})
    assert {first.secret.reveal(), second.secret.reveal()} == {"one", "two"}
    assert isinstance(case.key(spent={first.index, second.index}), Skip)


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({"authorization": "Bearer theirs", "x-api-key": "other"}, "theirs"),
        ({"authorization": "bearer  theirs "}, "theirs"),
        ({"x-api-key": "theirs"}, "theirs"),
        ({"authorization": "Basic abc"}, None),
        ({}, None),
    ],
)
def test_where_the_caller_brings_the_key_its_own_is_given(headers, secret):
    key = Case(client_key=True).key(headers)
    assert (key.secret.reveal() if key.secret else None) == secret
    assert (key.source, key.fingerprint) == ("client", "")


def test_a_target_that_is_full_busy_or_out_of_keys_says_so():
    full = Case("one", per_target=1)
    full.state.enter()
    assert (full.key().why, full.key().wait_s) == ("busy", 1.0)
    waits = Case("one")
    waits.state.throttle.block(NOW, 7.0, lambda: 0.0)
    assert (waits.key().why, waits.key().reason) == ("throttled", "asked to wait 7 s more")
    off = Case("one")
    off.pool.disable(off.key(), NOW, "auth")
    assert (off.key().why, off.key().reason) == ("keys", "every key of alpha is refused or out of quota")


def test_a_provider_whose_token_is_not_there_says_that():
    case = Case()
    case.pool.renew((ProviderKey("google:", None),))
    assert case.key().reason == "alpha has no token now"
