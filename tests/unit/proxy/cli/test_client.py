"""`sidestep explain --client`: what a client may ask for, what limits it, and what of that is left."""

import json

import pytest

from proxy.budgets.shown import read
from proxy.cli import client, main

CONFIG = """
[clients.app]
key_sha256 = ["73430a55a1f7d541a0c61a7e86bf0b319dc5adea667d64fc02035f54ac6d6557"]
team = "research"
speaks_for = ["user"]
models = ["gpt-4o"]
providers = ["openai"]
max_cost_per_request_usd = 0.5
[clients.free]
key_sha256 = ["83430a55a1f7d541a0c61a7e86bf0b319dc5adea667d64fc02035f54ac6d6557"]
[[budgets]]
name = "users"
scope = {team = "research", user = "*"}
unit = "usd"
amount = 5
window = "day"
when_spent = "downgrade"
downgrade_to = "gpt-4o"
downgrade_from = 0.8
[[budgets]]
name = "each"
scope = {client = "app", provider = "*"}
unit = "tokens"
amount = 100
window = "hour"
mode = "soft"
[[budgets]]
name = "others"
scope = {client = "free"}
unit = "usd"
amount = 5
window = "day"
[[rates]]
name = "pace"
scope = {user = "*"}
requests_per_minute = 20
concurrent = 4
[providers.openai]
base_url = "https://api.openai.com/v1"
dialect = "openai-chat"
keys = ["env:OPENAI_API_KEY"]
[models.gpt-4o]
chain = ["openai/gpt-4o"]
"""
NOW = {
    "budget": "users", "scope": {"team": "research", "user": "ann"}, "unit": "usd", "limit": "5", "spent": "1.5",
    "reserved": "0", "lost": "1", "fraction": 0.3, "window": "day", "window_end": "2026-11-22T00:00:00Z",
    "mode": "hard", "when_spent": "downgrade",
}  # fmt: skip
BOB = NOW | {"scope": {"team": "research", "user": "bob"}}
AT = {"budget": "each", "scope": {"client": "app", "provider": "openai"}, "unit": "tokens", "limit": 100, "spent": 7}
PAGE = json.dumps({"budgets": [NOW, BOB, NOW | AT | {"lost": 0, "reserved": 0}], "store": "ok"}).encode()


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(CONFIG)
    return str(path)


def told(capsys, *args):
    assert main(["explain", *args]) == 0
    return capsys.readouterr().out


def test_it_tells_what_is_open_to_a_client_and_what_limits_it(capsys, config):
    assert told(capsys, "--client", "app", "--user", "ann", "--config", config).splitlines() == [
        "app: user ann, team research",
        "  may speak for  user",
        "  models         gpt-4o",
        "  providers      openai",
        "  a request      0.5 USD at most",
        "budgets",
        "  users (team research, user ann): 5 USD a day, hard; when spent: gpt-4o from 80% on",
        "  each (client app, each provider): 100 tokens a hour, soft; when spent: reject",
        "rates",
        "  pace (user ann): 20 requests a minute, 4 at once",
    ]


def test_who_is_bounded_by_little_is_told_so(capsys, config):
    out = told(capsys, "--client", "free", "--config", config)
    assert "  models         any\n  providers      any\nbudgets\n  others (client free)" in out
    assert "free: of no team\n  may speak for  nobody else\n" in out


def test_a_running_proxy_tells_what_is_left_of_ones_own(capsys, config, monkeypatch):
    monkeypatch.setattr(client, "page", lambda url, token: read(PAGE))
    args = ("--client", "app", "--user", "ann", "--config", config, "--admin", "http://127.0.0.1:4601")
    out = told(capsys, *args)
    lost = "1.5 spent, 0 reserved, 1 lost with processes that died"
    assert f"    team research, user ann: 2.5 USD left until 2026-11-22T00:00:00Z ({lost})\n" in out
    assert "    client app, provider openai: 93 tokens left until" in out
    assert "bob" not in out
    found = json.loads(told(capsys, *args, "--json"))
    assert [[one["left"] for one in budget["now"]] for budget in found["budgets"]] == [["2.5"], [93]]
    assert found["models"] == ["gpt-4o"] and found["store"] == "ok"
    nobody = told(capsys, "--client", "app", "--user", "eve", *args[4:])
    assert "    nobody has spent of it of late by the proxy that was asked\n" in nobody


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["--client", "nope"], "there is no client 'nope'; known: app, free"),
        (["--client", "app", "--team", "x"], 'add "team" to [clients.app] speaks_for'),
        (["--client", "app", "--model", "gpt-4o"], "leave --model, --file and --path away"),
        (["--team", "x", "--model", "gpt-4o"], "--team is for --client"),
    ],
)
def test_what_cannot_be_told_is_wrong_usage(capsys, config, args, why):
    assert main(["explain", *args, "--config", config]) == 2
    assert why in capsys.readouterr().err
