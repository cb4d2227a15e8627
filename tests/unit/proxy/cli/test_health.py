"""`sidestep health`: what a running proxy says of its targets, as a table and as data."""

import json

import pytest

from proxy.cli import health, main, watching
from proxy.cli.options import Stop
from proxy.routing.live import read

CLOSED = {"state": "CLOSED", "reason": None, "failures": 0, "openings": 0, "opens_for_s": None, "admits_in_s": None}
OPEN = CLOSED | {"state": "OPEN", "reason": "consecutive", "opens_for_s": 20.4, "admits_in_s": 20.4}
WELL = {
    "outcomes": {"ok": 110, "refused": 2},
    "answered": 112,
    "failed": 0,
    "success_ratio": 1.0,
    "latency_ms": {"p50": 812.4, "p95": 3400.0},
    "first_token_ms": {"p50": 301.0, "p95": 920.0},
}
ILL = {
    "outcomes": {"server": 15, "ok": 5},
    "answered": 5,
    "failed": 15,
    "success_ratio": 0.25,
    "latency_ms": {"p50": 4.0, "p95": 4.0},
    "first_token_ms": None,
}
KEY = {"key": "ab", "source": "env:K", "in_flight": 0, "off": None, "off_for_s": None, "throttled_for_s": None}
LOOK = {
    "interval_s": 10.0, "asked_because": "open", "up": False, "why": "it answered 503", "ms": 4.0, "ago_s": 3.1,
    "next_in_s": 7.2,
}  # fmt: skip


def page(targets=(), providers=None, probes=None, configured=()):
    rows = [{"in_flight": 0, "throttled_for_s": None, "breaker": CLOSED, "health": WELL} | row for row in targets]
    return json.dumps(
        {
            "source": "c.toml",
            "targets": rows,
            "providers": providers or {},
            "probes": probes or {},
            "configured": configured,
        }
    ).encode()


def shown(*targets, **more):
    return list(health.lines(read(page(targets, **more))))


def test_every_target_has_a_row_of_figures_and_how_it_stands():
    assert shown(
        {"target": "openai/gpt-4o", "health": ILL, "breaker": OPEN},
        {"target": "anthropic/claude-sonnet-5", "in_flight": 3},
        configured=["openai/gpt-4o", "anthropic/claude-sonnet-5"],
    ) == [
        "configured by c.toml; calls of the last five minutes",
        "",
        "target                     success  calls  not ok     p50     p95    first p50  p95     now",
        (
            "openai/gpt-4o              25.0%    20     15 server  4 ms    4 ms   -          -       "
            "its breaker is open for 21 s more; opened by failures in a row"
        ),
        "anthropic/claude-sonnet-5  100.0%   112    2 refused  812 ms  3.4 s  301 ms     920 ms  free; 3 in flight",
    ]


def test_a_proxy_that_nobody_has_asked_yet_says_so():
    assert shown()[-1] == "no target has been called yet"


def test_targets_that_nobody_has_called_are_told_too():
    off = KEY | {"off": "quota", "off_for_s": 9}
    told = shown({"target": "a/m"}, configured=["b/m", "a/m", "c/*", "d/m"], providers={"d": [off]})
    assert [row.split()[0] for row in told[3:7]] == ["b/m", "a/m", "c/*", "d/m"], "in the configuration's order"
    assert told[3].split() == ["b/m", "-", "0", "-", "-", "-", "-", "-", "not", "called", "yet"]
    assert told[4].endswith("free")
    assert told[5].endswith("not called yet")
    assert told[6].endswith("every key of d is refused or out of quota, for 9 s more")


def test_one_that_has_no_figures_yet_has_none():
    row = shown({"target": "a/m", "health": {"outcomes": {}, "answered": 0, "failed": 0, "success_ratio": None}})[3]
    assert row.split() == ["a/m", "-", "0", "-", "-", "-", "-", "-", "free"]


def test_keys_that_are_not_in_use_are_told_and_block_their_targets():
    off = KEY | {"off": "auth", "off_for_s": 280}
    told = shown({"target": "a/m"}, {"target": "b/m"}, providers={"a": [off], "b": [off, KEY]})
    assert told[3].endswith("every key of a is refused or out of quota, for 280 s more")
    assert told[4].endswith("free")
    assert told[5:] == ["", "keys", "  a  env:K: refused, off for 280 s", "  b  env:K: refused, off for 280 s"]


@pytest.mark.parametrize(("forced_in_s", "told"), [(0.0, "now"), (6.3, "in 7 s")])
def test_a_call_that_may_be_made_against_it_is_told(forced_in_s, told):
    off = KEY | {"off": "auth", "off_for_s": 280}
    row = shown({"target": "a/m", "forced_in_s": forced_in_s}, providers={"a": [off]})[3]
    assert row.endswith(f"for 280 s more; one request may try it {told}, if nobody else can be called")


def test_a_wait_that_was_asked_for_is_told():
    assert shown({"target": "a/m", "throttled_for_s": 11.2})[3].endswith("asked to wait 12 s more")


def test_looks_are_told_with_their_result_their_reason_and_the_next_one():
    idle = LOOK | {"asked_because": None, "up": True, "why": "it answered 200"}
    new = LOOK | {"asked_because": None, "up": None, "why": None, "ms": None, "ago_s": None}
    unknown = LOOK | {"asked_because": "idle", "up": None, "why": "none of its keys may be used now"}
    told = shown(probes={"alpha": LOOK, "b": idle, "c": new, "d": unknown})
    assert told[told.index("looks at providers") + 1 :] == [
        "  alpha  down     it answered 503, 3 s ago; asked because a breaker is open; next in 7 s",
        "  b      up       it answered 200, 3 s ago; not asked now: requests tell; next in 7 s",
        "  c      -        not looked at yet, next in 7 s",
        "  d      unknown  none of its keys may be used now, 3 s ago; asked because no request came; next in 7 s",
    ]


@pytest.fixture
def asked(monkeypatch):
    """What stands for a running proxy: whoever was asked, and what it answers in turn."""

    class Asked:
        calls, pauses, answers = [], 0, [page([{"target": "a/m", "breaker": OPEN}])]

    def live(url, token):
        Asked.calls.append((url, token))
        answer = Asked.answers.pop(0) if Asked.answers else None
        if answer is None:
            raise Stop(f"no answer from {url}")
        return read(answer)

    def pause(seconds):
        Asked.pauses += 1

    Asked.calls, Asked.pauses, Asked.answers = [], 0, [page([{"target": "a/m", "breaker": OPEN}])]
    monkeypatch.setattr(health, "live", live)
    monkeypatch.setattr(watching, "pause", pause)
    return Asked


def test_it_asks_the_usual_admin_port_unless_told_another(asked, capsys):
    assert main(["health"]) == 0
    asked.answers = [page()]
    assert main(["health", "--admin", "http://127.0.0.1:9", "--admin-token", "env:T"]) == 0
    assert asked.calls == [("http://127.0.0.1:4601", None), ("http://127.0.0.1:9", "env:T")]
    assert "a/m" in capsys.readouterr().out


def test_data_has_all_of_it_and_why_a_target_is_not_called(asked, capsys):
    assert main(["health", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"source", "targets", "providers", "probes", "configured", "strategy"}
    [row] = told["targets"]
    assert row["blocked"] == "its breaker is open for 21 s more"
    assert (row["health"]["success_ratio"], row["breaker"]["reason"]) == (1.0, "consecutive")


@pytest.fixture
def watched(asked, monkeypatch):
    """Somebody watches until nothing is left to be told, and then interrupts."""

    def pause(seconds):
        asked.pauses += 1
        if asked.pauses > 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(watching, "pause", pause)
    return asked


def test_watching_goes_on_while_the_proxy_is_away_and_tells_it(watched, capsys):
    watched.answers = [page(), None, None, page([{"target": "a/m"}])]
    assert main(["health", "--watch", "--json"]) == 130
    captured = capsys.readouterr()
    assert [len(json.loads(line)["targets"]) for line in captured.out.splitlines()] == [0, 1]
    assert captured.err == 3 * "sidestep: no answer from http://127.0.0.1:4601\n"


def test_watching_what_does_not_answer_from_the_start_ends_at_once(watched, capsys):
    watched.answers = []
    assert main(["health", "--watch"]) == 1
    assert (watched.pauses, capsys.readouterr().err) == (0, "sidestep: no answer from http://127.0.0.1:4601\n")


def test_what_is_no_terminal_gets_no_signs_for_one(watched, capsys):
    main(["health", "--watch"])
    assert "\x1b" not in capsys.readouterr().out
