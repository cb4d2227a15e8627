"""`sidestep experiment report` over a file of records."""

import json

import pytest

from proxy.cli import main
from proxy.usage.record import Record
from proxy.usage.scores import Score
from proxy.usage.sqlite import SqliteScores, SqliteSink

NOON = 1_700_000_000.0


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    made = tmp_path / "ledger.db"
    monkeypatch.setenv("SIDESTEP_LEDGER_URL", f"sqlite:///{made}")
    monkeypatch.delenv("SIDESTEP_CONFIG", raising=False)
    sink = SqliteSink(str(made))
    for start in range(0, 400, 200):
        sink.write(
            [
                Record(
                    f"req_{n:04}", NOON + n, asked="auto", provider="p", model="m", ms=100 + n % 7, cost=1000,
                    signal="whole",
                    experiment="rollout", arm="new" if n % 2 else "old", outcome="server" if n % 10 == 1 else "ok",
                )
                for n in range(start, start + 200)
            ]
        )  # fmt: skip
    sink.write([Record("req_x", NOON, experiment="a\x1bside", arm="b"), Record("req_y", NOON)])
    sink.close()
    SqliteScores(str(made)).keep(Score("req_0000", NOON, NOON, 0.5, "=so"))
    return made


def told(capsys, *words, code=0):
    capsys.readouterr()
    assert main(["experiment", "report", *words]) == code
    return capsys.readouterr()


def test_each_arm_is_told_and_what_is_decided(capsys, path):
    lines = told(capsys, "rollout").out.splitlines()
    assert lines[:4] == [f"usage kept in {path}", "", "experiment rollout, with 95% intervals", ""]
    assert lines[4].split() == ["arm", "requests", "success", "mean", "p50", "p95", "usd", "quality", "of"]
    assert lines[5].split()[:6] == ["new", "200", "80.0%", "(73.9%", "to", "85.0%)"]
    assert lines[6].split()[:6] == ["old", "200", "100.0%", "(98.1%", "to", "100.0%)"]
    assert lines[8] == "success: old succeeds most often, 100.0% against 80.0%."
    assert lines[9].startswith("latency: the data do not decide between ")
    assert lines[11].startswith("quality: the data do not decide between new and old")


def test_without_a_name_all_are_told_and_names_play_with_no_terminal(capsys):
    out = told(capsys).out
    assert "experiment a?side, with" in out
    assert "experiment rollout, with" in out


def test_the_same_as_data(capsys, path):
    found = json.loads(told(capsys, "rollout", "--json").out)
    assert found["place"] == str(path)
    [one] = found["experiments"]
    assert [(arm["arm"], arm["requests"], arm["success"]["value"]) for arm in one["arms"]] == [
        ("new", 200, 0.8), ("old", 200, 1.0),
    ]  # fmt: skip


def test_a_span_is_kept_to(capsys):
    found = json.loads(told(capsys, "rollout", "--json", "--since", "2023-11-14T22:18").out)
    assert sum(arm["requests"] for arm in found["experiments"][0]["arms"]) == 120


def test_an_experiment_without_records_is_told_with_those_that_have_some(capsys):
    error = told(capsys, "other", code=1).err
    assert error == "sidestep: no records of the experiment other; known: a?side, rollout\n"
    error = told(capsys, "other", "--since", "2024-01-01", code=1).err
    assert error == "sidestep: no records of the experiment other; no experiment has any in this time\n"
    assert told(capsys, "--since", "2024-01-01").out.endswith("\nno experiment has records in this time\n")


def test_where_nothing_is_kept_that_is_told(capsys, monkeypatch):
    monkeypatch.delenv("SIDESTEP_LEDGER_URL")
    assert told(capsys, code=1).err.startswith("sidestep: No records of usage are kept")


def test_help_says_what_it_does(capsys):
    with pytest.raises(SystemExit):
        main(["experiment", "report", "--help"])
    out = " ".join(capsys.readouterr().out.split())
    assert "says where the data do not decide" in out
    assert "--since WHEN" in out


def test_an_action_is_asked_for(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["experiment"])
    assert caught.value.code == 2


def test_scores_are_exported_beside_the_records(capsys):
    capsys.readouterr()
    assert main(["usage", "export", "--scores"]) == 0
    assert capsys.readouterr().out == "id,at,score,label\nreq_0000,2023-11-14T22:13:20.000Z,0.5,'=so\n"
    assert main(["usage", "export", "--scores", "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "id": "req_0000", "at": "2023-11-14T22:13:20.000Z", "score": 0.5, "label": "=so",
    }  # fmt: skip
