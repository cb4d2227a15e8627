"""Budgets and levels."""

import pytest

OLD = {"thinking": "budget", "efforts": (), "thinking_budget_min": 512, "thinking_budget_max": 24_576}


@pytest.fixture
def thought(render, target):
    def run(profile=(), **fields):
        body, report = render(profile=target(**dict(profile)), **fields)
        return body.get("generationConfig", {}).get("thinkingConfig"), report

    return run


@pytest.mark.parametrize(
    ("effort", "level", "verdict"),
    [
        ("low", "LOW", None),
        ("medium", "MEDIUM", None),
        ("high", "HIGH", None),
        ("minimal", "LOW", "clamped"),
        ("xhigh", "HIGH", "clamped"),
        ("max", "HIGH", "clamped"),
    ],
)
def test_a_newer_model_is_given_a_level(thought, effort, level, verdict):
    config, report = thought(effort=effort)
    assert config == {"thinkingLevel": level, "includeThoughts": True}
    assert report.get("reasoning_effort") == verdict


def test_a_level_that_is_missing_becomes_the_next_weaker_one(thought):
    assert thought({"efforts": ("low", "high")}, effort="medium")[0]["thinkingLevel"] == "LOW"
    assert thought({"efforts": ("minimal", "xhigh")}, effort="max")[0]["thinkingLevel"] == "XHIGH"


@pytest.mark.parametrize(("efforts", "level"), [(("low", "high"), "LOW"), (("minimal", "low"), "MINIMAL")])
def test_a_newer_model_cannot_be_told_not_to_think(thought, efforts, level):
    config, report = thought({"efforts": efforts}, effort="none")
    assert config == {"thinkingLevel": level}
    assert report == {"reasoning_effort": "approximated"}


def test_a_budget_is_a_level_to_a_newer_model(thought):
    config, report = thought(thinking_budget=9000)
    assert config["thinkingLevel"] == "MEDIUM"
    assert report == {"thinking.budget_tokens": "approximated"}


@pytest.mark.parametrize(("effort", "budget"), [("minimal", 1024), ("low", 2048), ("high", 16_384), ("max", 24_576)])
def test_an_older_model_is_given_a_budget(thought, effort, budget):
    assert thought(OLD, effort=effort) == ({"thinkingBudget": budget, "includeThoughts": True}, {})


def test_an_older_model_may_be_told_not_to_think_but_for_pro(thought):
    assert thought(OLD, effort="none") == ({"thinkingBudget": 0}, {})
    config, report = thought({**OLD, "efforts": ("low", "high")}, effort="none")
    assert (config, report) == ({"thinkingBudget": 512}, {"reasoning_effort": "approximated"})


@pytest.mark.parametrize(
    ("asked", "sent", "verdict"), [(100, 512, "clamped"), (99_999, 24_576, "clamped"), (600, 600, None)]
)
def test_a_budget_keeps_to_the_models_bounds(thought, asked, sent, verdict):
    config, report = thought(OLD, thinking_budget=asked)
    assert config["thinkingBudget"] == sent
    assert report.get("thinking.budget_tokens") == verdict


def test_a_model_that_does_not_reason_is_told_nothing(thought):
    assert thought({"thinking": "none"}, effort="high") == (None, {"reasoning_effort": "dropped"})
    assert thought({"thinking": "none"}, effort="none", reasoning_summary="auto") == (None, {})


@pytest.mark.parametrize("fields", [{"reasoning_summary": "auto"}, {"extra": {"thinking": {"type": "adaptive"}}}])
def test_who_wants_to_read_thoughts_is_shown_them(thought, fields):
    assert thought(**fields) == ({"includeThoughts": True}, {})


def test_nothing_asked_is_nothing_said(thought):
    assert thought() == (None, {})


def test_a_way_to_think_that_gemini_has_not_is_told(thought):
    told = {"thinking.type": "dropped", "thinking.novel": "dropped"}
    assert thought(extra={"thinking": {"type": "between_tools", "novel": 1}}) == (None, told)
    assert thought(extra={"thinking": {"type": "adaptive", "display": "omitted"}})[1] == {}
