"""`sidestep usage`: sums as a table and as data, and every record as a line, whether a proxy runs or not."""

import json

import pytest

from proxy.cli import main, usage
from proxy.usage.export import FORMATS
from proxy.usage.moments import FORMS
from proxy.usage.record import Record
from proxy.usage.sqlite import SqliteSink
from proxy.usage.summary import KEYS, Figures, Summary

AT = 1_700_000_000.0


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Keeps records where the environment says; a configuration file is not needed."""
    path = tmp_path / "ledger.db"
    monkeypatch.setenv("SIDESTEP_LEDGER_URL", f"sqlite:///{path}")
    monkeypatch.delenv("SIDESTEP_CONFIG", raising=False)

    def keep(*records):
        sink = SqliteSink(str(path))
        sink.write(records)
        sink.close()
        return str(path)

    return keep


def some():
    return (
        Record(
            "req_1", AT, user="ann", model="large", provider="alpha", input=100, output=10, cost=1_500_000_000, ms=420
        ),
        Record("req_2", AT + 1, user="bob", model="small", provider="alpha", input=7, estimated=True, ms=2300),
        Record("req_3", AT + 2, user="bob", asked="small", outcome="cancelled", status=499),
        Record("req_4", AT + 86_400, user="bob", asked="small", outcome="server", status=502),
    )


def test_sums_are_a_table_with_what_is_to_be_known_of_them(kept, capsys):
    path = kept(*some())
    assert main(["usage", "--by", "user,model"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"usage kept in {path}",
        "",
        "user  model  requests  success  input  cached  written  output  thinking  usd     p50     p95",
        "ann   large         1   100.0%    100       -        -      10         -  1.5  420 ms  420 ms",
        "bob   small         3    50.0%      7       -        -       -         -    -   2.3 s   2.3 s",
        "all                 4    66.7%    107       -        -      10         -  1.5  420 ms   2.3 s",
        "",
        "1 of the requests have no known price, and are not in the dollars",
        "the tokens of 1 are estimates: their providers did not say",
        "1 were left by their clients, and are no failures",
    ]


def test_what_is_seldom_counted_has_columns_where_there_was_any(kept, capsys):
    spoken = {"audio_in": 8, "audio_out": 6, "cache_write": 5, "cache_write_1h": 4}
    kept(*some(), Record("req_5", AT, user="cid", provider="alpha", input=9, output=7, ms=1, searches=2, **spoken))
    assert main(["usage", "--by", "user", "--until", "2023-11-15"]) == 0
    head, *rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()[2:6]]
    assert head == "user requests success input cached written for 1h sound output thinking spoken searches usd p50 p95"
    assert rows == [
        "ann 1 100.0% 100 - - - - 10 - - - 1.5 420 ms 420 ms",
        "bob 2 100.0% 7 - - - - - - - - - 2.3 s 2.3 s",
        "cid 1 100.0% 9 - 5 4 8 7 - 6 2 - 1 ms 1 ms",
    ]
    kept(Record("req_6", AT + 90_000, user="dan", provider="alpha", searches=0, audio_in=0))
    assert main(["usage", "--since", "2023-11-15"]) == 0
    assert "searches" not in (told := capsys.readouterr().out) and "sound" not in told


def test_without_a_key_there_is_one_sum(kept, capsys):
    kept(*some())
    assert main(["usage", "--since", "2023-11-15"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        "requests  success  input  cached  written  output  thinking  usd  p50  p95",
        "       1     0.0%      -       -        -       -         -    -    -    -",
    ]


def test_nothing_in_a_time_is_told(kept, capsys):
    kept(*some())
    assert main(["usage", "--since", "1h", "--by", "client"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["no requests in this time"]


def test_sums_as_data(kept, capsys):
    path = kept(*some())
    assert main(["usage", "--by", "day", "--until", "2023-11-15", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["day"], row["requests"], row["cost_usd"]) for row in found["rows"]] == [("2023-11-14", 3, "1.5")]
    assert (found["place"], found["until"]) == (path, "2023-11-15T00:00:00.000Z")


def test_more_rows_than_can_be_shown_are_told():
    told = list(usage.lines(Summary(("user",), (), more=True, whole=Figures(requests=2, ok=2)), "x.db"))
    assert told[-1] == "only the first 10000 rows are shown, and all of it is summed up"


def test_names_that_clients_chose_do_not_play_with_a_terminal(kept, capsys):
    kept(Record("req_1", AT, user="\x1b[2Jann"), Record("req_2", AT, user=""))
    assert main(["usage", "--by", "user"]) == 0
    told = capsys.readouterr().out
    assert "?[2Jann" in told
    assert "\x1b" not in told
    assert [line.split()[0] for line in told.splitlines()[3:5]] == ["-", "?[2Jann"]


@pytest.mark.parametrize(("form", "first"), [("csv", "id,at,client"), ("jsonl", '{"id":"req_2"')])
def test_every_record_is_a_line(kept, capsys, form, first):
    kept(*some())
    assert main(["usage", "export", "--format", form, "--since", "2023-11-14T22:13:21", "--until", "2023-11-15"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(first)
    assert [f"req_{number}" in lines[-2 + place] for place, number in enumerate((2, 3))] == [True, True]
    assert len(lines) == (3 if form == "csv" else 2)


def test_a_configuration_is_named_before_or_after_export(kept, capsys, tmp_path):
    """And only its [ledger] is looked at, for which no provider's key is needed."""
    path = kept(*some())
    file = tmp_path / "config.toml"
    file.write_text(f'[providers.openai]\nvendor = "openai"\n[ledger]\nurl = "sqlite:///{path}"\n')
    for command in (["--config", str(file), "export"], ["export", "--config", str(file)]):
        assert main(["usage", *command]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 5


@pytest.mark.parametrize(
    ("command", "told", "code"),
    [
        (["--by", "key"], f"--by: key is not known; known: {', '.join(KEYS)}", 2),
        (["--since", "soon"], f"--since must be {FORMS}", 2),
        (["export", "--until", "7"], f"--until must be {FORMS}", 2),
        (["--config", "/nowhere.toml"], "/nowhere.toml: cannot be read: no such file or directory", 2),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_line(kept, capsys, command, told, code):
    kept(*some())
    assert main(["usage", *command]) == code
    assert capsys.readouterr().err == f"sidestep: {told}\n"


def test_where_nothing_is_kept_it_says_what_to_do(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("SIDESTEP_LEDGER_URL", raising=False)
    monkeypatch.delenv("SIDESTEP_CONFIG", raising=False)
    assert main(["usage"]) == 1
    assert capsys.readouterr().err.startswith("sidestep: No records of usage are kept: add [ledger]")
    monkeypatch.setenv("SIDESTEP_LEDGER_URL", f"sqlite:///{tmp_path}/none.db")
    for command in ([], ["export"]):
        assert main(["usage", *command]) == 1
        assert "nothing has been kept there yet" in capsys.readouterr().err


def test_the_options_say_what_is_known():
    assert tuple(KEYS) == usage.BY
    assert usage.FORMATS == FORMATS
    assert all(form in usage._WHEN for form in ("2026-11-01", "90m", "24h", "7d"))
