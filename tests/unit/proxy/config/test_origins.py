"""Each setting knows who set it: nobody, the file's top level, the provider, the model."""

import tomllib

from proxy.config.origins import Origins, origins_of
from proxy.config.profiles import profile_for, vendor_of
from proxy.routing.resolve import Router

FILE = """
[retry]
base_s = 0.5
[timeouts]
progress_s = 20
connect_s = 4
[providers.alpha]
dialect = "openai-chat"
base_url = "https://alpha.example/v1"
[providers.alpha.timeouts]
connect_s = 3
idle_s = 50
[providers.alpha.health]
active = true
[providers.beta]
dialect = "openai-chat"
base_url = "https://beta.example/v1"
[models.m]
chain = ["alpha/x", "beta/x"]
[models.m.timeouts]
idle_s = 40
[models.m.breaker]
open_s = 7
"""


def effective(load_text, provider):
    loaded = load_text(FILE, base="")
    found = Router(loaded.config, profile_for, vendor_of).chat("m")
    [target] = [one for one in found.targets if one.provider.name == provider]
    settings = loaded.origins.effective(target, found.route)
    return {
        f"{section}.{name}": (one.value, one.origin)
        for section, values in settings.items()
        for name, one in values.items()
    }


def test_the_nearest_that_says_it_is_named(load_text):
    found = effective(load_text, "alpha")
    assert found["timeouts.idle_s"] == (40, "model")
    assert found["timeouts.connect_s"] == (3, "provider")
    assert found["timeouts.progress_s"] == (20, "top level")
    assert found["timeouts.pool_s"] == (1, "default")
    assert found["breaker.open_s"] == (7, "model")
    assert found["health.active"] == (True, "provider")
    assert found["health.interval_s"] == (10, "default")
    assert effective(load_text, "beta")["timeouts.connect_s"] == (4, "top level")


def test_what_repeats_a_default_is_said_all_the_same(load_text):
    assert effective(load_text, "alpha")["retry.base_s"] == (0.5, "top level")


def test_every_setting_of_every_section_is_there(load_text):
    found = effective(load_text, "beta")
    assert {name.partition(".")[0] for name in found} == {"timeouts", "retry", "breaker", "health"}
    assert len(found) == 8 + 8 + 7 + 2


def test_without_a_file_nobody_set_anything():
    assert origins_of({}) == Origins()
    assert origins_of(tomllib.loads("[providers.a]\nkeys = []\n[breaker]\nopen_s = 1")) == Origins(
        frozenset({("breaker", "open_s")})
    )
