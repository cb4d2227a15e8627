"""`sidestep top`: the live page's picture as text, once or for as long as somebody looks."""

import os
import shutil
import sys

import pytest
from msgspec import Raw
from msgspec.structs import replace

from proxy.admin.overview import Choosing, read, snapshot
from proxy.cli import main, top, watching
from proxy.cli.options import Stop
from proxy.cli.top import coloured, lines
from tests.unit.proxy.admin.pictures import balance, chosen, picture, seen, target

OPEN = {"state": "OPEN", "reason": "consecutive", "admits_in_s": 20.4}
WELL = {
    "outcomes": {"ok": 9, "server": 1},
    "answered": 9,
    "failed": 1,
    "success_ratio": 0.9,
    "latency_ms": {"p50": 812.4, "p95": 3400.0},
    "first_token_ms": {"p50": 301.0, "p95": 920.0},
}
SLOTS = [{"number": number, "answered": calls, "failed": bad} for number, calls, bad in ((100, 1, 0), (101, 7, 0))]
WAY = [("alpha/large", "overloaded", 529, 40), ("beta/b", "ok", 200, 1500)]


def test_all_of_the_picture_is_told():
    found = picture(
        target("alpha/large", OPEN, health=WELL, course=[*SLOTS, {"number": 102, "answered": 1, "failed": 3}]),
        target("beta/b", in_flight=2),
        configured=["alpha/large", "beta/b", "gamma/c"],
        budgets=[balance()],
        recent=[seen(1, WAY, [("gamma/c", "its breaker is open")], status=200, cost_usd=Raw(b"0.01"))],
        version="1.2.3",
        uptime_s=61.0,
        in_flight=2,
        now=102 * 30.0 + 1,
    )
    assert next(iter(lines(found))).splitlines() == ["sidestep  1.2.3  up 61 s  2 in flight  configured by file"]
    assert "\n".join(lines(found)).splitlines()[2:] == [
        "target       breaker     success  calls  last 5 min    p50     p95    first p50  p95     now",
        (
            "alpha/large  open        90.0%    10     [       .#!]  812 ms  3.4 s  301 ms     920 ms  "
            "its breaker is open for 21 s more; opened by failures in a row"
        ),
        "beta/b       closed      -        0      [          ]  -       -      -          -       free; 2 in flight",
        "gamma/c      not called  -        0      [          ]  -       -      -          -       -",
        "",
        "budget  daily  user ann  [##########..........]  50.0%  1 of 2 usd a day, hard",
        "",
        "UTC       told  asked  by           took   first  tokens  cost       way",
        (
            "03:04:05  200   m      alpha/large  12 ms  -      3+4     $0.010000  "
            "alpha/large overloaded 40 ms > beta/b ok 1.5 s > (gamma/c passed over: its breaker is open)"
        ),
    ]


@pytest.mark.parametrize(
    ("breaker", "word"),
    [({"state": "PROBE"}, "half-open"), ({"state": "RAMP", "ramp": 0.4}, "back 40%"), ({"state": "CLOSED"}, "closed")],
)
def test_every_state_of_a_breaker_has_its_word(breaker, word):
    assert f"alpha/a  {word}" in "\n".join(lines(picture(target("alpha/a", breaker))))


def test_what_is_not_there_is_said_and_how_to_begin():
    told = "\n".join(lines(picture(keys=[], draining=True)))
    assert "no chain is configured" in told
    assert "shutting down" in told
    assert told.endswith("no request yet; try: curl")


def test_keys_that_are_off_and_targets_that_are_left_out_are_told(monkeypatch):
    monkeypatch.setattr("proxy.admin.overview.TARGETS", 1)
    keys = [{"source": "env:A", "in_flight": 0, "off": "auth", "off_for_s": 9, "throttled_for_s": None}]
    told = "\n".join(lines(picture("alpha/a", "alpha/b", providers={"alpha": keys})))
    assert "and 1 more, which sidestep health lists" in told
    assert "key alpha: env:A: refused, off for 9 s" in told


def test_who_chooses_looks_at_providers_and_a_store_in_trouble_have_a_line_each():
    probe = {
        "interval_s": 10.0, "asked_because": "open", "up": False, "why": "refused", "ms": 3.0, "ago_s": 4.0,
        "next_in_s": 6.0,
    }  # fmt: skip
    choosing = Choosing("cost", ["balanced", "cost"], {"name": "rollout", "strategies": {}}, kept=False, note="")
    request = seen(1, choice=chosen(strategy="cost"), first_token_ms=301.0)
    found = replace(picture("alpha/a", probes={"alpha": probe}, recent=[request]), strategy=choosing, store="no answer")
    told = "\n".join(lines(found)).splitlines()
    assert "look  alpha  down  refused, 4 s ago; asked because a breaker is open; next in 6 s" in told
    assert "budgets: no answer" in told
    assert (
        "strategy cost of balanced, cost; the experiment rollout decides before it; it ends with this process" in told
    )
    assert told[-1].split("  ")[-1].strip() == "-; it was cheap"
    assert "301 ms" in told[-1]


def test_only_so_many_requests_are_shown_as_there_is_room_for():
    found = picture("alpha/a", recent=[seen(number) for number in range(50)])
    counts = [len("\n".join(lines(found, height)).splitlines()) for height in (0, 30, 5)]
    rest = counts[0] - top.REQUESTS
    assert counts[1] <= 30
    assert counts[2] == rest + top.LEAST


def test_what_a_client_names_does_nothing_to_the_terminal():
    told = "\n".join(lines(picture("alpha/a", recent=[seen(1, asked="\x1b[2Jm\n\x9bx")])))
    assert "?[2Jm??x" in told
    assert "\x1b" not in told and "\x9b" not in told


def test_breakers_have_their_colour_where_there_are_colours():
    told = [coloured(line) for line in "\n".join(lines(picture(target("alpha/a", OPEN)))).splitlines()]
    assert any("\x1b[31m open \x1b[0m" in line for line in told)
    assert told[2].startswith("\x1b[1mtarget")


class Asked:
    def __init__(self):
        self.calls = []
        self.left = 1

    def asked(self, url, token, path, as_read):
        assert (path, as_read) == ("/events", read)
        self.calls.append((url, token))
        if len(self.calls) > 3:
            raise KeyboardInterrupt
        if len(self.calls) == 2:
            raise Stop("no answer")
        return as_read(snapshot(picture("alpha/a")))


@pytest.fixture
def asked(monkeypatch):
    one = Asked()
    monkeypatch.setattr(top, "asked", one.asked)
    monkeypatch.setattr(watching, "pause", lambda _: None)
    return one


def test_where_its_output_is_no_terminal_it_looks_once(asked, capsys):
    assert main(["top", "--admin", "http://127.0.0.1:9", "--admin-token", "env:T"]) == 0
    assert asked.calls == [("http://127.0.0.1:9", "env:T")]
    assert "\x1b" not in capsys.readouterr().out


def test_in_a_terminal_it_goes_on_and_fits(asked, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((40, 20)))
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["top"]) == 130
    told = capsys.readouterr()
    assert told.out.count("\x1b[H\x1b[2J") == 3
    assert told.err == "sidestep: no answer\n"
    shown = told.out.replace("\x1b[H\x1b[2J", "").splitlines()
    assert max(len(line) for line in shown if not line.startswith(top.TRY)) <= 40
    assert f"{top.TRY}curl" in shown, "a command to copy is not cut"
    assert main(["top", "--once"]) == 130, "the fourth look interrupts"
