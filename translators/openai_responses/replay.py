"""A relayed request that gets back the reasoning its client dropped, or is rid of reasoning its target did not accept.

A client that sends back calls and messages without the reasoning before them gets it here from the turns that were
kept. Reasoning that the client did keep stays its own; where another target is known to have made it, it is left out.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from translators.ir import Json, Reasoning
from translators.openai_responses.marks import BOUND, unmarked
from translators.openai_responses.relay import without_id
from translators.openai_responses.response import summary_text
from translators.openai_responses.wire import DIALECT
from translators.profile import Profile
from translators.remember import Called, Turn
from translators.report import Report

_Item = dict[str, Json]
_CALLS = ("function_call", "custom_tool_call")


def replayed(body: dict[str, Json], turns: Sequence[Turn | None], profile: Profile, report: Report) -> dict[str, Json]:
    """The body with what this target itself thought in `turns`, its runs of the assistant's items with calls, in
    order, and without what is known to be another's."""
    items = body.get("input")
    if not isinstance(items, list):
        return body
    runs = [(own, list(run)) for own, run in groupby(items, _is_assistant)]
    called = [at for at, (own, run) in enumerate(runs) if own and any(map(_is_call, run))]
    if len(called) != len(turns):
        return body
    origin = profile.origin(DIALECT)
    foreign: list[_Item] = []
    for at, turn in zip(called, turns, strict=True):
        if turn is None:
            continue
        run = runs[at][1]
        if turn.origin == origin:
            runs[at] = True, _restored(run, turn)
        else:
            foreign += filter(_is_unmarked, run)
            runs[at] = True, [item for item in run if not _is_unmarked(item)]
    if foreign:
        first = next(i for i, item in enumerate(items) if item is foreign[0])
        report.dropped(f"input[{first}]", "reasoning of another provider")
    changed = [item for _, run in runs for item in run]
    return body if changed == items else {**body, "input": changed}


def unbound(body: dict[str, Json], profile: Profile) -> dict[str, Json] | None:  # noqa: ARG001 - the Codec's signature
    """The body without reasoning, and without the ids that tie other items to it; None where it had neither."""
    items = body.get("input")
    if not isinstance(items, list):
        return None
    bare = [without_id(item) for item in items if item.get("type") != "reasoning"]
    return None if bare == items else {**body, "input": bare}


def _is_assistant(item: _Item) -> bool:
    """Whether an item is part of the assistant's turn, as `remember` sees it."""
    kind = item.get("type", "message")
    if kind == "message":
        return item.get("role") == "assistant"
    return "role" not in item and not str(kind).endswith(("_output", "_response"))


def _is_call(item: _Item) -> bool:
    return item.get("type") in _CALLS


def _is_thought(item: _Item) -> bool:
    return item.get("type") == "reasoning"


def _is_unmarked(item: _Item) -> bool:
    """Whether this is reasoning that does not say who made it."""
    return _is_thought(item) and unmarked(item.get(BOUND)) is None


def _restored(run: list[_Item], turn: Turn) -> list[_Item]:
    """The run with the turn's reasoning before what it led to, unless the client brought some."""
    return run if any(map(_is_thought, run)) else list(_laid_out(run, turn))


def _laid_out(run: list[_Item], turn: Turn) -> Iterator[_Item]:
    left = iter(run)
    for step in turn.steps:
        if isinstance(step, Called):
            for item in left:
                yield item
                if _is_call(item):
                    break
        elif isinstance(step, Reasoning) and step.opaque is not None:
            summary = [summary_text(step.text)] if step.text else []
            yield {"type": "reasoning", "summary": summary, BOUND: step.opaque.data}
    yield from left
