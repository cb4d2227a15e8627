"""Who is told that a budget runs out, as a file says it."""

import pytest

from proxy.config.hidden import Secret
from proxy.config.load import load
from proxy.config.spending import AlertSettings

ENV = {"ALPHA_KEY": "a", "BETA_KEY": "b", "HOOK": "s3cret", "EMPTY": " "}


def test_without_a_word_the_log_alone_is_told(load_text):
    assert load_text("").config.spending.alerts == AlertSettings()


@pytest.mark.parametrize("url", ["https://hooks.example/a", "http://127.0.0.1:9/a", "http://hook.svc/a"])
def test_an_address_is_one_that_a_provider_could_have(load_text, url):
    text = f'[alerts]\nwebhook = "{url}"\nsecret = "env:HOOK"\n[server]\ncluster_hosts = ["hook.svc"]'
    assert load_text(text, env=ENV).config.spending.alerts == AlertSettings(url, Secret("s3cret"))


GOOD = 'webhook = "https://hooks.example"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('webhook = "http://hooks.example"\nsecret = "env:HOOK"', "webhook: must be https: hooks.example is neither"),
        ('webhook = "https://u:p@h.example"\nsecret = "env:HOOK"', "webhook: must not contain a user or password"),
        (GOOD, "secret: is missing: what is sent to the webhook is signed"),
        (GOOD + 'secret = "env:EMPTY"', "secret: environment variable EMPTY is empty"),
        (GOOD + 'secret = "env:NONE"', "secret: environment variable NONE is not set"),
        (GOOD + 'secret = ""', "secret: must be text of one line, and not empty"),
        (GOOD + 'secret = "s3cret"', 'secret: must be "env:NAME", "file:/path"'),
        ('secret = "env:HOOK"', "webhook: is missing: the secret signs"),
        ("webhok = 1", 'webhok: is not a known key; did you mean "webhook"?'),
    ],
)
def test_every_mistake_has_its_path_and_shows_no_secret(mistakes, text, message):
    [one] = mistakes(f"[alerts]\n{text}", env=ENV)
    assert one.startswith(f"config.toml: alerts.{message}") and "s3cret" not in one, one


def test_a_drill_needs_no_secret_and_tells_nobody(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text(
        f'[alerts]\n{GOOD}secret = "env:NONE"\n[providers.openai]\nvendor = "openai"\n'
        '[models."*"]\nchain = ["openai/*"]\n'
    )
    assert load(str(file), {}, offline=True).config.spending.alerts == AlertSettings()
