"""What the command tells of prices, and what it makes."""

import json

import pytest

from proxy.cli import main
from proxy.cli.options import Stop
from proxy.pricing.table import FILE, shipped

FILE_TEXT = """
[providers.main]
vendor = "openai"
[providers.box]
dialect = "openai-chat"
base_url = "http://127.0.0.1:8000/v1"
keys = []
[models.fast]
chain = ["main/gpt-4o-mini", "box/qwen"]
[models.own]
chain = ["box/priced"]
[prices."box/priced"]
input = 1.25
output = 2
request = 0.001
tiers = [{above = 1000, input = 3}]
"""


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch):
    """Nothing of the machine's environment counts."""
    for name in ("SIDESTEP_CONFIG", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(FILE_TEXT)
    return str(path)


def told(capsys, *arguments):
    assert main(["prices", "show", *arguments]) == 0
    return capsys.readouterr().out


def test_without_a_configuration_the_vendor_whose_model_it_is_tells_the_price(capsys):
    out = told(capsys, "gpt-5.6-sol").splitlines()
    assert out[0].startswith("openai/gpt-5.6-sol: gpt-5.6-sol in the table of 20")
    assert out[1].split() == ["input", "4", "USD", "for", "a", "million", "tokens"]
    assert "  with more than 272000 tokens of input, for all of the call:" in out
    assert "  served as priority:" in out
    assert told(capsys, "azure-foundry/claude-sonnet-5").startswith("azure-foundry/claude-sonnet-5: claude-sonnet-5 in")


def test_every_target_of_a_chain_is_told_and_who_has_no_price(capsys, config):
    first, *_, last = told(capsys, "fast", "--config", config).splitlines()
    assert first.startswith("main/gpt-4o-mini: gpt-4o-mini in the table of 20")
    assert last == 'box/qwen: no price is known; [prices."box/qwen"] can say one'


def test_a_configured_price_is_told_with_its_place(capsys, config):
    out = told(capsys, "own", "--config", config)
    assert out.splitlines()[0] == 'box/priced: prices."box/priced"'
    assert "  with more than 1000 tokens of input, for all of the call:\n    input " in out
    assert " 3 USD for a million tokens\n" in out
    assert "each call" in out
    assert " 0.001 USD\n" in out
    assert told(capsys, "box/priced", "--config", config) == out


def test_json_has_exact_texts(capsys, config):
    [one] = json.loads(told(capsys, "own", "--json", "--config", config))
    assert one == {
        "target": "box/priced",
        "price": {
            "input": "1.25",
            "output": "2",
            "request": "0.001",
            "tiers": [{"above": 1000, "input": "3", "output": "2", "request": "0.001"}],
        },
        "source": 'prices."box/priced"',
    }
    [unknown, _] = reversed(json.loads(told(capsys, "fast", "--json", "--config", config)))
    assert unknown == {"target": "box/qwen", "price": None, "source": None}


def test_a_model_that_nobody_is_known_to_serve_is_an_error(capsys):
    assert main(["prices", "show", "mystery"]) == 1
    assert capsys.readouterr().err == (
        "sidestep: nobody is known to serve 'mystery'; ask for provider/model or vendor/model\n"
    )


def test_mistakes_of_the_file_are_told(capsys, tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("[prices.m]\ninput = -1\n")
    assert main(["prices", "show", "m", "--config", str(path)]) == 2
    assert "prices.m.input: must be a decimal number" in capsys.readouterr().err


def test_the_table_is_made_for_a_day(capsys, tmp_path):
    place = tmp_path / FILE
    assert main(["prices", "build", "--output", str(place), "--date", shipped([]).date]) == 0
    assert capsys.readouterr().out.startswith(f"{place}: 1")
    assert place.read_bytes().startswith(b'{"source":"genai-prices ')


def test_a_day_that_is_none_is_wrong_usage(capsys):
    assert main(["prices", "build", "--date", "soon"]) == 2
    assert "--date must be a day such as 2026-11-21, not soon" in capsys.readouterr().err


def test_without_the_package_it_says_how_to_have_it(monkeypatch):
    from argparse import Namespace

    from proxy.cli import prices
    from proxy.pricing import build

    def missing(day):
        raise ImportError

    monkeypatch.setattr(build, "built", missing)
    with pytest.raises(Stop, match="make install-dev"):
        prices.run_build(Namespace(output=None, date=None))
