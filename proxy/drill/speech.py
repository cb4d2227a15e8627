"""What a scripted provider says: a pure function of the question, so that the same request always gets the same answer.

The text echoes the last user message. Tools are called until the conversation ends in tool results; a JSON schema is
answered by its smallest instance. Tokens follow one stated rule, so that usage can be checked anywhere: the UTF-8
bytes of the text in question divided by 4, rounded up.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from proxy.drill.instance import smallest_instance

ECHO_CHARS = 2_000
REASONING = "The question is scripted, so the answer is too."


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    schema: Mapping[str, Any]
    custom: bool = False
    """A free-text tool: its input is text, not JSON."""


@dataclass(frozen=True, slots=True)
class Question:
    """A chat request, reduced to what the answer depends on."""

    key: str
    """Hex digest of the request's bytes; ids are made from it."""
    provider: str
    """The name of the provider that was asked."""
    model: str
    stream: bool
    text: str
    """The last user text."""
    heard: int
    """UTF-8 bytes of all texts in the request."""
    images: tuple[str, ...] = ()
    """Per image its media type, or `url`."""
    tool_results: int = 0
    """How many tool results end the conversation; 0 when something else ends it."""
    steps: int = 0
    """How many tool results there are since the last user text."""
    tools: tuple[Tool, ...] = ()
    """The tools that may be called; empty when the choice is none."""
    forced: bool = False
    """A tool must be called even after tool results."""
    parallel: bool = True
    schema: Mapping[str, Any] | None = None
    """Asked-for output schema; `{}` for plain JSON mode."""
    reasoning: Literal["no", "hidden", "shown"] = "no"
    sealed: bool = False
    """Reasoning is given in its encrypted form too."""
    max_tokens: int | None = None
    include_usage: bool = False
    n: int = 1


@dataclass(frozen=True, slots=True)
class Call:
    id: str
    name: str
    arguments: str
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    calls: tuple[Call, ...]
    reasoning: str
    """Empty where the model did not reason."""
    show_reasoning: bool
    finish: Literal["stop", "length", "tools"]
    prompt_tokens: int
    completion_tokens: int
    """Reasoning included."""
    reasoning_tokens: int
    deltas: tuple[str, ...]
    """The text in the pieces a stream sends."""
    pauses: bool = False
    """It stops to be asked for the rest, where the dialect knows that."""
    cached_tokens: int = 0
    """Of the prompt's, those that were read from the cache."""
    obfuscated: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    """How an answer is to be given, beside what the request says."""

    deltas: int | None = None
    """Content deltas of a text; None for one a word. A text with fewer words is filled up."""
    reasoning: bool = False
    """Shows reasoning even where the request does not ask for it."""
    pauses: bool = False
    cached: bool = False
    """All of the prompt but one token is read from the cache."""
    obfuscated: bool = False
    """Words of a stream are padded, where the dialect knows that, so that their length does not tell them."""


PLAIN = Style()


def digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def padding(reply: Reply, piece: str, at: int) -> dict[str, str]:
    """The member that pads `piece`, the words of the event numbered `at`; none where nothing is padded."""
    return {"obfuscation": digest(b"%d" % at)[: -len(piece) % 16]} if reply.obfuscated else {}


def tokens(count: int) -> int:
    """Tokens of `count` bytes of text."""
    return -(-count // 4)


def speak(question: Question, note: str = "", style: Style = PLAIN) -> Reply:
    """The answer; `note` precedes every free text."""
    calls = _calls(question)
    text = "" if calls else _text(question, note)
    reasoning = REASONING if style.reasoning or question.reasoning != "no" else ""
    deltas = _pieces(text, style.deltas) if text else ()
    reply = Reply(
        text="".join(deltas),
        calls=calls,
        reasoning=reasoning,
        show_reasoning=style.reasoning or question.reasoning == "shown",
        finish="tools" if calls else "stop",
        prompt_tokens=max(1, tokens(question.heard)),
        completion_tokens=0,
        reasoning_tokens=tokens(len(reasoning)),
        deltas=deltas,
        pauses=style.pauses,
        cached_tokens=max(1, tokens(question.heard)) - 1 if style.cached else 0,
        obfuscated=style.obfuscated,
    )
    return _counted(_bounded(reply, question.max_tokens))


def _calls(question: Question) -> tuple[Call, ...]:
    called = _called(question)
    return tuple(
        Call(f"call_{question.key}_{position}", tool.name, _arguments(tool), tool.custom)
        for position, tool in enumerate(called)
    )


def _called(question: Question) -> tuple[Tool, ...]:
    """The tools to call now: the first one, all of them at once (`parallel`), or each in its turn (`step by step`)."""
    asked = question.text.lower()
    if "step by step" in asked:
        return question.tools[question.steps : question.steps + 1]
    if question.tool_results and not question.forced:
        return ()
    if question.parallel and "parallel" in asked and question.tools:
        return question.tools if len(question.tools) > 1 else question.tools * 2
    return question.tools[:1]


def _arguments(tool: Tool) -> str:
    return "demo input" if tool.custom else orjson.dumps(smallest_instance(tool.schema) or {}).decode()


def _text(question: Question, note: str) -> str:
    if question.schema is not None:
        return orjson.dumps(smallest_instance(question.schema or {"type": "object"})).decode()
    parts = [f"{note}demo answer from {question.provider}: {question.text[:ECHO_CHARS]}"]
    if question.images:
        parts.append(f"I see {_counted_noun(len(question.images), 'image')} ({', '.join(question.images)}).")
    if question.tool_results:
        parts.append(f"I have {_counted_noun(question.tool_results, 'tool result')}.")
    return " ".join(parts)


def _counted_noun(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _pieces(text: str, count: int | None) -> tuple[str, ...]:
    """Words with the space before them; exactly `count` pieces where a count is given."""
    first, *rest = text.split(" ")
    words = [first, *(f" {word}" for word in rest)]
    if count is None:
        return tuple(word for word in words if word)
    words += [f" token{position}" for position in range(len(words), count)]
    return (*words[: count - 1], "".join(words[count - 1 :]))


def _bounded(reply: Reply, max_tokens: int | None) -> Reply:
    """The reply cut to the asked-for bound, as a model would stop there."""
    if max_tokens is None or tokens(len(reply.text.encode())) <= max_tokens:
        return reply
    left = max_tokens * 4
    deltas = []
    for piece in reply.deltas:
        kept = piece.encode()[:left].decode(errors="ignore")
        left -= len(piece.encode())
        if kept:
            deltas.append(kept)
        if left <= 0:
            break
    return replace(reply, text="".join(deltas), deltas=tuple(deltas), finish="length")


def _counted(reply: Reply) -> Reply:
    spoken = len(reply.text.encode()) + sum(len(call.arguments.encode()) for call in reply.calls)
    return replace(reply, completion_tokens=tokens(spoken) + reply.reasoning_tokens)
