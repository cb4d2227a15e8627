"""Targets know what they are called."""

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from translators.ir import Dialect
from translators.profile import Profile


def test_a_target_is_named_by_provider_and_model_and_keyed_by_address_too():
    """Two addresses of one name are two things that fail apart."""
    provider = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.example/v1")
    target = Target(provider, "org/m", Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings())
    assert target.name == "alpha/org/m"
    assert target.key == ("alpha", "https://alpha.example/v1", "org/m")
