"""`sidestep record` serves with what it says of recording."""

import pytest

from proxy.cli import main, record, serve
from proxy.config.values import RecordSettings


@pytest.fixture
def served(monkeypatch):
    """The overrides with which the configuration is loaded; nothing is served."""
    seen = []

    def run(config, *_, **__):
        seen.append((config.record, config.server.listen))
        return 0

    monkeypatch.setattr(serve, "_serve", run)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-fake")
    return seen


def test_it_serves_as_asked_and_records_to_the_file(served):
    assert main(["record", "x.jsonl", "--port", "0"]) == 0
    assert main(["record", "x.jsonl", "--bytes", "100000", "--texts"]) == 0
    assert served == [
        (RecordSettings("x.jsonl"), "127.0.0.1:0"),
        (RecordSettings("x.jsonl", 100_000, texts=True), "127.0.0.1:4600"),
    ]
    assert RecordSettings().bytes == record.BYTES


def test_serving_alone_records_nothing(served):
    assert main(["serve"]) == 0
    assert served[0][0] == RecordSettings()


def test_mistakes_are_told(served, capsys):
    assert main(["record", "", "--bytes", "9"]) == 2
    told = capsys.readouterr().err
    assert "FILE: must name a file" in told
    assert "--bytes: must be at least 65536" in told
    assert served == []
