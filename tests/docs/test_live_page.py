"""What the page on observability says of the live page, `sidestep top` and the alerts is what they are."""

import re
from pathlib import Path

import pytest
import yaml
from msgspec import Raw

from proxy.admin import feed, overview
from proxy.cli.top import LEVELS, lines
from proxy.filters import observe
from tests.unit.proxy.admin.pictures import balance, picture, seen, target

ROOT = Path(__file__).parents[2]
PAGE = "docs/observability.md"
OPEN = {"state": "OPEN", "reason": "consecutive", "admits_in_s": 20.4}
ILL = {
    "outcomes": {"ok": 140, "server": 18, "refused": 2},
    "answered": 142,
    "failed": 18,
    "success_ratio": 142 / 160,
    "latency_ms": {"p50": 812.0, "p95": 3400.0},
    "first_token_ms": {"p50": 301.0, "p95": 920.0},
}
WELL = {
    "outcomes": {"ok": 64},
    "answered": 64,
    "failed": 0,
    "success_ratio": 1.0,
    "latency_ms": {"p50": 1100.0, "p95": 4200.0},
    "first_token_ms": {"p50": 402.0, "p95": 1300.0},
}
COST = Raw(b"0.003036")
NOW = 109 * 30.0


def course(*calls):
    """By half minute, the last one now: answered, and failed where that is not 0."""
    first = 109 - len(calls) + 1
    return [{"number": first + place, "answered": good, "failed": bad} for place, (good, bad) in enumerate(calls)]


@pytest.fixture(scope="module")
def text():
    return (ROOT / PAGE).read_text("utf-8")


def test_the_bounds_are_those_of_the_code(text):
    told = re.sub(r"\s+", " ", text)
    assert overview.TARGETS == overview.BUDGETS
    for piece in (
        f"the last {observe.RECENT} **requests**",
        f"{overview.TARGETS} targets and {overview.BUDGETS} accounts of budgets are shown at most",
        f"At most {feed.VIEWERS} can follow it at once",
        f"` {LEVELS.strip()}` by how busy it was",
    ):
        assert piece in told, piece
    assert feed.EVERY_S == 1.0


def test_the_outage_is_shown_as_the_command_shows_it(text):
    [shown] = re.findall(r"```text\n(sidestep  .*?)```", text, re.DOTALL)
    busy = [(12, 0), (14, 0), (10, 0), (13, 0), (16, 0), (11, 0), (15, 0), (12, 0), (9, 0), (4, 18)]
    primary, second = "openai/gpt-4o", "anthropic/claude-sonnet-5"
    by = {"provider": "anthropic", "model": "claude-sonnet-5", "tokens_in": 812, "tokens_out": 40, "cost_usd": COST}
    found = picture(
        target(primary, OPEN, health=ILL, course=course(*busy)),
        target(second, health=WELL, in_flight=3, course=course((40, 0))),
        configured=[primary, second],
        budgets=[balance(spent="4.06", limit="5", fraction=0.812)],
        recent=[
            seen(1, [(second, "ok", 200, 1100)], [(primary, "its breaker is open")], asked="gpt-4o", ms=1100.0, **by),
            seen(2, [(primary, "overloaded", 529, 41), (second, "ok", 200, 1200)], asked="gpt-4o", ms=1300.0, **by),
        ],
        version="0.1.0",
        uptime_s=5029.0,
        in_flight=3,
        source="config.toml",
        now=NOW,
    )
    printed = "\n".join(lines(found)).replace("03:04:05", "22:14:03", 1).replace("03:04:05", "22:14:02", 1)
    assert printed.splitlines() == shown.splitlines()


def test_every_alert_is_listed_and_no_other(text, rows):
    told = yaml.safe_load((ROOT / "k8s/prometheus-rules.yaml").read_text("utf-8"))
    alerts = [rule["alert"] for group in told["spec"]["groups"] for rule in group["rules"]]
    assert [row["alert"] for row in rows(PAGE, "Dashboard and alerts")] == alerts
