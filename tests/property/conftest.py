"""What the laws are tried on: answers, and the deltas they are made of."""

from dataclasses import dataclass

import pytest
from hypothesis import strategies as st

from translators.codec import Context
from translators.ir import (
    Choice,
    Dialect,
    Ended,
    Finish,
    Message,
    Opaque,
    Reasoning,
    ReasoningDelta,
    ReasoningEnd,
    Refusal,
    RefusalDelta,
    Reply,
    Started,
    Text,
    TextDelta,
    TextSigned,
    ToolArguments,
    ToolCall,
    ToolStart,
    Usage,
    Used,
)
from translators.profile import Profile

PROFILE = Profile(provider="p", model="m-1", account="a")


@dataclass(frozen=True)
class Voice:
    """What a dialect can say of an answer."""

    forms: tuple[str, ...]
    """Of blobs on thinking; empty where thinking has no place."""
    choices: int = 1
    calls: bool = True
    refusals: bool = False
    unsigned: bool = False
    """Whether thinking may come without a blob."""
    counts_unsaid: bool = False
    """Whether a count that nobody gave stays unsaid, rather than zero."""
    cache_writes: bool = True
    signs: bool = False
    """Whether signatures ride on text and calls."""
    counts_thinking: bool = False
    """Whether the tokens of thinking are always counted."""
    sound: bool = False
    """Whether tokens of sound are counted apart."""
    hours: bool = False
    """Whether it is told how long what was written to a cache is kept, and how fast the answer was served."""


VOICES = {
    Dialect.OPENAI_CHAT: Voice(
        ("signature", "redacted", "encrypted"), choices=3, refusals=True, unsigned=True, counts_unsaid=True, sound=True
    ),
    Dialect.OPENAI_COMPLETIONS: Voice((), choices=3, calls=False, counts_unsaid=True, sound=True),
    Dialect.OPENAI_RESPONSES: Voice(("encrypted",), refusals=True, unsigned=True, counts_thinking=True),
    Dialect.ANTHROPIC_MESSAGES: Voice(("signature", "redacted"), hours=True),
    Dialect.GEMINI: Voice(
        ("signature",), choices=3, refusals=True, counts_unsaid=True, cache_writes=False, signs=True, sound=True
    ),
}

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
names = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=8)
arguments = st.sampled_from(["{}", '{"a":1}', '{"path":"x/y","deep":{"b":[1,2.5,null,"é"]}}'])


def blobs(dialect):
    form = st.sampled_from(VOICES[dialect].forms)
    origin = st.just(PROFILE.origin(dialect))
    return st.builds(Opaque, form, st.text("abcXYZ+/=", min_size=1, max_size=12), origin)


@st.composite
def reasonings(draw, dialect):
    """A thinking block; redacted data has no text, and a block without a blob has some."""
    opaque = draw(st.none() | blobs(dialect) if VOICES[dialect].unsigned else blobs(dialect))
    if opaque is not None and opaque.form == "redacted":
        return Reasoning("", opaque)
    return Reasoning(draw(texts), opaque)


@st.composite
def choices(draw, dialect, index):
    voice = VOICES[dialect]
    items = draw(st.lists(reasonings(dialect), max_size=3)) if voice.forms else []
    calling = [Finish.TOOL_CALLS] if voice.calls else []
    refusing = [Finish.CONTENT_FILTER] if voice.refusals else []
    finish = draw(st.sampled_from([Finish.STOP, Finish.LENGTH, *calling, *refusing]))
    refused = finish is Finish.CONTENT_FILTER
    riding = st.none() | blobs(dialect) if voice.signs and not refused else st.none()
    parts = [Text(draw(texts), opaque=draw(riding))] if draw(st.booleans()) else []
    if refused:
        parts.append(Refusal(draw(texts)))
    if parts:
        items.append(Message("assistant", tuple(parts)))
    if finish is Finish.TOOL_CALLS:
        ids = draw(st.lists(names, min_size=1, max_size=3, unique=True))
        items += [ToolCall(f"call_{one}", draw(names), draw(arguments), opaque=draw(riding)) for one in ids]
    return Choice(tuple(items), finish, index)


@st.composite
def replies(draw, dialect):
    """An answer as the dialect itself would put it: reasoning, then text, then calls."""
    voice = VOICES[dialect]
    numbers = st.integers(0, 9999)
    maybe = st.none() | numbers if voice.counts_unsaid else numbers
    written = maybe if voice.cache_writes else st.none()
    thought = numbers if voice.counts_thinking else st.none() | numbers
    parts = {"cached": draw(maybe), "cache_write": draw(written), "reasoning": draw(thought)}
    if voice.sound:
        parts |= {"audio": draw(maybe), "audio_output": draw(maybe)}
    if voice.hours:
        parts |= {"cache_write_1h": draw(st.none() | numbers), "tier": draw(st.sampled_from([None, "fast"]))}
    fresh, said = draw(numbers), draw(numbers)
    total = fresh + (parts["cached"] or 0) + (parts["cache_write"] or 0)
    usage = Usage(total, said + (parts["reasoning"] or 0), **parts)
    count = draw(st.integers(1, voice.choices))
    made = tuple(draw(choices(dialect, index)) for index in range(count))
    return Reply(id="chatcmpl-1", model="m-1", choices=made, usage=usage)


def pieces(text):
    """Text as a few deltas would bring it."""
    return [text[:1], text[1:3], text[3:]] if len(text) > 3 else [text]


def unfold(reply):
    """The deltas a reader of some other dialect may give for this answer."""
    deltas = [Started(reply.id, reply.model)]
    for choice in reply.choices:
        deltas += [delta for item in _numbered(choice.items) for delta in _deltas(*item, choice.index)]
    deltas += [Ended(choice.finish, choice.index) for choice in reply.choices]
    return [*deltas, Used(reply.usage)]


def _numbered(items):
    number = 0
    for item in items:
        yield item, number
        number += isinstance(item, ToolCall)


def _deltas(item, number, choice):
    if isinstance(item, Reasoning):
        return [*(ReasoningDelta(one, choice) for one in pieces(item.text) if one), ReasoningEnd(item.opaque, choice)]
    if isinstance(item, ToolCall):
        start = ToolStart(number, item.id, item.name, item.custom, choice, item.opaque)
        return [start, *(ToolArguments(number, one, choice) for one in pieces(item.arguments))]
    kinds = {Text: TextDelta, Refusal: RefusalDelta}
    deltas = []
    for part in item.parts:
        deltas += [kinds[type(part)](one, choice) for one in pieces(part.text)]
        if isinstance(part, Text) and part.opaque is not None:
            deltas.append(TextSigned(part.opaque, choice))
    return deltas


@pytest.fixture(scope="session")
def context():
    return Context(id="chatcmpl-1", created=5, model="m-1", include_usage=True)


@pytest.fixture(scope="session")
def profile():
    return PROFILE


@pytest.fixture(scope="session")
def reply_of():
    """A strategy of answers for a dialect."""
    return replies


@pytest.fixture(scope="session")
def deltas_of():
    return unfold
