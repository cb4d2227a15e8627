"""`explain` prints the plan for a request, and makes no call."""

import json

import pytest

from proxy.cli import explain, main
from proxy.cli.explain import lines, live_lines
from proxy.config.origins import Setting
from proxy.routing.explain import Explanation, Loss, Row
from proxy.routing.live import Standing
from proxy.tokens import UNSEEN

ENV = {"OPENAI_API_KEY": "k1", "ANTHROPIC_API_KEY": "k2"}


def row(**changes: object) -> Row:
    values = {
        "target": "alpha/m",
        "dialect": "openai-chat",
        "verdict": "tried",
        "reason": "first of the chain",
        "losses": (),
        "attempts": 3,
        "worst_case_s": 92.5,
        "upstream_stream": False,
        "input_tokens_bound": 40,
    }
    return Row(**{**values, **changes})


def test_the_text_tells_each_targets_turn():
    losses = (Loss("seed", "dropped", "anthropic has no seed"),)
    plan = Explanation(
        "gpt-4o",
        "*",
        '[models."*"]',
        (
            row(),
            row(
                target="beta/c",
                dialect="anthropic-messages",
                verdict="skipped",
                reason="n: one answer only",
                attempts=0,
            ),
            row(
                target="gamma/g", reason="when alpha/m fails", losses=losses, attempts=1, input_tokens_bound=UNSEEN + 9
            ),
        ),
        120.0,
        6,
        "A note.",
    )
    told = list(lines(plan))
    assert told[-5] == "\nwhere a target says nothing else"
    assert told[-4].startswith("  timeouts deadline_s=600 connect_s=5 pool_s=1 ")
    assert told[-3].startswith("  retry    attempts_per_target=3 max_total_attempts=6 base_s=0.5 ")
    assert told[-2].startswith("  breaker  consecutive_failures=5 open_s=30 ")
    assert told[-1] == "  health   active=false interval_s=10"
    assert told[:-5] == [
        'gpt-4o: [models."*"]',
        "  1. alpha/m (openai-chat): tried, first of the chain",
        "     3 attempts, at worst 92.5 s",
        "     input: at most 40 tokens",
        "  2. beta/c (anthropic-messages): skipped, n: one answer only",
        "     input: at most 40 tokens",
        "  3. gamma/g (openai-chat): tried, when alpha/m fails",
        "     1 attempt, at worst 92.5 s",
        "     dropped seed: anthropic has no seed",
        "     input: as much as the model takes",
        "\nat most 6 attempts, at worst 120 s",
        "A note.",
    ]


def test_a_stream_that_is_folded_is_told_in_a_line_of_its_own():
    told = list(lines(Explanation("m", "*", "it is configured", (row(upstream_stream=True),), 92.5, 3, "")))
    assert told[2:4] == [
        "     3 attempts, at worst 92.5 s",
        "     asked for a stream, which is folded into one answer",
    ]


def test_a_setting_that_somebody_made_is_told_with_who_did():
    settings = {
        "timeouts": {"connect_s": Setting(2.0, "provider"), "pool_s": Setting(1.0, "default")},
        "retry": {"cap_s": Setting(8.0, "default")},
        "breaker": {"open_s": Setting(7.5, "model"), "jitter": Setting(0.1, "top level")},
        "health": {"active": Setting(value=True, origin="provider"), "interval_s": Setting(10.0, "default")},
    }
    told = list(lines(Explanation("m", "*", "it is configured", (row(settings=settings),), 92.5, 3, "")))
    assert told[3:6] == [
        "     timeouts connect_s=2 (provider)",
        "     breaker open_s=7.5 (model) jitter=0.1 (top level)",
        "     health active=true (provider)",
    ]


def test_the_plan_of_this_moment_stands_beside_the_free_one():
    shut = Standing(
        "OPEN",
        0,
        "its breaker is open for 21 s more",
        of_breaker=True,
        free_in_s=20.5,
        notes=("opened by failures in a row",),
    )
    free = Standing("CLOSED", 3, "", of_breaker=False, free_in_s=0.0, notes=("env:B: free, 3 in flight",))
    rows = (
        row(verdict="skipped", reason=shut.blocked, attempts=0, standing=shut),
        row(target="beta/c", reason="those before it are skipped", attempts=1, standing=free),
        row(target="gamma/g", verdict="skipped", reason="n: one answer only", attempts=0),
    )
    now = Explanation("m", "*", "it is configured", rows, 92.5, 1, "")
    plain = Explanation("m", "*", "it is configured", rows, 600.0, 6, "")
    assert list(live_lines(now, plain, "http://a.test")) == [
        "\nnow, by http://a.test",
        "  1. alpha/m: skipped, its breaker is open for 21 s more",
        "     OPEN; 0 in flight; opened by failures in a row",
        "  2. beta/c: tried, those before it are skipped; 1 attempt",
        "     CLOSED; 3 in flight; env:B: free, 3 in flight",
        "  3. gamma/g: skipped, n: one answer only",
        "at most 1 attempt, at worst 92.5 s (600 s with all of them free)",
    ]
    assert list(live_lines(plain, plain, "x"))[-1] == "at most 6 attempts, at worst 600 s"
    nobody = Explanation("m", "*", "it is configured", rows[:1], 0.0, 0, "")
    assert list(live_lines(nobody, plain, "x"))[-1] == "nobody would be asked: the client gets an error at once"


def test_a_fallback_that_may_write_long_is_streamed_where_the_primary_is_not(sidestep, tmp_path):
    """A client that gave no bound leaves it to the model, whose largest it then is."""
    (tmp_path / "r.json").write_text(json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}))
    done = sidestep("explain", "--file", "r.json", "--json", env=ENV)
    assert [entry["upstream_stream"] for entry in json.loads(done.stdout)["rows"]] == [False, True]


def test_a_model_alone_is_explained(sidestep):
    done = sidestep("explain", "--model", "gpt-4o", env=ENV)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1. openai/gpt-4o (openai-chat): tried, first of the chain" in done.stdout
    assert "2. anthropic/" in done.stdout


def test_a_request_file_is_explained_with_its_losses_as_json(sidestep, tmp_path):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "seed": 7, "n": 2}
    (tmp_path / "r.json").write_text(json.dumps(body))
    done = sidestep("explain", "--file", "r.json", "--json", env=ENV)
    assert (done.returncode, done.stderr) == (0, "")
    plan = json.loads(done.stdout)
    assert [entry["verdict"] for entry in plan["rows"]] == ["tried", "skipped"]
    assert "n" in {loss["field"] for loss in plan["rows"][1]["losses"]}


def test_the_option_renames_the_files_model(sidestep, tmp_path):
    (tmp_path / "r.json").write_text(json.dumps({"model": "x", "messages": [{"role": "user", "content": "hi"}]}))
    done = sidestep("explain", "--model", "claude-x", "--file", "r.json", env=ENV)
    assert "anthropic/claude-x" in done.stdout


def test_a_request_with_input_is_for_embeddings(sidestep, tmp_path):
    (tmp_path / "r.json").write_text(json.dumps({"model": "text-embedding-3-small", "input": "hi"}))
    done = sidestep("explain", "--file", "r.json", env=ENV)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1. openai/text-embedding-3-small" in done.stdout
    assert "anthropic" not in done.stdout


def test_a_model_of_vectors_is_explained_by_its_name_alone(sidestep, tmp_path):
    """One of the configuration, and one that a vendor names so."""
    (tmp_path / "c.toml").write_text(
        '[providers.openai]\nvendor = "openai"\n[models.m]\nchain = ["openai/gpt-4o"]\n'
        '[embeddings.docs]\nchain = ["openai/text-embedding-3-small"]\ndimensions = 256\n'
    )
    done = sidestep("explain", "--config", "c.toml", "--model", "docs", env=ENV)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1. openai/text-embedding-3-small" in done.stdout
    done = sidestep("explain", "--model", "text-embedding-3-small", env=ENV)
    assert "1. openai/text-embedding-3-small" in done.stdout and "anthropic" not in done.stdout


def test_a_request_of_any_dialect_is_explained_by_the_path_it_is_sent_to(sidestep, tmp_path):
    body = {"model": "claude-haiku-4-5", "max_tokens": 9, "system": "Be brief.", "top_k": 3}
    (tmp_path / "r.json").write_text(json.dumps(body | {"messages": [{"role": "user", "content": "hi"}]}))
    done = sidestep("explain", "--file", "r.json", "--path", "/v1/messages", "--json", env=ENV)
    assert (done.returncode, done.stderr) == (0, "")
    losses = {row["target"].partition("/")[0]: row["losses"] for row in json.loads(done.stdout)["rows"]}
    assert losses["anthropic"] == []
    assert "top_k" in {loss["field"] for loss in losses["openai"]}
    (tmp_path / "r.json").write_text(json.dumps({"model": "gpt-4o", "prompt": "hi"}))
    done = sidestep("explain", "--file", "r.json", "--path", "/v1/completions", env=ENV)
    assert "1. openai/gpt-4o" in done.stdout


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/responses", "/v1/completions", "/v1/messages"])
def test_a_model_alone_is_explained_at_every_path(sidestep, path):
    done = sidestep("explain", "--model", "gpt-4o", "--path", path, env=ENV)
    assert done.returncode == 0, done.stderr
    assert "1. openai/gpt-4o (" in done.stdout and ": tried" in done.stdout


@pytest.mark.parametrize("path", ["/messages", "/v1/models", "/v1/files", ""])
def test_a_path_that_takes_no_request_is_one_line(sidestep, path):
    done = sidestep("explain", "--model", "gpt-4o", "--path", path, env=ENV)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"sidestep: --path is '{path}'; it may be /v1/chat/completions, /v1/completions, ")
    assert "/v1/models" not in done.stderr.partition(";")[2]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "sidestep: r.json is empty\n"),
        (b'{"a":\n1,}', "sidestep: r.json is not valid JSON (line 2, column 2)\n"),
        (b"[" * 100_000, "sidestep: r.json is nested too deeply (line 1, column 1026)\n"),
        (b"\xff", "sidestep: r.json is not UTF-8 (byte 1)\n"),
        (b" " * 3_000_001, "sidestep: r.json is larger than the 3000000 bytes that are read\n"),
        (b"[]", "sidestep: r.json must hold one JSON object, a request body\n"),
    ],
)
def test_a_file_that_is_no_request_is_one_line(tmp_path, monkeypatch, capsys, content, line):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(explain, "FILE_LIMIT", 3_000_000)
    (tmp_path / "r.json").write_bytes(content)
    assert main(["explain", "--file", "r.json"]) == 1
    assert capsys.readouterr().err == line


def test_a_request_without_messages_or_a_model_is_one_line(sidestep, tmp_path):
    (tmp_path / "r.json").write_text('{"model": "gpt-4o"}')
    done = sidestep("explain", "--file", "r.json", env=ENV)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "messages" in done.stderr
    (tmp_path / "r.json").write_text('{"messages": []}')
    done = sidestep("explain", "--file", "r.json", env=ENV)
    assert (done.returncode, done.stderr) == (1, "sidestep: r.json names no model: give one with --model NAME\n")


def test_a_token_without_the_proxy_it_is_for_is_one_line(sidestep):
    done = sidestep("explain", "--model", "gpt-4o", "--admin-token", "env:TOKEN", env=ENV)
    told = "sidestep: --admin-token is for the proxy that --admin names, and there is none\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_a_model_that_nobody_serves_is_one_line(sidestep, tmp_path):
    (tmp_path / "c.toml").write_text(
        '[providers.a]\ndialect = "openai-chat"\nbase_url = "https://a.example"\n[models.m]\nchain = ["a/m"]\n'
    )
    done = sidestep("explain", "--model", "other", "--config", "c.toml")
    assert done.returncode == 1
    assert done.stderr == "sidestep: nothing serves the model 'other'; known: m\n"


@pytest.mark.parametrize("name", ["a\nb", "\udcff", "\x1b[31m"])
def test_a_model_of_unprintable_characters_is_one_line(name, capsys):
    """Such as a word of an argument that is not UTF-8."""
    assert main(["explain", "--model", name]) == 2
    assert capsys.readouterr().err == "sidestep: --model must be a name of printable characters\n"


def test_what_a_request_says_cannot_steer_the_terminal(sidestep, tmp_path):
    body = {"model": "m\x1b[2J\nx", "messages": [{"role": "user", "content": "hi"}]}
    (tmp_path / "r.json").write_text(json.dumps(body))
    done = sidestep("explain", "--file", "r.json", env=ENV)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert done.stdout.startswith('m?[2J?x: [models."*"]\n  1. openai/m?[2J?x ')


def test_a_files_plan_is_told_without_its_keys(tmp_path, monkeypatch, capsys):
    """Nobody is called, so nobody needs one."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    path = tmp_path / "keyless.toml"
    path.write_text('[providers.openai]\nvendor = "openai"\n[models.m]\nchain = ["openai/gpt-4o"]\n')
    assert main(["explain", "--config", str(path), "--model", "m"]) == 0
    assert "openai/gpt-4o" in capsys.readouterr().out
    assert main(["explain", "--config", str(path), "--model", "m", "--ask"]) == 2
    assert "OPENAI_API_KEY" in capsys.readouterr().err
