"""What the live page is shown, and what has changed since."""

import orjson
from msgspec import Raw
from msgspec.structs import replace

from proxy.admin import overview
from proxy.admin.overview import Changes, Choosing, Chosen, Passed, Tried, snapshot
from tests.unit.proxy.admin.pictures import balance, chosen, picture, seen, target

OPEN = {"state": "OPEN", "reason": "consecutive", "admits_in_s": 12.4}


def changed(changes, now):
    return orjson.loads(changes.since(now))


def test_targets_come_in_the_order_of_the_configuration_with_what_keeps_them_from_being_called():
    shown = picture(target("beta/b"), target("alpha/a", OPEN), configured=["alpha/a", "beta/b", "gamma/c"])
    assert [(row.target, row.called, row.blocked, row.next_s) for row in shown.targets] == [
        ("alpha/a", True, "its breaker is open for 13 s more", 12.4),
        ("beta/b", True, "", None),
        ("gamma/c", False, "", None),
    ]
    assert shown.targets[0].notes == ["opened by failures in a row"]


def test_the_course_of_a_target_goes_along():
    slot = {"number": 7, "answered": 3, "failed": 1, "latency_ms": {"p50": 1.0, "p95": 2.0}, "first_token_ms": None}
    [row] = picture(target("alpha/a", course=[slot])).targets
    assert (row.course[0].number, row.course[0].answered, row.course[0].latency_ms.p95) == (7, 3, 2.0)


def test_of_too_many_targets_the_rest_is_counted(monkeypatch):
    monkeypatch.setattr(overview, "TARGETS", 2)
    shown = picture(*(f"alpha/{n}" for n in range(5)))
    assert (len(shown.targets), shown.more) == (2, 3)


def test_of_too_many_budgets_those_are_shown_of_which_most_is_spent(monkeypatch):
    monkeypatch.setattr(overview, "BUDGETS", 2)
    shown = picture(budgets=[balance(fraction=part) for part in (0.1, 0.9, 0.5)])
    assert [one.fraction for one in shown.budgets] == [0.9, 0.5]


def test_only_keys_that_are_off_are_told():
    keys = [
        {"source": "env:A", "in_flight": 0, "off": "auth", "off_for_s": 9, "throttled_for_s": None},
        {"source": "env:B", "in_flight": 0, "off": None, "off_for_s": None, "throttled_for_s": None},
    ]
    assert picture(providers={"alpha": keys}).keys == ["alpha: env:A: refused, off for 9 s"]


def test_the_last_requests_tell_their_way_and_the_latest_is_first():
    attempts = [("alpha/large", "overloaded", 529, 40), ("beta/b", "ok", 200, 90)]
    way = seen(2, attempts, [("gamma/c", "its breaker is open")], chosen(task="letters", score=0.4))
    first, second = picture(recent=[seen(1, cost_usd=Raw(b"0.0125")), way]).requests
    assert first.attempts == [Tried("alpha/large", "overloaded", 529, 40), Tried("beta/b", "ok", 200, 90)]
    assert first.skipped == [Passed("gamma/c", "its breaker is open")]
    assert first.choice == Chosen("it was cheap", "", "letters", 0.4)
    assert (second.id, second.cost_usd, second.choice) == ("req_1", 0.0125, None)


def test_where_nothing_happens_only_the_time_is_told():
    told = changed(Changes(picture("alpha/a")), picture("alpha/a"))
    assert told.keys() == {"at", "slot", "uptime_s", "in_flight"}


def test_a_target_is_told_again_once_its_row_is_another():
    changes = Changes(picture("alpha/a", "beta/b"))
    told = changed(changes, picture(target("alpha/a", OPEN), "beta/b"))
    assert [row["target"] for row in told["targets"]] == ["alpha/a"]
    assert "order" not in told
    assert "targets" not in changed(changes, picture(target("alpha/a", OPEN), "beta/b"))


def test_a_target_that_went_and_came_back_is_told_anew():
    changes = Changes(picture("alpha/a", "beta/b"))
    assert changed(changes, picture("alpha/a"))["order"] == ["alpha/a"]
    told = changed(changes, picture("alpha/a", "beta/b"))
    assert (told["order"], [row["target"] for row in told["targets"]]) == (["alpha/a", "beta/b"], ["beta/b"])


def test_budgets_are_told_again_once_they_have_moved():
    changes = Changes(picture(budgets=[balance()]))
    assert "budgets" not in changed(changes, picture(budgets=[balance()]))
    assert changed(changes, picture(budgets=[balance(fraction=0.6)]))["budgets"][0]["fraction"] == 0.6


def test_another_strategy_is_told_once():
    now = replace(picture(), strategy=Choosing("cost", ["balanced", "cost"], None, kept=True, note=""))
    changes = Changes(picture())
    assert changed(changes, now)["strategy"]["current_strategy"] == "cost"
    assert "strategy" not in changed(changes, now)


def test_each_request_is_told_once():
    changes = Changes(picture(recent=[seen(1)]))
    told = changed(changes, picture(recent=[seen(1), seen(2), seen(3)]))
    assert [one["id"] for one in told["requests"]] == ["req_3", "req_2"]
    assert "requests" not in changed(changes, picture(recent=[seen(1), seen(2), seen(3)]))


def test_where_the_last_one_told_is_forgotten_all_that_are_kept_are_new():
    changes = Changes(picture(recent=[seen(1)]))
    assert len(changed(changes, picture(recent=[seen(8), seen(9)]))["requests"]) == 2


def test_a_picture_is_one_line_of_json():
    """What a client names can end no event of the stream."""
    data = snapshot(picture(recent=[seen(1, asked="a\n\nevent: x\r\n")]))
    assert b"\n" not in data and b"\r" not in data
    assert orjson.loads(data)["requests"][0]["asked"] == "a\n\nevent: x\r\n"
