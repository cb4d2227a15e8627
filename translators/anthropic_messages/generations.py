"""What of a request that passes as it came another generation of Claude refuses.

The models of one chain need not be of one age: older ones think by a number of tokens and take sampling and a prefilled
answer, newer ones think as they see fit and answer a 400 to all three; some take no forced tool, and not all a system
message among the turns. What a hint says is left out or said in the model's own form, what shapes the answer is
refused. Sources: Anthropic's pages on extended and adaptive thinking, effort, and migrating between models.
"""

from collections.abc import Mapping

from translators.anthropic_messages.thinking import BUDGET_MIN, BUDGETS, LEVELS, allowed_effort, nearest
from translators.ir import Effort, Json
from translators.profile import Profile
from translators.report import Report

Body = dict[str, Json]

GO_ON = "Continue."
_SAMPLING = ("temperature", "top_p", "top_k")
_OFF = frozenset(("disabled", "between_tools"))
_FORMS = frozenset(("none", "budget", "adaptive", "default", "always", "between_tools"))
"""Anthropic's own; a plain server of this dialect is told what the client says."""


def settle(body: Body, profile: Profile, report: Report) -> None:
    """Changes `body` (top level only) to what `profile`'s model takes; what must change is copied."""
    if profile.sampling != "all":
        _sampling(body, profile, report)
    if profile.thinking in _FORMS and ("thinking" in body or "output_config" in body):
        _thinking(body, profile, report)
        _effort(body, profile, report)
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in ("any", "tool") and not profile.forced_tool_choice:
        body["tool_choice"] = {**{name: one for name, one in choice.items() if name != "name"}, "type": "auto"}
        report.refused("tool_choice", "the model refuses a forced tool choice")
    if not (profile.prefill and profile.system_anywhere):
        _messages(body, profile, report)


def _sampling(body: Body, profile: Profile, report: Report) -> None:
    if profile.sampling == "none":
        for name in _SAMPLING:
            value = body.pop(name, None)
            if value is not None and (value != 1 or name == "top_k"):
                report.dropped(name, "the model fixes it")
    elif body.get("temperature") is not None and body.pop("top_p", 1) not in (1, None):
        report.dropped("top_p", "the model takes only one of temperature and top_p")


# -- thinking ----------------------------------------------------------------------------------------------------


def _thinking(body: Body, profile: Profile, report: Report) -> None:
    given, form = body.get("thinking"), profile.thinking
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(given, dict) or kind not in ("enabled", "adaptive", *_OFF) or kind == form:
        return
    if form == "none" and kind != "disabled":
        del body["thinking"]
        report.dropped("thinking", "the model does not reason")
    elif kind in _OFF:
        _less(body, kind, profile, report)
    elif kind == "enabled" and not _takes_budget(profile):
        _adaptive(body, given, report)
    elif kind == "adaptive" and form == "budget":
        _budget(body, given, report)


def _takes_budget(profile: Profile) -> bool:
    """Generation 4.6 takes both forms, as the last that has sampling."""
    return profile.thinking == "budget" or (profile.thinking == "adaptive" and profile.sampling != "none")


def _less(body: Body, kind: str, profile: Profile, report: Report) -> None:
    form = profile.thinking
    if kind == "disabled" and form == "between_tools":
        body["thinking"] = {"type": "between_tools"}
        report.approximated("thinking", "the model can think less, not nothing")
    elif kind == "disabled" and form == "always":
        del body["thinking"]
        report.refused("thinking", "the model cannot be told not to think")
    elif kind == "between_tools":
        del body["thinking"]
        report.dropped("thinking.type", "the model has no such way to think")


def _adaptive(body: Body, given: Mapping[str, Json], report: Report) -> None:
    """Thinks as it sees fit, at the effort that is nearest to the number of tokens, and shows it as it was shown."""
    rest = {name: one for name, one in given.items() if name not in ("type", "budget_tokens")}
    body["thinking"] = {"type": "adaptive", "display": "summarized", **rest}
    budget, config = given.get("budget_tokens"), body.get("output_config")
    config = config if isinstance(config, dict) else {}
    if not isinstance(budget, int) or config.get("effort") is not None:
        report.approximated("thinking.budget_tokens", "the model thinks as it sees fit")
        return
    effort = next((level for level in LEVELS if BUDGETS[level] >= budget), "max")
    body["output_config"] = {**config, "effort": effort}
    report.approximated("thinking.budget_tokens", f"said as effort {effort}")


def _budget(body: Body, given: Mapping[str, Json], report: Report) -> None:
    """A number of tokens for the effort, within the bound, half of which is left to the answer."""
    config, bound = body.get("output_config"), body.get("max_tokens")
    effort = config.get("effort") if isinstance(config, dict) else None
    wanted: Effort = effort if effort in LEVELS else "high"
    room = max(BUDGET_MIN, bound // 2) if isinstance(bound, int) else BUDGET_MIN
    budget = min(BUDGETS[wanted], room)
    if isinstance(bound, int) and budget >= bound:
        del body["thinking"]
        report.dropped("thinking", "the output bound leaves no room to think")
        return
    rest = {name: one for name, one in given.items() if name not in ("type", "display")}
    body["thinking"] = {**rest, "type": "enabled", "budget_tokens": budget}
    report.approximated("thinking.type", f"a budget of {budget} tokens")


def _effort(body: Body, profile: Profile, report: Report) -> None:
    config = body.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    if not isinstance(config, dict) or effort not in LEVELS:
        return
    taken: Json = effort
    if not profile.efforts and profile.thinking in ("budget", "none"):
        taken = None
        report.dropped("output_config.effort", "the model knows no effort")
    elif profile.efforts and effort not in profile.efforts:
        taken = nearest(effort, profile.efforts)
        report.clamped("output_config.effort", f"{effort} became {taken}")
    thinking = body.get("thinking")
    if taken is not None and isinstance(thinking, dict) and thinking.get("type") in _OFF:
        taken = allowed_effort(taken, profile, report)
    if taken != effort:
        rest = {name: one for name, one in config.items() if name != "effort"}
        body["output_config"] = rest if taken is None else {**rest, "effort": taken}
        if not body["output_config"]:
            del body["output_config"]


# -- messages ----------------------------------------------------------------------------------------------------


def _messages(body: Body, profile: Profile, report: Report) -> None:
    messages = body.get("messages")
    if not messages:
        return
    if not profile.system_anywhere and any(_role(message) == "system" for message in messages):
        messages = [_as_user(message, f"messages.{i}", report) for i, message in enumerate(messages)]
        body["messages"] = messages
    if not profile.prefill and _begins_answer(messages[-1]):
        report.refused(f"messages.{len(messages) - 1}", "the model takes no assistant message at the end")
        body["messages"] = [*messages, {"role": "user", "content": GO_ON}]


def _role(message: Json) -> Json:
    return message.get("role") if isinstance(message, dict) else None


def _as_user(message: Json, path: str, report: Report) -> Json:
    if _role(message) != "system":
        return message
    report.approximated(f"{path}.role", "a later system message became user text")
    content = message.get("content")
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    return {"role": "user", "content": [_wrapped(block) for block in blocks]}


def _wrapped(block: Json) -> Json:
    text = block.get("text") if isinstance(block, dict) else None
    return {**block, "text": f"<system>\n{text}\n</system>"} if isinstance(text, str) else block


def _begins_answer(message: Json) -> bool:
    """Whether the assistant's words stand last. A turn that the vendor paused is brought back the same way, and ends
    in something else, or has what its own tools did."""
    if _role(message) != "assistant":
        return False
    content = message.get("content")
    if not isinstance(content, list):
        return True
    kinds = [block.get("type") if isinstance(block, dict) else None for block in content]
    return bool(kinds) and kinds[-1] == "text" and "server_tool_use" not in kinds
