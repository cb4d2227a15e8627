"""Numbers and flags have ranges, and each level overrides the one above."""

import pytest
from msgspec import structs

from proxy.config.settings import RANGES
from proxy.config.values import BreakerSettings, HealthSettings, LimitSettings, RetrySettings, TimeoutSettings

SECTIONS = {
    "breaker": BreakerSettings,
    "retry": RetrySettings,
    "timeouts": TimeoutSettings,
    "limits": LimitSettings,
    "health": HealthSettings,
}
FIELDS = [(section, field) for section, kind in SECTIONS.items() for field in structs.fields(kind)]


@pytest.mark.parametrize(("section", "field"), FIELDS, ids=lambda value: getattr(value, "name", value))
def test_every_setting_refuses_what_is_no_number_or_out_of_range(mistakes, section, field):
    """Each has a range; text, true, nan, inf and negative numbers are told with the setting's path."""
    wrong = ['"5"', "1979-05-27"] if field.type is bool else ['"5"', "true", "nan", "inf", "-1", "1e300", "[5]"]
    for value in wrong:
        [told] = mistakes(f"[{section}]\n{field.name} = {value}")
        assert told.startswith(f"config.toml: {section}.{field.name}: must be "), told


@pytest.mark.parametrize(("section", "field"), FIELDS, ids=lambda value: getattr(value, "name", value))
def test_every_default_is_within_its_range(load_text, section, field):
    value = str(field.default).lower()
    load_text(f"[{section}]\n{field.name} = {value}")


def test_the_ranges_name_every_number_and_nothing_else():
    for kind, ranges in RANGES.items():
        assert set(ranges) == {field.name for field in structs.fields(kind) if field.type is not bool}


def test_whole_numbers_serve_as_seconds_but_fractions_not_as_counts(load_text, mistakes):
    settings = load_text("[breaker]\nopen_s = 7").config.providers["alpha"].breaker
    assert settings.open_s == 7.0
    assert isinstance(settings.open_s, float)
    assert mistakes("[breaker]\nconsecutive_failures = 5.0") == [
        "config.toml: breaker.consecutive_failures: must be a whole number, not a number"
    ]


def test_providers_inherit_and_override(load_text):
    text = """
[breaker]
open_s = 10
[timeouts]
progress_s = 20
[limits]
per_target = 7
[providers.gamma]
dialect = "openai-chat"
base_url = "https://gamma.example/v1"
per_target = 0
breaker = {consecutive_failures = 2}
timeouts = {progress_s = 25}
retry = {attempts_per_target = 1}
"""
    config = load_text(text).config
    providers = config.providers
    assert config.timeouts.progress_s == 20
    assert providers["alpha"].breaker == BreakerSettings(open_s=10)
    assert providers["gamma"].breaker == BreakerSettings(open_s=10, consecutive_failures=2)
    assert (providers["alpha"].timeouts.progress_s, providers["gamma"].timeouts.progress_s) == (20, 25)
    assert (providers["alpha"].retry.attempts_per_target, providers["gamma"].retry.attempts_per_target) == (3, 1)
    assert (providers["alpha"].per_target, providers["gamma"].per_target) == (7, 0)


def test_models_keep_only_what_they_override(load_text):
    text = """
[models.fast]
chain = ["alpha/small"]
timeouts = {deadline_s = 20, progress_s = 5}
retry = {max_total_attempts = 2}
breaker = {jitter = 0}
"""
    route = load_text(text).config.models["fast"]
    assert route.timeouts == {"deadline_s": 20.0, "progress_s": 5.0}
    assert route.retry == {"max_total_attempts": 2}
    assert route.breaker == {"jitter": 0.0}


@pytest.mark.parametrize(("section", "name"), [("retry", "max_total_attempts"), ("timeouts", "deadline_s")])
def test_what_belongs_to_a_whole_chain_is_not_set_on_a_provider(mistakes, section, name):
    text = f'[providers.gamma]\ndialect = "openai-chat"\nbase_url = "https://gamma.example"\n{section} = {{{name} = 3}}'
    assert mistakes(text) == [
        (
            f"config.toml: providers.gamma.{section}.{name}: belongs to a whole chain: set it at the top level or "
            'under [models."NAME"]'
        )
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[breaker]\nopen_max_s = 10", "breaker.open_max_s: must not be less than open_s: 10 is less than 30"),
        ("[retry]\ncap_s = 0.1", "retry.cap_s: must not be less than base_s: 0.1 is less than 0.5"),
        (
            "[limits]\nbuffered_bytes = 2048",
            "limits.buffered_bytes: must not be less than body_bytes: 2048 is less than 33554432",
        ),
        ("[limits]\nbody_idle_s = 40", "limits.body_total_s: must not be less than body_idle_s: 30 is less than 40"),
        (
            '[models.m]\nchain = ["alpha/m", "beta/m"]\nbreaker = {open_s = 400}',
            "models.m.breaker.open_max_s: must not be less than open_s: 300 is less than 400",
        ),
    ],
)
def test_pairs_stay_in_order_at_every_level(mistakes, text, message):
    assert mistakes(text) == [f"config.toml: {message}"]


@pytest.mark.parametrize("name", ["watch", "active"])
def test_flags_are_read(load_text, name):
    section = {"watch": "server", "active": "health"}[name]
    config = load_text(f"[{section}]\n{name} = true").config
    assert getattr(getattr(config, section), name) is True
