"""`check` prints the resolved stack without keys, or every mistake."""

import json
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.cli.check import recording

CANARY = "sk-canary-0123456789"
TEXT = f"""
[server]
listen = "127.0.0.1:4700"
[breaker]
open_s = 11
[health]
active = true
[clients.app]
key_sha256 = ["{"ab" * 32}"]
[passthrough]
provider = "alpha"
paths = ["/v1/files/*", "/v1/moderations"]
[providers.alpha]
dialect = "openai-chat"
base_url = "https://alpha.example/v1"
keys = ["env:ALPHA_KEY"]
headers = {{x-team = "{CANARY}"}}
breaker = {{consecutive_failures = 2}}
health = {{interval_s = 5}}
profile = {{context_window = 8000, upstream_stream = false, rejects = ["seed", "logprobs"]}}
[providers.alpha.models.small]
max_output = 900
requires = {{reasoning = {{split = true}}}}
[providers.beta]
dialect = "anthropic-messages"
base_url = "https://beta.example"
keys = ["env:BETA_KEY"]
default_model = "claude-x"
[models.fast]
chain = ["alpha/small", "beta/tiny"]
defaults = {{temperature = 0.5}}
timeouts = {{deadline_s = 20, progress_s = 5}}
retry = {{max_total_attempts = 4}}
[models."*"]
chain = ["alpha/*", "beta/*"]
[embeddings.docs]
chain = ["alpha/e3"]
dimensions = 256
"""


@pytest.fixture
def shown(tmp_path, monkeypatch, capsys):
    """What `check` prints of the text above."""
    (tmp_path / "c.toml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALPHA_KEY", CANARY)
    monkeypatch.setenv("BETA_KEY", CANARY)

    def run(*args: str) -> str:
        assert main(["check", "--config", "c.toml", *args]) == 0
        return capsys.readouterr().out

    return run


def test_json_has_the_whole_stack(shown):
    stack = json.loads(shown("--json"))
    assert stack["source"] == "c.toml"
    assert stack["server"]["listen"] == "127.0.0.1:4700"
    assert [(one["name"], one["keys"], one["mode"]) for one in stack["clients"]] == [("app", ["abababab"], None)]
    alpha = stack["providers"][0]
    assert alpha["keys"] == ["env:ALPHA_KEY"]
    assert alpha["headers"] == ["x-team"]
    assert alpha["profile"] == {"context_window": 8000, "upstream_stream": False, "rejects": ["logprobs", "seed"]}
    assert alpha["models"] == {"small": {"max_output": 900, "requires": {"reasoning": {"split": True}}}}
    assert alpha["health"] == {"active": True, "interval_s": 5}
    assert stack["passthrough"] == {"provider": "alpha", "paths": ["/v1/files/*", "/v1/moderations"]}
    assert stack["embeddings"][0]["chain"][0]["target"] == "alpha/e3"
    assert set(stack) == {
        "source", "demo", "server", "admin", "providers", "models", "embeddings", "clients", "limits", "health",
        "warnings", "defaults", "passthrough", "telemetry", "record", "spending", "selection",
    }  # fmt: skip


def test_each_target_shows_what_holds_there(shown):
    """The model's settings over the provider's over the defaults, and its share of the attempts."""
    fast = json.loads(shown("--json"))["models"][0]
    assert (fast["deadline_s"], fast["total_attempts"], fast["defaults"]) == (20, 4, {"temperature": 0.5})
    alpha, beta = fast["chain"]
    assert (alpha["target"], alpha["attempts"], beta["target"], beta["attempts"]) == ("alpha/small", 3, "beta/tiny", 1)
    assert (alpha["breaker"]["consecutive_failures"], alpha["breaker"]["open_s"]) == (2, 11)
    assert (beta["breaker"]["consecutive_failures"], beta["breaker"]["open_s"]) == (5, 11)
    assert alpha["timeouts"]["progress_s"] == 5
    assert alpha["context_window"] == 8000


def test_the_text_has_what_a_person_looks_for(shown):
    text = shown()
    assert "data port      127.0.0.1:4700" in text
    assert "passthrough    to alpha: /v1/files/* /v1/moderations\n" in text
    assert "keys     env:ALPHA_KEY\n" in text
    assert '  "fast": deadline 20 s, at most 4 attempts, mode warn, default temperature=0.5\n' in text
    assert "    1. alpha/small: openai-chat, 8000 context, 900 output, 3 attempts\n" in text
    assert '    profile  context_window=8000 rejects=["logprobs","seed"] upstream_stream=false\n' in text
    assert '    models   "small": max_output=900 requires={"reasoning":{"split":true}}\n' in text
    assert "health         active=true interval_s=10\n" in text
    assert "rates          none\nalerts         in the log\n" in text
    assert text.count("    health   active=true interval_s=5\n") == 1, "of the provider that says something else"
    assert "    2. beta/claude-x: anthropic-messages, 3 attempts\n" in text
    assert "       breaker consecutive_failures=2 open_s=11\n" in text
    assert "\n  retry    attempts_per_target=3 max_total_attempts=6 " in text


UNUSUAL = f"""
[server]
watch = true
cluster_hosts = ["a.svc"]
refresh_capabilities = false
[clients.app]
key_sha256 = ["{"ab" * 32}"]
mode = "strict"
models = ["fast"]
providers = ["alpha"]
team = "web"
tags = {{cost = "7"}}
speaks_for = ["user", "task"]
max_cost_per_request_usd = 0.25
[alerts]
webhook = "http://a.svc/alerts"
secret = "file:secret"
[[rates]]
name = "users"
scope = {{user = "*", client = "app"}}
requests_per_minute = 60
concurrent = 3
[[rates]]
name = "whole"
tokens_per_minute = 9000
[providers.alpha]
dialect = "openai-chat"
base_url = "http://a.svc/v1"
keys = []
[models.fast]
chain = ["alpha/small"]
fan_out = true
sticky = "none"
order = "free_first"
affinity = "session"
free = {{"alpha/small" = {{requests_per_day = 9, tokens_per_minute = 7}}}}
failover_on_content = true
[embeddings.docs]
chain = ["alpha/e3", "alpha/e3-small"]
same_space = "both are e3"
order = "weighted"
weights = {{"alpha/e3" = 3}}
"""


def test_the_text_has_what_is_not_as_usual(sidestep, tmp_path):
    (tmp_path / "c.toml").write_text(UNUSUAL)
    (tmp_path / "secret").write_text(CANARY)
    text = sidestep("check", "--config", "c.toml").stdout
    assert "(engine native, drain 60 s, follows its file)\n" in text
    assert (
        "clients        app (abababab, mode strict, team web, models fast, providers alpha, speaks for user task, "
        "at most 0.25 USD a request, cost=7)\n"
    ) in text
    assert (
        "rates          users (client app, each user): 60 requests a minute, 3 at once; "
        "whole (all): 9000 tokens a minute\n"
    ) in text
    assert "alerts         in the log, and to http://a.svc/alerts, signed\n" in text and CANARY not in text
    assert "without TLS    a.svc\ncapabilities   not asked for\n" in text
    assert '"fast": deadline 600 s, at most 3 attempts, mode warn, fails over on content refusals, ' in text
    assert (
        "fans out, tool loops do not stay, order free_first, "
        "free alpha/small requests_per_day=9 tokens_per_minute=7, stays by session\n"
    ) in text
    assert "order weighted alpha/e3=3, same space: both are e3\n" in text


@pytest.mark.parametrize("args", [[], ["--json"]])
def test_no_secret_is_printed(shown, args):
    """Neither keys nor the values of headers."""
    assert CANARY not in shown(*args)


def test_mistakes_are_told_each_on_a_line_with_code_1(sidestep, tmp_path):
    (tmp_path / "c.toml").write_text("a = 1\nb = 2\n")
    done = sidestep("check", "--config", "c.toml")
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(": ")[2] for line in done.stderr.splitlines()] == ["a", "b", "providers", "models"]


def test_with_json_mistakes_are_data_too(sidestep, tmp_path):
    """Beside the lines, which go to standard error all the same."""
    (tmp_path / "c.toml").write_text("a = 1\n[models.m]\nchain = []\n")
    done = sidestep("check", "--config", "c.toml", "--json")
    lines = [f"sidestep: {line}" for line in json.loads(done.stdout)["errors"]]
    assert (done.returncode, done.stderr.splitlines()) == (1, lines)
    assert len(lines) == 3


def test_the_environment_can_be_checked_too(sidestep):
    done = sidestep("check", env={"OPENAI_API_KEY": CANARY, "ANTHROPIC_API_KEY": CANARY})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("configuration  environment\n")
    assert "1. openai/*" in done.stdout
    assert "passthrough    to openai: /v1/audio/* /v1/batches/* " in done.stdout
    assert CANARY not in done.stdout


def test_where_nothing_passes_through_it_says_so(sidestep):
    assert (
        "passthrough    none\n" in sidestep("check", env={"AI_PROVIDER": "anthropic", "ANTHROPIC_API_KEY": "k"}).stdout
    )


def test_the_example_file_checks(sidestep):
    root = Path(__file__).parents[4]
    env = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AZURE_OPENAI_API_KEY", "DEEPSEEK_API_KEY"), "k")
    done = sidestep("check", "--config", str(root / "config.toml"), env=env)
    assert (done.returncode, done.stderr) == (0, "")


ALONE = "there is no failover, openai serves alone: set AI_FALLBACK_PROVIDER=anthropic and ANTHROPIC_API_KEY"


def test_a_provider_that_serves_alone_is_warned_of_as_at_the_start(sidestep):
    """Whoever checks before starting should not learn it only then."""
    alone = {"OPENAI_API_KEY": CANARY}
    assert f"\nwarnings\n  {ALONE}" in sidestep("check", env=alone).stdout
    (told,) = json.loads(sidestep("check", "--json", env=alone).stdout)["warnings"]
    assert told.startswith(ALONE)
    assert "warnings" not in sidestep("check", env=alone | {"AI_FALLBACK_ENABLED": "false"}).stdout


def test_warnings_are_shown(shown, monkeypatch):
    monkeypatch.setenv("AI_PROVIDER", "openai")
    assert "\nwarnings\n  AI_PROVIDER and AI_FALLBACK_PROVIDER are not read: c.toml says" in shown()


def test_a_limit_of_dollars_over_targets_without_a_price_is_warned_of(sidestep, tmp_path):
    path = tmp_path / "b.toml"
    path.write_text(
        '[providers.a]\ndialect = "openai-chat"\nbase_url = "https://a.test/v1"\nkeys = []\n[models.m]\n'
        'chain = ["a/x"]\n[ledger]\nurl = "memory:"\n'
        '[[budgets]]\nname = "day"\nunit = "usd"\namount = 5\nwindow = "day"\n'
    )
    told = sidestep("check", "--config", str(path)).stdout
    assert '\nwarnings\n  no price is known for a/x, so budget "day" will refuse it' in told


def test_what_is_recorded_is_told():
    assert recording("", 9, texts=True) == "off"
    assert recording("x.jsonl", 70_000, texts=False) == "to x.jsonl, at most 70000 bytes, texts blanked"
    assert recording("x.jsonl", 70_000, texts=True) == "to x.jsonl, at most 70000 bytes, texts kept"
