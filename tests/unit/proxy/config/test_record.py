"""`[record]`: a file, and what may be written to it."""

import pytest

from proxy.config.errors import ConfigErrors
from proxy.config.listeners import Overrides
from proxy.config.load import load, relisten
from proxy.config.values import Config, RecordSettings

BASE = '[providers.openai]\nvendor = "openai"\n[models."*"]\nchain = ["openai/*"]\n'
KEYS = {"OPENAI_API_KEY": "k-1"}


def loaded(tmp_path, text="", **overrides):
    path = tmp_path / "config.toml"
    path.write_text(BASE + text)
    return load(str(path), KEYS, Overrides(**overrides)).config.record


def refused(tmp_path, text="", **overrides):
    with pytest.raises(ConfigErrors) as caught:
        loaded(tmp_path, text, **overrides)
    return [str(one).partition(": ")[2] for one in caught.value.errors]


def test_nothing_is_recorded_unless_a_file_is_named(tmp_path):
    assert loaded(tmp_path) == RecordSettings() == RecordSettings("", 64 * 1024 * 1024, texts=False)
    assert loaded(tmp_path, "[record]\n") == RecordSettings()


def test_a_file_says_where_and_how_much(tmp_path):
    told = '[record]\nfile = "x.jsonl"\nbytes = 70_000\ntexts = true\n'
    assert loaded(tmp_path, told) == RecordSettings("x.jsonl", 70_000, texts=True)


def test_the_command_line_says_it_instead(tmp_path):
    said = RecordSettings("y.jsonl", 80_000, texts=False)
    assert loaded(tmp_path, '[record]\nfile = "x.jsonl"\ntexts = true\n', record=said) == said
    assert load(None, KEYS, Overrides(record=said)).config.record == said
    assert relisten(Config({}, {}), {}, Overrides(record=said)).record == said
    assert relisten(Config({}, {}), {}, Overrides()).record == RecordSettings()


def test_mistakes_are_told(tmp_path):
    assert refused(tmp_path, "[record]\ntexts = true\n") == ["record.file: is missing: say where exchanges are written"]
    assert refused(tmp_path, '[record]\nfile = "x"\nbytes = 9\n') == [
        "record.bytes: must be at least 65536 and at most 1099511627776, not 9"
    ]
    assert refused(tmp_path, record=RecordSettings(" ", 9)) == [
        "must name a file",
        "must be at least 65536 and at most 1099511627776, not 9",
    ]
