"""Whole completions, read and written. Thinking and calls have no place in a completion and stay out."""

from translators.codec import Context, Seen
from translators.faults import Failure, ProtocolFault, Truncated
from translators.fold import fold
from translators.ir import Choice, Json, Message, Refusal, Reply, Text
from translators.openai.answers import decode, read_finish, read_usage, render_usage
from translators.openai.faults import classify
from translators.openai.text import dumps
from translators.openai_completions.reader import CompletionReader, finish_reason
from translators.openai_completions.wire import ANSWER, WireAnswer, legacy_logprobs
from translators.profile import Profile


def inspect_reply(body: bytes, profile: Profile) -> Seen:
    """Raises Failure for an error dressed as an answer, ProtocolFault for what is no answer."""
    answer = _read(body)
    reason = (answer.choices or [])[0].finish_reason or ""
    return Seen(
        id=answer.id or "",
        model=answer.model or "",
        usage=None if answer.usage is None else read_usage(answer.usage, profile),
        finish=read_finish(reason, called=False),
    )


def parse_reply(body: bytes, profile: Profile) -> Reply:
    """Raises as `inspect_reply` does."""
    answer = _read(body)
    for place, choice in enumerate(answer.choices or ()):
        choice.index = place if choice.index is None else choice.index
    return fold(CompletionReader(profile).read(answer))


def _read(body: bytes) -> WireAnswer:
    answer = decode(body, ANSWER, "its answer")
    error = answer.error or next((choice.error for choice in answer.choices or () if choice.error), None)
    if error:
        raise Failure(classify(200, {"error": error}))
    if not answer.choices:
        raise ProtocolFault("its answer has no choices")
    if any(choice.text is None for choice in answer.choices):
        raise ProtocolFault("its answer has a choice without text")
    if not all(choice.finish_reason for choice in answer.choices):
        raise Truncated("its answer has a choice without a finish reason")
    return answer


def render_reply(reply: Reply, context: Context) -> bytes:
    body: dict[str, Json] = {
        "id": context.id,
        "object": "text_completion",
        "created": context.created,
        "model": context.model,
        "choices": [_render_choice(choice) for choice in reply.choices],
    }
    if reply.usage is not None:
        body["usage"] = render_usage(reply.usage)
    return dumps(body)


def _render_choice(choice: Choice) -> dict[str, Json]:
    parts = [part for item in choice.items if isinstance(item, Message) for part in item.parts]
    return {
        "text": "".join(part.text for part in parts if isinstance(part, Text | Refusal)),
        "index": choice.index,
        "logprobs": legacy_logprobs(choice.logprobs, 0),
        "finish_reason": finish_reason(choice.finish),
    }
