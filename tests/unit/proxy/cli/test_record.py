"""`sidestep record` serves with what it says of recording."""

import pytest

from proxy.cli import main, record, serve
from proxy.config.values import RecordSettings


@pytest.fixture
def served(monkeypatch, tmp_path):
    """The overrides with which the configuration is loaded; nothing is served."""
    monkeypatch.chdir(tmp_path)
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
    assert "--bytes: must be at least 65536 and at most 1099511627776, not 9" in told
    assert served == []


def test_where_nothing_could_be_written_nothing_is_served(served, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine\n")
    reasons = {
        "nowhere/x.jsonl": "nowhere/x.jsonl: no such file or directory",
        ".": ".: is a directory",
        "notes.txt": "notes.txt is no recording; name another file",
    }
    for file, reason in reasons.items():
        assert main(["record", file]) == 1
        assert capsys.readouterr().err == f"sidestep: {reason}\n"
    assert (served, (tmp_path / "notes.txt").read_text()) == ([], "mine\n")


def test_nor_where_demonstrations_are(served, capsys, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    assert main(["record", "nowhere/x.jsonl", "--demo-without-keys"]) == 1
    assert "no such file or directory" in capsys.readouterr().err
