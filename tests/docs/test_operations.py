"""The page on operations shows what the commands print and the pages hold."""

import re

from msgspec import structs

from proxy.app import _key, _target
from proxy.cli.doctor import MARKS, summary
from proxy.config.values import BreakerSettings, Provider, ProviderKey, RetrySettings, Secret, Target, TimeoutSettings
from proxy.doctor import advice
from proxy.doctor.findings import CHECK_NAMES, Finding
from proxy.resilience.targets import Registry
from translators.ir import Dialect
from translators.profile import Profile

PAGE = "docs/operations.md"
ROW = re.compile(r"  (ok|warn|FAIL|-) +([a-z]+) +(\S.*?)(?:  (\d+) ms)?")
OPENAI = Provider(
    "openai",
    Dialect.OPENAI_CHAT,
    "https://api.openai.com/v1",
    keys=(ProviderKey("env:OPENAI_API_KEY", Secret("x")),),
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
    assert {one.check for one in told} <= {*CHECK_NAMES, "tokenizer"}
    assert lines[-1] == summary(told)
    [failed] = [one for one in told if one.verdict == "fail"]
    assert failed.fix == advice.refused_key(OPENAI.keys[0], 401, OPENAI)


def test_every_check_is_in_the_table_and_no_other(rows):
    named = {name for row in rows(PAGE, "sidestep doctor") for name in row["check"].split(", ")}
    assert named == {*CHECK_NAMES, "tokenizer", "settings"}


def test_the_tables_of_the_state_name_its_fields(rows):
    registry = Registry(lambda: 0.0, b"k")
    target = Target(OPENAI, "m", Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings())
    page = _target(registry.target(target, 0.0), 0.0)
    breaker = page.pop("breaker")
    flat = {*page, *(f"breaker.{name}" for name in breaker)}
    assert {row["of a target"] for row in rows(PAGE, "/state")} == flat
    [key] = registry.keys(OPENAI).snapshot(0.0)
    assert {row["of a key"] for row in rows(PAGE, "/state", 1)} == {*_key(key, 0.0)}
