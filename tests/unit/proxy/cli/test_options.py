"""Loading by options ends in a configuration or in every mistake, a line each."""

import argparse

import pytest

from proxy.cli.options import Stop, add_config, add_json, load


def test_a_configuration_is_loaded_from_the_process_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.delenv("SIDESTEP_CONFIG", raising=False)
    assert "openai" in load(None).config.providers


@pytest.mark.parametrize("code", [1, 2])
def test_mistakes_stop_with_a_line_each(tmp_path, code):
    (tmp_path / "c.toml").write_text("a = 1\nb = 2\n")
    with pytest.raises(Stop) as caught:
        load(str(tmp_path / "c.toml"), code=code)
    assert caught.value.code == code
    assert len(caught.value.lines) == 4


def test_the_shared_options_are_off_by_default():
    parser = argparse.ArgumentParser()
    add_config(parser)
    add_json(parser)
    assert vars(parser.parse_args([])) == {"config": None, "json": False}
    assert vars(parser.parse_args(["--config", "x", "--json"])) == {"config": "x", "json": True}
