"""The page on operations shows what the commands print and the pages hold."""

import re
import signal
from pathlib import Path

from msgspec import structs

from proxy.admin.standing import key as _key
from proxy.admin.standing import target as _target
from proxy.budgets.shown import Balance, Page
from proxy.cli import budgets, client, trip
from proxy.cli.doctor import MARKS, summary
from proxy.cli.health import HEAD, lines
from proxy.config.hidden import Secret
from proxy.config.spending import NANOS, Budget, Rate, Spending
from proxy.config.values import (
    BreakerSettings,
    Client,
    Config,
    LimitSettings,
    Provider,
    ProviderKey,
    RetrySettings,
    ServerSettings,
    Target,
    TimeoutSettings,
)
from proxy.doctor import advice
from proxy.doctor.findings import CHECK_NAMES, Finding
from proxy.resilience.observed import Observed
from proxy.resilience.targets import Registry
from proxy.routing.live import Live, LiveBreaker, LiveHealth, LiveKey, LiveProbe, LiveTarget, LiveTimes
from translators.ir import Dialect
from translators.profile import Profile

ROOT = Path(__file__).parents[2]
PAGE = "docs/operations.md"
ROW = re.compile(r"  (ok|warn|FAIL|-) +([a-z]+) +(\S.*?)(?:  (\d+) ms)?")
OPENAI = Provider(
    "openai",
    Dialect.OPENAI_CHAT,
    "https://api.openai.com/v1",
    keys=(ProviderKey("env:OPENAI_API_KEY", Secret("x")),),
)
OUTAGE = Live(
    "config.toml",
    [
        LiveTarget(
            "openai/gpt-4o",
            0,
            None,
            LiveBreaker("OPEN", "consecutive", opens_for_s=20.4, admits_in_s=20.4),
            LiveHealth(
                *(142, 18, 142 / 160, {"ok": 140, "server": 18, "refused": 2}),
                *(LiveTimes(812, 3400), LiveTimes(301, 920)),
            ),
        ),
        LiveTarget(
            "anthropic/claude-sonnet-5",
            3,
            None,
            LiveBreaker("CLOSED"),
            LiveHealth(64, 0, 1.0, {"ok": 64}, LiveTimes(1100, 4200), LiveTimes(402, 1300)),
        ),
    ],
    {
        "openai": [LiveKey("env:OPENAI_API_KEY", 0, None, None, None)],
        "anthropic": [
            LiveKey("env:ANTHROPIC_API_KEY", 3, None, None, None),
            LiveKey("env:SECOND_KEY", 0, "auth", 280, None),
        ],
    },
    {
        "openai": LiveProbe(10.0, "open", up=False, why="it answered 503", ms=9.0, ago_s=3.0, next_in_s=7.0),
        "anthropic": LiveProbe(10.0, None, up=True, why="it answered 200", ms=80.0, ago_s=95.0, next_in_s=4.0),
    },
    configured=["openai/gpt-4o", "anthropic/claude-sonnet-5", "local/qwen3-32b"],
)


def shown(all_blocks, page):
    [block] = [one for one in all_blocks if one.page == page and one.text.startswith("$ sidestep doctor\n")]
    return block.text.splitlines()[1:]


def found(lines):
    """The findings that such lines tell, with what is advised below them."""
    findings = []
    for line in lines:
        if match := ROW.fullmatch(line):
            verdict = next(name for name, mark in MARKS.items() if mark == match[1])
            findings.append(Finding("", match[2], verdict, match[3]))
        elif line.strip().startswith("-> "):
            findings.append(structs.replace(findings.pop(), fix=line.strip().removeprefix("-> ")))
    return findings


def test_the_shown_examination_is_one_it_could_print(all_blocks):
    lines = shown(all_blocks, PAGE)
    told = found(lines)
    assert {one.check for one in told} <= {*CHECK_NAMES, "tokenizer", "ledger"}
    assert lines[-1] == summary(told)
    [failed] = [one for one in told if one.verdict == "fail"]
    assert failed.fix == advice.refused_key(OPENAI.keys[0], 401, OPENAI)


def test_every_check_is_in_the_table_and_no_other(rows):
    named = {name for row in rows(PAGE, "sidestep doctor") for name in row["check"].split(", ")}
    assert named == {*CHECK_NAMES, "tokenizer", "ledger", "settings"}


def test_the_tables_of_the_state_name_its_fields(rows):
    registry = Registry(lambda: 0.0, b"k")
    target = Target(OPENAI, "m", Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings())
    state = registry.target(target, 0.0)
    state.observed = Observed()
    page = _target(state, 0.0, 0.0)
    breaker, fared = page.pop("breaker"), page.pop("health")
    ordered_by = page.pop("observed")
    flat = {*page, *(f"breaker.{name}" for name in breaker)}
    assert {row["of a target"] for row in rows(PAGE, "/state")} == flat
    told = {row["of a target's last five minutes"] for row in rows(PAGE, "/state", 1)}
    assert told == {f"health.{name}" for name in fared}
    shown = [row["of a target that an order looks at"].split(", ") for row in rows(PAGE, "/state", 2)]
    assert {name for names in shown for name in names} == {f"observed.{name}" for name in ordered_by}
    [key] = registry.keys(OPENAI).snapshot(0.0)
    assert {row["of a key"] for row in rows(PAGE, "/state", 3)} == {*_key(key, 0.0)}
    assert {row["of a look"] for row in rows(PAGE, "/state", 4)} == {field.name for field in structs.fields(LiveProbe)}


def test_what_is_shown_of_a_target_that_is_taken_out_is_what_the_command_prints(all_blocks):
    out = LiveTarget("openai/gpt-4o", 3, None, LiveBreaker("OPEN", "manual", opens_for_s=31.4, admits_in_s=31.4))
    [shown] = [one for one in all_blocks if one.page == PAGE and one.text.startswith("$ sidestep trip")]
    assert shown.text.splitlines()[1:] == [*trip.lines(out)]


def test_the_columns_of_the_health_table_are_those_it_has(rows):
    named = [name for row in rows(PAGE, "sidestep health") for name in row["column"].split(", ")]
    assert named == [*HEAD[1:]]


def test_the_shown_health_is_one_it_could_print(all_blocks):
    [shown] = [one for one in all_blocks if one.page == PAGE and "looks at providers\n" in one.text]
    assert shown.text.splitlines() == list(lines(OUTAGE))


SPENT = {
    "budget": "users", "scope": {"user": "ann"}, "unit": "usd", "limit": "5", "spent": "1.5", "reserved": "0.25",
    "lost": "1", "fraction": 0.3, "window": "day", "window_end": "2026-11-22T00:00:00Z", "mode": "hard",
    "when_spent": "reject",
}  # fmt: skip


def test_what_is_shown_of_budgets_is_what_the_commands_print(all_blocks):
    found = Page([Balance(**SPENT)], "ok")
    spending = Spending(
        (Budget("users", "usd", 5 * NANOS, "day", {"user": "*"}),), (Rate("users", {"user": "*"}, 20, 0, 4),)
    )
    app = Client("app", (), models=("gpt-4o", "claude-*"), team="research", speaks_for=("user", "task"))
    told = client.holding(Config({}, {}, clients={"app": app}, spending=spending), "app", {"user": "ann"})
    texts = [one.text.splitlines() for one in all_blocks if one.page == PAGE and one.language == "text"]
    assert [*budgets.lines(found)] in texts
    assert [*client.lines(client.with_balances(told, found))] in texts


def test_what_a_proxy_in_front_is_told_fits_the_defaults():
    told = re.search(r"```nginx\n(.+?)```", (ROOT / PAGE).read_text("utf-8"), re.DOTALL)[1]
    set_to = dict(re.findall(r"(?m)^ +(\w+) ([^;\n]+);", told))
    assert (set_to["proxy_http_version"], set_to["proxy_buffering"]) == ("1.1", "off")
    assert float(set_to["proxy_read_timeout"].removesuffix("s")) >= TimeoutSettings().deadline_s
    assert int(set_to["client_max_body_size"].removesuffix("m")) << 20 == LimitSettings().body_bytes
    assert set_to["proxy_pass"] == f"http://{ServerSettings().listen}"


def test_the_exit_codes_of_a_second_signal_are_those_of_the_signals():
    told = (ROOT / PAGE).read_text("utf-8").partition("## Stopping")[2]
    assert f"{128 + signal.SIGTERM} for SIGTERM and {128 + signal.SIGINT} for SIGINT" in told
