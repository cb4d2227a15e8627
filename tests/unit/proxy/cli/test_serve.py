"""The start-up lines say what serves, where, and what to try, and never a key."""

import pytest
from msgspec import structs

from proxy.cli.serve import DEMO_NOTICE, lines
from proxy.config.load import load
from proxy.config.values import Client, Config

ENV = {
    "OPENAI_API_KEY": "sk-canary-1",
    "ANTHROPIC_API_KEY": "sk-canary-2",
    "OPENAI_MODEL": "gpt-x",
    "ANTHROPIC_MODEL": "claude-x",
}
DATA, ADMIN = "http://127.0.0.1:4600", "http://127.0.0.1:4601"


@pytest.fixture
def config() -> Config:
    return load(None, ENV).config


def test_the_lines_say_providers_chain_addresses_and_a_call_to_try(config):
    assert list(lines(config, ["beware"], DATA, ADMIN)) == [
        "warning: beware",
        "provider openai: openai-chat at https://api.openai.com/v1, key from env:OPENAI_API_KEY",
        "provider anthropic: anthropic-messages at https://api.anthropic.com/v1, key from env:ANTHROPIC_API_KEY",
        "chain *: openai/* (else gpt-x) -> anthropic/* (else claude-x)",
        "clients: anyone on this machine",
        "serving http://127.0.0.1:4600/v1, admin http://127.0.0.1:4601, configured by the environment",
        (
            "try: curl -i http://127.0.0.1:4600/v1/chat/completions -H 'content-type: application/json' "
            '-d \'{"model": "gpt-x", "messages": [{"role": "user", "content": "Say hello."}]}\''
        ),
    ]


def test_no_key_is_printed(config):
    assert "canary" not in "\n".join(lines(config, (), DATA, ADMIN))


def test_the_demo_says_so_first_and_loudly(config):
    demo = structs.replace(config, demo=True)
    first = next(lines(demo, (), DATA, ADMIN))
    assert first == DEMO_NOTICE
    assert first.startswith("DEMO: ")
    assert any(line.endswith("configured by --demo-without-keys") for line in lines(demo, (), DATA, ADMIN))


def test_with_clients_the_call_to_try_carries_a_key(config):
    closed = structs.replace(config, clients={"app": Client("app", ("ab" * 32,))})
    told = list(lines(closed, (), DATA, ADMIN))
    assert "clients: app" in told
    assert "-H 'authorization: Bearer YOUR-SIDESTEP-KEY'" in told[-1]


def test_the_call_to_try_names_a_model_that_is_served(config):
    named = structs.replace(config.models["*"], name="fast")
    told = list(lines(structs.replace(config, models={"fast": named}), (), DATA, ADMIN))
    assert '"model": "fast"' in told[-1]
