"""A wire body made to fit what the target's profile takes, whether it passes through or was rendered.

Hints that a model refuses are dropped, values past a limit are clamped, and what shapes the answer (probabilities, a
schema, tools) is refused, so that the target is skipped rather than the answer spoiled. Values that only say the
default are left out without a word. Nested objects are copied before they change. `names` gives what the client calls a
field, for the report.
"""

from collections.abc import Callable, Mapping
from typing import get_args

from translators.ir import Effort, Json
from translators.openai_responses.request import LOGPROBS
from translators.profile import Profile
from translators.report import Report

Body = dict[str, Json]

EFFORTS = get_args(Effort)
BOUND_MIN = 16
"""The least output bound that OpenAI takes here."""
_SHAPE = frozenset({"tools", "tool_choice", "text", "top_logprobs"})
_DEFAULTS: dict[str, Json] = {
    "temperature": 1,
    "top_p": 1,
    "parallel_tool_calls": True,
    "store": False,
    "service_tier": "auto",
    "truncation": "disabled",
    "tool_choice": "auto",
}
CHAT_NAMES = {
    "reasoning.effort": "reasoning_effort",
    "reasoning": "reasoning_effort",
    "text": "response_format",
    "text.format": "response_format",
    "include": "logprobs",
    "max_output_tokens": "max_completion_tokens",
    "top_logprobs": "logprobs",
}
"""What Reports call these fields (`translators.report`); a body that was not translated is told of in its own words."""


class Fit:
    """One body on its way to one target. `run` changes its top level only."""

    def __init__(self, body: Body, profile: Profile, report: Report, names: Mapping[str, str]) -> None:
        self._body = body
        self._profile = profile
        self._report = report
        self._names = names

    def run(self) -> None:
        for name, adjust in _ADJUST.items():
            if self._body.get(name) is not None:
                adjust(self)
        for name in sorted(self._profile.rejects & self._body.keys() - {"model", "input"}):
            self._leave_out(name)
        for name, value in self._profile.requires.items():
            self._body.setdefault(name, value)

    def _name(self, field: str) -> str:
        return self._names.get(field, field)

    def _leave_out(self, name: str) -> None:
        value = self._body.pop(name)
        if value in (None, [], {}, "") or value == _DEFAULTS.get(name, False):
            return
        note = self._report.refused if name in _SHAPE else self._report.dropped
        note(self._name(name), "the model does not take it")

    def bound(self) -> None:
        bound, most = self._body["max_output_tokens"], self._profile.max_output
        if isinstance(bound, int) and most is not None and bound > most:
            self._body["max_output_tokens"] = most
            self._report.clamped(self._name("max_output_tokens"), f"the model writes at most {most} tokens")

    def temperature(self) -> None:
        value = self._body["temperature"]
        if self._profile.sampling == "none":
            self._leave_out("temperature")
        elif isinstance(value, int | float) and value > self._profile.temperature_max:
            self._body["temperature"] = self._profile.temperature_max
            self._report.clamped("temperature", f"the model takes at most {self._profile.temperature_max:g}")

    def top_p(self) -> None:
        sampling = self._profile.sampling
        if sampling == "none" or (sampling == "one_of" and self._body.get("temperature") is not None):
            self._leave_out("top_p")

    def tools(self) -> None:
        if not self._profile.tools:
            self._body.pop("tool_choice", None)
            self._body.pop("parallel_tool_calls", None)
            if self._body.pop("tools"):
                self._report.refused("tools", "the model takes no tools")

    def tool_choice(self) -> None:
        choice = self._body["tool_choice"]
        allows = isinstance(choice, dict) and choice.get("type") == "allowed_tools" and choice.get("mode") == "auto"
        if choice not in ("auto", "none") and not allows and not self._profile.forced_tool_choice:
            del self._body["tool_choice"]
            self._report.refused("tool_choice", "the model cannot be forced to call")

    def parallel(self) -> None:
        if not self._profile.parallel_tool_calls:
            self._leave_out("parallel_tool_calls")

    def text(self) -> None:
        text = self._body["text"]
        form = text.get("format") if isinstance(text, dict) else None
        if not self._profile.json_schema and isinstance(form, dict) and form.get("type") == "json_schema":
            self._body["text"] = {name: value for name, value in text.items() if name != "format"}
            self._report.refused(self._name("text.format"), "the model takes no schema")

    def include(self) -> None:
        asked = self._body["include"]
        if not self._profile.logprobs and isinstance(asked, list) and LOGPROBS in asked:
            self._body["include"] = [one for one in asked if one != LOGPROBS]
            self._body.pop("top_logprobs", None)
            self._report.refused(self._name("top_logprobs"), "the model gives none")

    def reasoning(self) -> None:
        """The nearest effort the model takes, the lower one of two equally near. Its strongest one is offered here
        even where chat does not have it, by models that reason unasked."""
        profile, reasoning = self._profile, self._body["reasoning"]
        effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
        if profile.thinking == "none":
            del self._body["reasoning"]
            if effort not in (None, "none"):
                self._report.dropped(self._name("reasoning.effort"), "the model does not reason")
            return
        efforts = (*profile.efforts, "max") if profile.reasons and "xhigh" in profile.efforts else profile.efforts
        if not efforts or effort not in EFFORTS or effort in efforts:
            return
        asked = EFFORTS.index(effort)
        nearest = min(efforts, key=lambda one: (abs(EFFORTS.index(one) - asked), EFFORTS.index(one)))
        self._body["reasoning"] = {**reasoning, "effort": nearest}
        self._report.clamped(self._name("reasoning.effort"), f"the model knows no {effort}; sent as {nearest}")


_ADJUST: dict[str, Callable[[Fit], None]] = {
    "max_output_tokens": Fit.bound,
    "temperature": Fit.temperature,
    "top_p": Fit.top_p,
    "tools": Fit.tools,
    "tool_choice": Fit.tool_choice,
    "parallel_tool_calls": Fit.parallel,
    "text": Fit.text,
    "include": Fit.include,
    "reasoning": Fit.reasoning,
}
