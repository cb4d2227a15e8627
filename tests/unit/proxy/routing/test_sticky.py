import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.routing.sticky import headed, place_of
from translators.ir import Dialect
from translators.profile import Profile


def target(provider, model, **profile):
    block = Provider(provider, Dialect.OPENAI_CHAT, "https://p.test")
    row = Profile(provider=provider, model=model, **profile)
    return Target(block, model, row, BreakerSettings(), RetrySettings(), TimeoutSettings())


CHAIN = (target("alpha", "large"), target("beta", "small", lineage="fish"), target("beta", "large"))


@pytest.mark.parametrize(
    ("origin", "place"),
    [
        ("openai-chat|alpha|large|", 0),
        ("openai-responses|alpha|large|", 0),
        ("openai-chat|beta|fish|", 1),
        ("openai-chat|beta|large|", 2),
        ("openai-chat|beta|small|", None),
        ("openai-chat|gamma|large|", None),
        ("openai-chat|alpha|large|other", None),
        ("", None),
    ],
)
def test_a_target_is_found_by_what_its_blobs_say(origin, place):
    assert place_of(CHAIN, origin) == place


def test_the_one_it_stays_with_goes_first_and_the_others_keep_their_order():
    assert [one.name for one in headed(CHAIN, 2)] == ["beta/large", "alpha/large", "beta/small"]
