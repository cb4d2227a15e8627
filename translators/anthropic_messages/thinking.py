"""Reasoning: how a model is told to think, and which earlier thinking it gets back.

OpenAI's `reasoning_effort` is one word; Anthropic's models differ by generation in what they take (its extended
thinking, adaptive thinking and effort pages). `Profile.thinking` names the form:

- `budget`: `enabled` with a token budget; one made of an effort comes on top of the answer's bound.
- `adaptive`: thinks only when told `adaptive`; `default`: thinks unless `disabled`; `always`: cannot be told not to;
  `between_tools`: its least is `between_tools`. How much is `output_config.effort`.
- `effort`: only the effort is said. `none`: it cannot think.

`display: summarized` comes with every asked-for thinking, because newer models otherwise return it empty; a caller
that writes Anthropic's own `adaptive` object gets what it wrote.
A thinking block goes back only to its maker, unchanged: see `earlier`.
"""

from collections.abc import Mapping

from msgspec import Struct

from translators.anthropic_messages.wire import DIALECT
from translators.ir import Effort, Json, Reasoning, Request
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
BUDGET_MIN = 1024
LEVELS: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")
"""Anthropic's efforts, weakest first."""
_OFF = frozenset(("disabled", "between_tools"))


class Wish(Struct, frozen=True):
    """What the caller asked of the model's thinking; None where nothing was said."""

    on: bool | None = None
    effort: Effort | None = None
    budget: int | None = None
    more: Mapping[str, Json] = {}
    """Further fields of a `thinking` object the caller wrote, e.g. `display`."""
    exact: bool = False
    """Whether the caller wrote `adaptive` and so chose what is shown, too."""
    shown: bool = False
    """Whether a summary of it was asked for."""


def wish(request: Request) -> Wish:
    """The neutral effort and budget, and a `thinking` object among the extension fields, which outranks them."""
    given = request.extra.get("thinking")
    effort = None if request.effort == "none" else request.effort
    asked = bool(effort or request.thinking_budget) or None
    shown = request.reasoning_summary is not None
    if not isinstance(given, dict):
        return Wish(False if request.effort == "none" else asked, effort, request.thinking_budget, shown=shown)
    kind, budget = given.get("type"), given.get("budget_tokens")
    on = asked if kind is None else not (isinstance(kind, str) and kind in _OFF)
    more = {key: value for key, value in given.items() if key not in ("type", "budget_tokens")}
    budget = budget if isinstance(budget, int) else request.thinking_budget
    return Wish(on, effort, budget, more, kind == "adaptive", shown)


class Thinking(Struct, frozen=True):
    """What goes into the body: the `thinking` object and the effort."""

    field: dict[str, Json] | None = None
    effort: str | None = None
    budget: int = 0
    """Tokens to think with, 0 where the model is not told a number."""
    on_top: bool = False
    """Whether the budget came from an effort and so is not yet part of the caller's output bound."""


def plan(asked: Wish, profile: Profile, report: Report) -> Thinking:
    """The model's form of what was asked; what it cannot do is noted under `reasoning_effort`."""
    if asked.on is None:
        return _unasked(asked, profile, report)
    if not asked.on:
        if asked.shown:
            report.dropped("reasoning.summary", "there is no thinking to show")
        return _off(profile, report)
    if profile.thinking == "none":
        report.dropped("reasoning_effort", "the model does not reason")
        return Thinking()
    if profile.thinking == "budget":
        if asked.budget and asked.effort:
            report.dropped("reasoning_effort", "the model is told a number of tokens")
        budget = asked.budget or BUDGETS[asked.effort or "high"]
        budget = max(BUDGET_MIN, budget)
        field = {"type": "enabled", "budget_tokens": budget, **asked.more}
        return Thinking(field, None, budget, on_top=not asked.budget)
    effort = _level(asked, profile, report)
    if profile.thinking == "effort":
        return Thinking(None, effort)
    shown = {} if asked.exact else {"display": "summarized"}
    return Thinking({"type": "adaptive", **shown, **asked.more}, effort)


def _unasked(asked: Wish, profile: Profile, report: Report) -> Thinking:
    """Nothing was said of how much to think: what a model thinks by itself may still be shown."""
    if asked.shown and profile.thinking in ("default", "always", "between_tools"):
        return Thinking({"type": "adaptive", "display": "summarized"})
    if asked.shown:
        report.dropped("reasoning.summary", "the model thinks only when it is told to")
    return Thinking()


def _off(profile: Profile, report: Report) -> Thinking:
    if profile.thinking == "between_tools":
        report.approximated("reasoning_effort", "the model can think less, not nothing")
        return Thinking({"type": "between_tools"})
    if profile.thinking == "always":
        report.refused("reasoning_effort", "the model cannot be told not to think")
        return Thinking(None, nearest("low", profile.efforts))
    return Thinking({"type": "disabled"}) if profile.thinking == "default" else Thinking()


def _level(asked: Wish, profile: Profile, report: Report) -> str | None:
    """The effort the model takes for the one asked for, or for the budget asked for."""
    wanted: Effort | None = asked.effort
    if wanted is not None and asked.budget:
        report.dropped("thinking.budget_tokens", "the model is told an effort")
    elif asked.budget:
        wanted = next((level for level in LEVELS if BUDGETS[level] >= asked.budget), "max")
        report.approximated("thinking.budget_tokens", f"said as effort {wanted}")
    if wanted is None:
        return None
    level = nearest(wanted, profile.efforts)
    if level != wanted:
        report.clamped("reasoning_effort", f"{wanted} became {level or 'the default'}")
    return level


def nearest(wanted: Effort, efforts: tuple[Effort, ...]) -> str | None:
    """The level itself, else the next stronger one for `minimal` and `xhigh`, else the next weaker one."""
    level: Effort = "low" if wanted == "minimal" else wanted
    taken = efforts or LEVELS
    if level in taken:
        return level
    if level == "xhigh" and "max" in taken:
        return "max"
    rank = LEVELS.index(level) if level in LEVELS else 0
    weaker = [one for one in LEVELS[:rank] if one in taken]
    return weaker[-1] if weaker else next((one for one in LEVELS if one in taken), None)


def allowed_effort(effort: Json, profile: Profile, report: Report) -> Json:
    """The effort that may stand beside thinking turned off: some models allow that only at lower ones."""
    if not profile.disable_efforts or effort in profile.disable_efforts or effort not in LEVELS:
        return effort
    report.clamped("output_config.effort", "thinking is off only at a lower effort")
    return max((one for one in profile.disable_efforts if one in LEVELS), key=LEVELS.index, default=effort)


def earlier(item: Reasoning, origin: str) -> dict[str, Json] | None:
    """The block for one piece of earlier thinking, unchanged, if `origin` made it; None when it must stay here."""
    opaque = item.opaque
    if opaque is None or opaque.origin != origin:
        return None
    if opaque.form == "redacted":
        return {"type": "redacted_thinking", "data": opaque.data}
    return {"type": "thinking", "thinking": item.text, "signature": opaque.data}


def origin_of(profile: Profile) -> str:
    return profile.origin(DIALECT)
