"""One answer out of several: a paused one and what followed it, and the counts of calls that made one answer.

Counts add up, since each call is billed. But for one: a call that goes on by a token alone, without the answer so far,
has the same prompt as the one before, and the answer's prompt is that of the first.
"""

from collections.abc import Mapping

from msgspec import structs

from translators.ir import Choice, Continued, Item, Json, Message, Part, Reply, Text, Usage


def added(first: Usage | None, second: Usage | None) -> Usage | None:
    """The counts of both, and of each; None where neither was counted."""
    if first is None or second is None:
        return second if first is None else first
    return Usage(
        input=first.input + second.input,
        output=first.output + second.output,
        cached=_sum(first.cached, second.cached),
        cache_write=_sum(first.cache_write, second.cache_write),
        reasoning=_sum(first.reasoning, second.reasoning),
        cache_write_1h=_sum(first.cache_write_1h, second.cache_write_1h),
        audio=_sum(first.audio, second.audio),
        audio_output=_sum(first.audio_output, second.audio_output),
        tier=first.tier or second.tier,
        searches=_sum(first.searches, second.searches),
        calls=(first.calls or (first,)) + (second.calls or (second,)),
    )


def resumed(first: Usage | None, second: Usage | None, pause: Continued) -> Usage | None:
    """The counts of an answer up to `pause`, and of what followed."""
    total = added(first, second)
    if total is None or first is None or pause.appended:
        return total
    return structs.replace(
        total,
        input=first.input,
        cached=first.cached,
        cache_write=first.cache_write,
        cache_write_1h=first.cache_write_1h,
        audio=first.audio,
    )


def joined(paused: Reply, following: Reply) -> Reply:
    """The whole of a paused reply of one choice and the reply that went on with it, which may itself be paused."""
    pause = paused.continued or Continued()
    return structs.replace(
        paused,
        choices=(_choice(paused.choices[0], following.choices[0]),),
        usage=resumed(paused.usage, following.usage, pause),
        continued=following.continued,
        lost=paused.lost + following.lost,
    )


def _sum(first: int | None, second: int | None) -> int | None:
    return first if second is None else second + (first or 0)


def _choice(first: Choice, second: Choice) -> Choice:
    return Choice(
        items=_items(first.items, second.items),
        finish=second.finish,
        index=first.index,
        stop_sequence=second.stop_sequence,
        annotations=(*first.annotations, *(_moved(one, _length(first.items)) for one in second.annotations)),
        logprobs=_logprobs(first.logprobs, second.logprobs),
    )


def _items(first: tuple[Item, ...], second: tuple[Item, ...]) -> tuple[Item, ...]:
    """All items; a message that the pause cut in two is one again, as in a stream."""
    if not first or not second:
        return first + second
    last, following = first[-1], second[0]
    if not isinstance(last, Message) or not isinstance(following, Message):
        return first + second
    whole = Message("assistant", _parts(last.parts, following.parts), phase=last.phase)
    return (*first[:-1], whole, *second[1:])


def _parts(first: tuple[Part, ...], second: tuple[Part, ...]) -> tuple[Part, ...]:
    last, following = first[-1] if first else None, second[0] if second else None
    if not isinstance(last, Text) or not isinstance(following, Text) or last.opaque is not None:
        return first + second
    return (*first[:-1], Text(last.text + following.text, opaque=following.opaque), *second[1:])


def _length(items: tuple[Item, ...]) -> int:
    """Characters of the answer's text."""
    parts = [part for item in items if isinstance(item, Message) for part in item.parts]
    return sum(len(part.text) for part in parts if isinstance(part, Text))


def _moved(annotation: Mapping[str, Json], by: int) -> Mapping[str, Json]:
    """A citation whose offsets were counted from the pause on."""
    cited = annotation.get("url_citation")
    if not isinstance(cited, dict):
        return annotation
    offsets = {name: cited[name] + by for name in ("start_index", "end_index") if isinstance(cited.get(name), int)}
    return {**annotation, "url_citation": {**cited, **offsets}}


def _logprobs(first: Json, second: Json) -> Json:
    if not isinstance(first, dict) or not isinstance(second, dict):
        return first or second
    return {name: [*(first.get(name) or ()), *(second.get(name) or ())] for name in {**first, **second}}
