"""The list of vendors, as a table and as JSON."""

import json

from proxy.cli import main
from proxy.cli.providers import COLUMNS, carried
from proxy.config.profiles import vendors


def test_every_vendor_has_its_row_and_columns_stand_one_below_another(capsys):
    assert main(["providers"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == list(vendors())
    for column in COLUMNS:
        assert all(row[head.index(column) - 1] == " " for row in rows if column != "vendor")
    [openai] = [row for row in rows if row.startswith("openai ")]
    assert openai.split()[1:3] == ["openai-chat", "OPENAI_API_KEY"]


def test_json_has_the_same_facts(capsys):
    assert main(["providers", "--json"]) == 0
    told = {one["vendor"]: one for one in json.loads(capsys.readouterr().out)}
    assert told["gemini"]["key_env"] == ["GEMINI_API_KEY", "GOOGLE_API_KEY"]
    assert told["azure-openai"]["base_url"] is None
    assert told["ollama"]["key_env"] == []
    assert told["deepseek"] == {
        "vendor": "deepseek",
        "dialect": "openai-chat",
        "base_url": "https://api.deepseek.com/v1",
        "key_env": ["DEEPSEEK_API_KEY"],
        "default_model": "deepseek-v4-pro",
        "carries": ["tools", "reasoning"],
    }


def test_what_a_vendor_carries_is_its_default_models(capsys):
    assert "schema" not in carried(vendors()["deepseek"])
    assert "images" not in carried(vendors()["groq"])
    assert "embeddings" not in carried(vendors()["anthropic"])
    assert {"tools", "images", "schema", "reasoning"} <= set(carried(vendors()["anthropic"]))


def test_no_key_is_needed_and_none_is_shown(capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    main(["providers"])
    assert "canary" not in capsys.readouterr().out
