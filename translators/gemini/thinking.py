"""Thinking, as Gemini is told to think.

OpenAI's `reasoning_effort` is one word; Gemini 2.5 takes a budget in tokens (`thinking = "budget"`), from 3 on a level
(`thinking = "level"`), never both. Thoughts are shown (`includeThoughts`) to whom asked for an effort, a budget or a
summary. Source: Google's thinking page. How many tokens an effort means is nobody's promise; the bounds of the model
outrank the numbers here.
"""

from translators.ir import Effort, Json, Request
from translators.profile import Profile
from translators.report import Report

BUDGETS: dict[Effort, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 10_000,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 32_768,
}
LEVELS: tuple[Effort, ...] = ("minimal", "low", "medium", "high", "xhigh")
"""Gemini's levels, weakest first."""


def thinking(request: Request, profile: Profile, report: Report) -> dict[str, Json]:
    """`thinkingConfig`; empty where nothing is to be said."""
    asked = request.extra.get("thinking")
    shown = request.reasoning_summary is not None or (isinstance(asked, dict) and asked.get("type") == "adaptive")
    effort, budget = request.effort, request.thinking_budget
    if isinstance(asked, dict):
        _unsaid(asked, report)
    if profile.thinking == "none":
        if budget or effort not in (None, "none"):
            report.dropped("reasoning_effort", "the model does not reason")
        return {}
    config: dict[str, Json] = {}
    if effort is not None or budget is not None:
        if profile.thinking == "level":
            config["thinkingLevel"] = _level(effort, budget, profile, report).upper()
        else:
            config["thinkingBudget"] = _budget(effort, budget, profile, report)
        shown = shown or effort != "none"
    if shown:
        config["includeThoughts"] = True
    return config


def _unsaid(asked: dict[str, Json], report: Report) -> None:
    """What of Anthropic's `thinking` has no word: thinking by its own measure is what Gemini does anyway."""
    known = ("display", "budget_tokens", "type" if asked.get("type") in _KINDS else "")
    left = {name: one for name, one in asked.items() if name not in known}
    if left:
        report.unsaid("thinking", left, "gemini has no such way to think")


_KINDS = ("adaptive", "enabled", "disabled")


def _budget(effort: Effort | None, budget: int | None, profile: Profile, report: Report) -> int:
    least, most = profile.thinking_budget_min, profile.thinking_budget_max
    if effort == "none" and budget is None:
        if not profile.efforts or "none" in profile.efforts:
            return 0
        report.approximated("reasoning_effort", "the model can think less, not nothing")
        return least
    if budget is not None and effort is not None:
        report.dropped("reasoning_effort", "the model is told a number of tokens")
    wanted = budget if budget is not None else BUDGETS[effort or "medium"]
    fitting = max(least, wanted if most is None else min(wanted, most))
    if budget is not None and fitting != budget:
        report.clamped("thinking.budget_tokens", f"the model takes {least} to {most}")
    return fitting


def _level(effort: Effort | None, budget: int | None, profile: Profile, report: Report) -> str:
    """The level the model takes for the effort or the budget asked for."""
    taken = [level for level in LEVELS if not profile.efforts or level in profile.efforts] or ["low"]
    if budget is not None and effort in (None, "none"):
        effort = next((level for level in LEVELS if BUDGETS[level] >= budget), "xhigh")
        report.approximated("thinking.budget_tokens", f"said as level {effort}")
    elif budget is not None:
        report.dropped("thinking.budget_tokens", "the model is told a level")
    if effort in (None, "none"):
        report.approximated("reasoning_effort", "the model can think less, not nothing")
        return taken[0]
    level: Effort = "xhigh" if effort == "max" or effort is None else effort
    if level not in taken:
        # The next stronger one for the weakest, the next weaker one for all others.
        rank = LEVELS.index(level)
        weaker = [one for one in LEVELS[:rank] if one in taken]
        level = weaker[-1] if weaker else taken[0]
    if level != effort:
        report.clamped("reasoning_effort", f"{effort} became {level}")
    return level
