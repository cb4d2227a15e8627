"""Deltas as chunks of a completion stream: text, one finish reason per choice, the usage chunk where it was asked for,
`[DONE]`. Thinking, calls and notes have no place in a completion."""

from collections.abc import Mapping

from translators.codec import Context
from translators.faults import Fault
from translators.ir import Delta, Ended, Json, RefusalDelta, TextDelta, Usage, Used
from translators.openai.answers import render_usage
from translators.openai.text import END, dumps, error_event, quote
from translators.openai_completions.reader import finish_reason
from translators.openai_completions.wire import legacy_logprobs


class CompletionWriter:
    """One stream. Raises nothing; a delta that says nothing in this dialect gives no bytes."""

    __slots__ = ("_context", "_head", "_lengths", "_tail", "_text_head", "_text_tail", "_usage")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._head = head(context)
        self._tail = b',"usage":null}\n\n' if context.include_usage else b"}\n\n"
        self._text_head = b'%b"choices":[{"text":' % self._head
        self._text_tail = b',"index":0,"logprobs":null,"finish_reason":null}]%b' % self._tail
        self._lengths: dict[int, int] = {}
        """Choice -> characters said."""
        self._usage: Usage | None = None

    def feed(self, delta: Delta) -> bytes:
        if type(delta) is TextDelta and delta.logprobs is None and not delta.choice:  # as nearly always
            self._lengths[0] = self._lengths.get(0, 0) + len(delta.text)
            return self._text_head + quote(delta.text) + self._text_tail
        if isinstance(delta, (TextDelta, RefusalDelta)):
            return self._text(delta)
        if isinstance(delta, Ended):
            return self._chunk(delta.choice, "", None, dumps(finish_reason(delta.finish)))
        if isinstance(delta, Used):
            self._usage = delta.usage
        return b""

    def close(self) -> bytes:
        if self._context.include_usage and self._usage is not None:
            return b'%b"choices":[],"usage":%b}\n\n%b' % (self._head, dumps(render_usage(self._usage)), END)
        return END

    def fault(self, fault: Fault) -> bytes:
        return error_event(fault)

    def shows(self, delta: Delta) -> bool:
        """Text, and the end."""
        return isinstance(delta, TextDelta | RefusalDelta | Ended)

    def _text(self, delta: TextDelta | RefusalDelta) -> bytes:
        said = self._lengths.get(delta.choice, 0)
        self._lengths[delta.choice] = said + len(delta.text)
        logprobs = legacy_logprobs(delta.logprobs, said) if isinstance(delta, TextDelta) else None
        return self._chunk(delta.choice, delta.text, logprobs, b"null")

    def _chunk(self, choice: int, text: str, logprobs: Json, reason: bytes) -> bytes:
        return b'%b"choices":[{"text":%b,"index":%d,"logprobs":%b,"finish_reason":%b}]%b' % (
            self._head,
            quote(text),
            choice,
            b"null" if logprobs is None else dumps(logprobs),
            reason,
            self._tail,
        )


def head(context: Context) -> bytes:
    """The opening of every chunk, up to its choices."""
    return b'data: {"id":%b,"object":"text_completion","created":%d,"model":%b,' % (
        quote(context.id),
        context.created,
        quote(context.model),
    )


def aside(facts: Mapping[str, Json], context: Context) -> bytes:
    """One more chunk, without choices."""
    return b'%b"choices":[],"sidestep":%b}\n\n' % (head(context), dumps(facts))
