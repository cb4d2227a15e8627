"""Records as lines for other programs: exact, and harmless to a spreadsheet."""

import csv
import io

import orjson
import pytest

from proxy.usage.export import FIELDS, exported


def test_a_line_of_json_tells_all_of_a_record(record):
    [line] = exported([record(first_token_ms=90, code="stream_cut")], "jsonl")
    assert orjson.loads(line) == {
        "id": "req_0001", "at": "2023-11-14T22:13:21.000Z", "client": "web", "team": "shop", "user": "ann",
        "task": "sum", "tags": {"env": "live"}, "asked": "gpt-4o", "route": "chat", "provider": "alpha",
        "model": "gpt-4o-mini", "stream": False, "input": 100, "cached": 20, "cache_write": None, "output": 10,
        "reasoning": None, "estimated": False, "cost_usd": "1.234567891", "attempts": 1, "ms": 420,
        "first_token_ms": 90, "outcome": "ok", "status": 200, "code": "stream_cut", "strategy": "",
        "experiment": "", "arm": "", "complexity": None, "signal": "",
        "cache_write_1h": None, "searches": None, "tried": "",
        "audio_in": None, "audio_out": None, "tier": "",
    }  # fmt: skip


def test_a_line_of_csv_tells_the_same_under_names(record):
    lines = list(exported([record(), record(2, cost=None, tags={}, stream=True)], "csv"))
    first, second = csv.DictReader(io.StringIO("\n".join(lines)))
    assert tuple(first) == FIELDS
    assert (first["at"], first["cost_usd"], first["tags"]) == (
        "2023-11-14T22:13:21.000Z",
        "1.234567891",
        '{"env":"live"}',
    )
    assert (first["reasoning"], first["stream"], first["input"]) == ("", "false", "100")
    assert (second["cost_usd"], second["tags"], second["stream"]) == ("", "", "true")


@pytest.mark.parametrize("word", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=x"])
def test_what_a_client_chose_becomes_no_formula(record, word):
    found = list(exported([record(user=word, task=f"a{word}")], "csv"))
    [row] = csv.DictReader(io.StringIO("\n".join(found), newline=""))
    assert row["user"] == f"'{word}"
    assert row["task"] == f"a{word}"


def test_commas_quotes_and_lines_stay_within_their_cell(record):
    [_, line] = exported([record(user='a,"b"\nc')], "csv")
    [row] = csv.reader(io.StringIO(line, newline=""))
    assert row[FIELDS.index("user")] == 'a,"b"\nc'


def test_records_are_asked_for_one_at_a_time(record):
    def endless():
        while True:
            yield record()

    lines = exported(endless(), "csv")
    assert next(lines).startswith("id,at,client")
    assert next(lines).startswith("req_0001,")
