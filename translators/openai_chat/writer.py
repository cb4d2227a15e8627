"""Deltas as chunks of a chat stream, in the order OpenAI itself sends them.

A role chunk opens each choice, then come deltas, one finish reason per choice, the usage chunk where it was asked for
(then every other chunk says `usage: null`) and `[DONE]`. What does not change within a stream is formatted once.

Deliberate choices:
- A call that got no arguments is given `{}` at the finish, not before: calls may be written in turns. An answer that
  was cut by its bound keeps what it has.
- Where the caller forced one named tool, the finish reason is `stop`, as OpenAI says it.
- A client of the deprecated `functions` gets a `function_call`.
- A picture is an entry of `images`, the field that OpenRouter has for it.
- Reasoning is written as `reasoning_content` and as `reasoning_details` fragments, whose last one has the blob. A
  thought signature comes with its call, or after its text.
"""

from collections.abc import Mapping

import orjson

from translators.codec import Context
from translators.faults import Fault
from translators.ir import (
    Annotated,
    Delta,
    Ended,
    Finish,
    Image,
    Json,
    Kept,
    Opaque,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Started,
    TextDelta,
    TextSigned,
    ToolArguments,
    ToolStart,
    Used,
)
from translators.openai.answers import SERVED, render_usage
from translators.openai.media import picture
from translators.openai.text import END, dumps, error_event, quote
from translators.openai_chat.legacy import no_second_call, says_functions
from translators.openai_chat.reasoning import render_end
from translators.openai_chat.signatures import FIELD, render_signature


class ChatWriter:
    """One stream. Raises nothing; a delta that says nothing in this dialect gives no bytes."""

    __slots__ = ("_choices", "_context", "_functions", "_head", "_plain_end", "_plain_tail", "_usage", "_usage_field")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._functions = says_functions(context)
        self._head = b'data: {"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,' % (
            quote(context.id),
            context.created,
            quote(context.model),
        )
        self._usage_field = b',"usage":null' if context.include_usage else b""
        self._plain_tail = b',"logprobs":null,"finish_reason":null}]%b}\n\n' % self._usage_field
        self._plain_end = b"}" + self._plain_tail
        self._choices: dict[int, _Open] = {}
        self._usage: Used | None = None

    def feed(self, delta: Delta) -> bytes:
        if type(delta) is TextDelta:
            state = self._choices.get(delta.choice)
            if state is not None and state.text and delta.logprobs is None:  # as nearly always
                return state.text + quote(delta.text) + self._plain_end
            return self._text(delta)
        if isinstance(delta, ToolArguments):
            return self._arguments(delta)
        if isinstance(delta, ReasoningDelta):
            return self._reasoning(delta)
        if isinstance(delta, Used):
            self._usage = delta
            return b""
        if isinstance(delta, Started):
            if delta.service_tier in SERVED and not self._choices:
                self._head += b'"service_tier":%b,' % quote(delta.service_tier)
            return self._opening(0)
        return self._rare(delta)

    def close(self) -> bytes:
        if self._context.include_usage and self._usage is not None:
            usage = orjson.dumps(render_usage(self._usage.usage))
            return b'%b"choices":[],"usage":%b}\n\n%b' % (self._head, usage, END)
        return END

    def fault(self, fault: Fault) -> bytes:
        return error_event(fault)

    def shows(self, delta: Delta) -> bool:
        return shows(delta)

    def _rare(self, delta: Delta) -> bytes:
        if isinstance(delta, ToolStart):
            return self._tool(delta)
        if isinstance(delta, Ended):
            return self._finish(delta)
        if isinstance(delta, ReasoningEnd):
            return self._reasoning_end(delta)
        if isinstance(delta, RefusalDelta):
            return self._delta(delta.choice, b'{"refusal":%b}' % quote(delta.text))
        if isinstance(delta, TextSigned):
            return self._delta(delta.choice, b"{%b}" % _signature(delta.opaque))
        if isinstance(delta, Annotated):
            return self._annotated(delta)
        if isinstance(delta, Kept) and delta.part.shown is not None:
            return self._picture(delta.part.shown, delta.choice)
        return b""

    def _picture(self, image: Image, choice: int) -> bytes:
        opening = self._opening(choice)
        state = self._choices[choice]
        entry = {"index": state.pictures, **picture(image)}
        state.pictures += 1
        return opening + self._chunk(choice, b'{"images":[%b]}' % dumps(entry))

    def _annotated(self, delta: Annotated) -> bytes:
        """OpenAI's own SDK puts lists together by `index`, and fails where a second entry has none."""
        opening = self._opening(delta.choice)
        choice = self._choices[delta.choice]
        note = {"index": choice.notes, **delta.annotation}
        choice.notes += 1
        return opening + self._chunk(delta.choice, b'{"annotations":[%b]}' % dumps(note))

    def _opening(self, choice: int) -> bytes:
        """The role chunk of a choice that has none yet."""
        if choice in self._choices:
            return b""
        self._choices[choice] = _Open()
        return self._chunk(choice, b'{"role":"assistant","content":"","refusal":null}')

    def _delta(self, choice: int, delta: bytes) -> bytes:
        return self._opening(choice) + self._chunk(choice, delta)

    def _chunk(self, choice: int, delta: bytes) -> bytes:
        return b'%b"choices":[{"index":%d,"delta":%b%b' % (self._head, choice, delta, self._plain_tail)

    def _text(self, delta: TextDelta) -> bytes:
        choice = delta.choice
        lead = self._opening(choice)
        self._choices[choice].text = b'%b"choices":[{"index":%d,"delta":{"content":' % (self._head, choice)
        if delta.logprobs is None:
            return lead + self._chunk(choice, b'{"content":%b}' % quote(delta.text))
        return b'%b%b"choices":[{"index":%d,"delta":{"content":%b},"logprobs":%b,"finish_reason":null}]%b}\n\n' % (
            lead,
            self._head,
            choice,
            quote(delta.text),
            dumps(delta.logprobs),
            self._usage_field,
        )

    def _tool(self, delta: ToolStart) -> bytes:
        lead = self._opening(delta.choice)
        state = self._choices[delta.choice]
        if self._functions:
            return lead + self._function(delta, state)
        if delta.custom:
            state.custom.add(delta.index)
            call = b'{"index":%d,"id":%b,"type":"custom","custom":{"name":%b,"input":""}%b}'
        else:
            state.bare.add(delta.index)
            call = b'{"index":%d,"id":%b,"type":"function","function":{"name":%b,"arguments":""}%b}'
        signed = b"" if delta.opaque is None else b"," + _signature(delta.opaque)
        call %= (delta.index, quote(delta.id), quote(delta.name), signed)
        return lead + self._chunk(delta.choice, b'{"tool_calls":[%b]}' % call)

    def _function(self, delta: ToolStart, state: "_Open") -> bytes:
        if delta.index:
            no_second_call(self._context.report)
            return b""
        state.bare.add(0)
        return self._chunk(delta.choice, b'{"function_call":{"name":%b,"arguments":""}}' % quote(delta.name))

    def _arguments(self, delta: ToolArguments) -> bytes:
        if not delta.text:
            return b""
        lead = self._opening(delta.choice)
        state = self._choices[delta.choice]
        state.bare.discard(delta.index)
        if self._functions:
            form = b'{"function_call":{"arguments":%b}}'
            return b"" if delta.index else lead + self._chunk(delta.choice, form % quote(delta.text))
        form = b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}'
        if delta.index in state.custom:
            form = b'{"tool_calls":[{"index":%d,"custom":{"input":%b}}]}'
        return lead + self._chunk(delta.choice, form % (delta.index, quote(delta.text)))

    def _reasoning(self, delta: ReasoningDelta) -> bytes:
        lead = self._opening(delta.choice)
        state = self._choices[delta.choice]
        text = quote(delta.text)
        form = b'{"reasoning_content":%b,"reasoning_details":[{"type":"reasoning.text","text":%b,"index":%d}]}'
        return lead + self._chunk(delta.choice, form % (text, text, state.blocks))

    def _reasoning_end(self, delta: ReasoningEnd) -> bytes:
        lead = self._opening(delta.choice)
        state = self._choices[delta.choice]
        end = dumps(render_end(delta.opaque, state.blocks))
        state.blocks += 1
        return lead + self._chunk(delta.choice, b'{"reasoning_details":[%b]}' % end)

    def _finish(self, delta: Ended) -> bytes:
        choice = delta.choice
        lead = self._opening(choice)
        state = self._choices[choice]
        if delta.finish in (Finish.TOOL_CALLS, Finish.STOP):
            form = b'{"tool_calls":[{"index":%d,"function":{"arguments":"{}"}}]}'
            if self._functions and state.bare:
                lead += self._chunk(choice, b'{"function_call":{"arguments":"{}"}}')
            else:
                lead += b"".join(self._chunk(choice, form % index) for index in sorted(state.bare))
        return b'%b%b"choices":[{"index":%d,"delta":{},"logprobs":null,"finish_reason":"%b"}]%b}\n\n' % (
            lead,
            self._head,
            choice,
            finish_reason(delta.finish, self._context).encode(),
            self._usage_field,
        )


class _Open:
    """What must be remembered of a choice: its calls without arguments, its custom calls, its reasoning blocks, how
    many annotations and pictures it has, and how each of its chunks of text begins, once there was one."""

    __slots__ = ("bare", "blocks", "custom", "notes", "pictures", "text")

    def __init__(self) -> None:
        self.bare: set[int] = set()
        self.custom: set[int] = set()
        self.blocks = 0
        self.notes = 0
        self.pictures = 0
        self.text = b""


_WORDS = {finish: finish.value for finish in Finish}


def finish_reason(finish: Finish, context: Context) -> str:
    """OpenAI itself says `stop` for a call that was forced by name."""
    if finish is not Finish.TOOL_CALLS:
        return _WORDS[finish]
    called = "function_call" if says_functions(context) else _WORDS[finish]
    return "stop" if context.named_tool else called


def _signature(opaque: Opaque) -> bytes:
    """The field of a call or a delta that carries a thought signature."""
    return b'"%b":%b' % (FIELD.encode(), dumps(render_signature(opaque, marked=True)))


def aside(facts: Mapping[str, Json], context: Context) -> bytes:
    """One more chunk, without choices."""
    chunk = {
        "id": context.id,
        "object": "chat.completion.chunk",
        "created": context.created,
        "model": context.model,
        "choices": [],
        "sidestep": facts,
    }
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def shows(delta: Delta) -> bool:
    """Reasoning text and pictures are shown in this dialect's extension fields, so they count as content."""
    if isinstance(delta, Kept):
        return delta.part.shown is not None
    return delta.commits or isinstance(delta, ReasoningDelta)
