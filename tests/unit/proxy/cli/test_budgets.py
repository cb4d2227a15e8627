"""`sidestep budgets`: how far the budgets of a running proxy are, as a table and as data."""

import json

from proxy.budgets.shown import NEVER, read
from proxy.cli import budgets, main

ANN = {
    "budget": "users", "scope": {"user": "ann\x1b[2J"}, "unit": "usd", "limit": "5", "spent": "1.5", "reserved": "0.25",
    "lost": "1", "fraction": 0.3, "window": "day", "window_end": "2026-11-22T00:00:00Z", "mode": "hard",
    "when_spent": "reject",
}  # fmt: skip
ALL = ANN | {"budget": "all", "scope": {}, "unit": "tokens", "limit": 10, "spent": 3, "reserved": 0, "lost": 0}


def page(*rows, store="ok"):
    return json.dumps({"budgets": rows, "store": store}).encode()


def shown(*rows, **more):
    return list(budgets.lines(read(page(*rows, **more))))


def test_what_died_with_a_process_has_a_column_of_its_own():
    assert shown(ANN, ALL) == [
        "budget  of            until                 unit    limit  spent  reserved  lost  left",
        "users   user ann?[2J  2026-11-22T00:00:00Z  usd         5    1.5      0.25     1  2.25",
        "all     all           2026-11-22T00:00:00Z  tokens     10      3         0     0     7",
    ]


def test_how_old_it_is_has_a_column_where_some_of_it_is():
    assert shown(ANN | {"told_at": "2026-11-21T23:00:01Z"}, ALL, ALL | {"told_at": NEVER}) == [
        "budget  of            until                 unit    limit  spent  reserved  lost  left               told at",
        "users   user ann?[2J  2026-11-22T00:00:00Z  usd         5    1.5      0.25     1  2.25  2026-11-21T23:00:01Z",
        "all     all           2026-11-22T00:00:00Z  tokens     10      3         0     0     7                   now",
        "all     all           2026-11-22T00:00:00Z  tokens     10      3         0     0     7                 never",
    ]


def test_what_is_wrong_with_the_store_and_what_is_not_there_is_said():
    assert shown(store=None) == ["no budget is configured"]
    assert shown(store="it is away") == ["the store: it is away", "", "no request has counted in a budget yet"]


def test_json_says_besides_what_is_left(monkeypatch, capsys):
    monkeypatch.setattr(budgets, "asked", lambda url, token, path, read: read(page(ANN)))
    assert main(["budgets", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"budgets": [ANN | {"told_at": None, "left": "2.25"}], "store": "ok"}
