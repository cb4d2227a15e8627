"""What the page on selection says is what the code does."""

import re
from pathlib import Path

import pytest
from msgspec import structs

from proxy.answers import metadata
from proxy.config.load import load
from proxy.flow import Attempt, Choice, Exchange
from proxy.selection import complexity as scored
from proxy.selection.complexity import complexity
from translators.catalog import codec
from translators.ir import Dialect
from translators.usage import Usage

PAGE = "docs/selection.md"
TEXT = (Path(__file__).parents[2] / PAGE).read_text("utf-8")
KEYS = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "TOGETHER_API_KEY"), "k")
FILE = """
[providers.openai]
vendor = "openai"
[providers.anthropic]
vendor = "anthropic"
[providers.openrouter]
vendor = "openrouter"
[models.m]
"""


def test_every_part_of_the_score_has_its_row_in_order_with_its_most(rows):
    deep = {"type": "string"}
    for _ in range(9):
        deep = {"type": "object", "properties": {"a": deep}}
    shown = {"role": "user", "content": [{"type": "text", "text": "```" + "a" * 999_999}, *[{"type": "image"}] * 9]}
    body = {"messages": [shown] * 20, "tools": [{"input_schema": deep}] * 99, "reasoning_effort": "high"}
    told = [(row["part"], float(row["up to"])) for row in rows(PAGE, "How complex a request looks")]
    assert told == [(name, round(share, 3)) for name, share in complexity(body, 1.0).parts]


def test_the_bounds_of_what_is_read_are_those_of_the_code():
    text = " ".join(TEXT.split())
    assert f"the last {scored.TURNS_READ} messages are read" in text
    assert f"the first {scored.TEXT_READ:,} characters for code" in text


def test_every_field_of_the_metadata_has_its_row_and_no_other(rows):
    exchange = Exchange("r", "chat", "POST", "", {}, None, "", None, codec(Dialect.OPENAI_CHAT), 0.0)
    exchange.choice = Choice("m", "why", "s", "t", 0.1, "simple")
    exchange.skipped, exchange.translation, exchange.cost = [("a/b", "why")], "dropped=seed", 1
    exchange.attempts = [Attempt("a/c", "ok", 200, 1, "said")]
    told = metadata(exchange, 1.0, Usage(input=1, output=1))
    fields = [name for row in rows(PAGE, "What an answer says") for name in row["field"].split(", ")]
    assert sorted(fields) == sorted(told)
    [attempts] = [row["meaning"] for row in rows(PAGE, "What an answer says") if row["field"] == "attempts"]
    assert attempts == "each call: target, kind, status, ms, message"
    assert list(told["attempts"][0]) == attempts.removeprefix("each call: ").split(", ")


def test_the_header_of_the_page_is_one_that_an_answer_has():
    [shown] = re.findall(r"`x-sidestep-selection: (.*?)`", " ".join(TEXT.split()))
    names = {"complexity", "model", "reason", "score"}
    told = {part.split("=")[0] for part in shown.split("; ")[1:]}
    assert told - names == {"strategy", "task", "level"}
    assert told - {"complexity"} <= set(structs.asdict(Choice("m", "")))


CHAINS = {
    "turn failover off": ["openai/gpt-5.6-terra"],
    "have the other provider first": ["anthropic/claude-sonnet-5-5", "openai/gpt-5.6-terra"],
    "put an aggregator in place": ["openrouter/openai/gpt-5.6-terra"],
}


def names(config, model="*"):
    return [f"{step.provider}/{step.model}" for step in config.models[model].chain]


@pytest.mark.parametrize("purpose", CHAINS)
def test_a_line_of_the_file_rolls_back(rows, purpose, tmp_path):
    [line] = [row["say"] for row in rows(PAGE, "Rolling back", 1) if row["to"] == purpose]
    file = tmp_path / "c.toml"
    file.write_text(FILE + line)
    assert names(load(str(file), KEYS).config, "m") == CHAINS[purpose]


@pytest.mark.parametrize(
    ("purpose", "chains"),
    [
        ("turn failover off", [["openai/*"]]),
        ("have the other provider first", [["anthropic/*"]]),
        ("put an aggregator in place", [["openrouter/*", "anthropic/*"], ["together/*", "anthropic/*"]]),
    ],
)
def test_a_variable_rolls_back_where_there_is_no_file(rows, purpose, chains):
    [said] = [row["set"] for row in rows(PAGE, "Rolling back") if row["to"] == purpose]
    for setting, chain in zip(said.split(" or "), chains, strict=True):
        name, _, value = setting.partition("=")
        assert names(load(None, KEYS | {name: value}).config) == chain


def test_a_line_of_the_file_goes_back_to_another_strategy(rows, toml_blocks, tmp_path):
    [line] = [row["say"] for row in rows(PAGE, "Rolling back", 1) if row["to"] == "go back to another strategy"]
    [whole] = [one for one in toml_blocks if 'strategy = "balanced"' in one]
    file = tmp_path / "c.toml"
    for text, active in ((whole, "balanced"), (whole.replace('strategy = "balanced"', line), "cost_optimized")):
        file.write_text(text)
        assert load(str(file), KEYS).config.selection.strategy == active


@pytest.fixture
def toml_blocks(all_blocks):
    return [one.text for one in all_blocks if one.page == PAGE and one.language == "toml"]
