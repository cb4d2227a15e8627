"""What a dialect must offer to a scripted provider, and those that do: a provider speaks its own, and beside it what a
server of that kind has at other paths."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from proxy.drill import anthropic_voice, completions_voice, gemini_voice, openai_voice, responses_voice
from proxy.drill.speech import Question, Reply
from proxy.drill.wire import Event
from proxy.flow import Headers
from translators.ir import Dialect

Hear = Callable[[Mapping[str, Any], str, str, str], Question | bytes | str]
"""Body, version header, name of the provider, and a key for ids. Gives the question, an answer that needs none, or what
a real server would refuse; raises KeyError, TypeError, ValueError or AttributeError on what is no request at all."""


class Voice(Protocol):
    PATH: str
    """Where its requests go, or how that begins; the first part is the API's version."""
    VERSION_HEADER: bytes
    """A request header that answers depend on, in lower case; empty for none."""
    PING: bytes
    OVERLOADED_STATUS: int

    def ears(self, path: str, query: str, /) -> Hear | None:
        """How a request to `path` is read; None where nothing is."""

    def body(self, question: Question, reply: Reply, /) -> bytes:
        """A unary answer."""

    def events(self, question: Question, reply: Reply, /) -> tuple[Event, ...]:
        """A streamed answer."""

    def fault(self, status: int, kind: str | None = None, message: str | None = None) -> bytes:
        """An error body."""

    def error_event(self, fault: bytes, /) -> bytes:
        """An error body as an event of a stream."""

    def text_event(self, text: bytes, /) -> bytes:
        """A content delta whose text is given as the raw bytes inside the JSON string."""

    def headers(self, key: str, /) -> Headers:
        """The vendor's headers of an answer."""

    def models(self, names: Sequence[str], /) -> dict[str, Any]: ...

    def model(self, name: str, /) -> dict[str, Any]: ...


_VOICES: dict[Dialect, Voice] = {
    Dialect.OPENAI_CHAT: openai_voice,
    Dialect.OPENAI_RESPONSES: responses_voice,
    Dialect.ANTHROPIC_MESSAGES: anthropic_voice,
    Dialect.GEMINI: gemini_voice,
}


SPEAKERS = tuple(_VOICES)
"""The dialects that a scripted provider may speak."""
_BESIDE: dict[Dialect, tuple[Voice, ...]] = {Dialect.OPENAI_CHAT: (completions_voice, responses_voice)}


def voice_of(dialect: Dialect) -> Voice:
    return _VOICES[dialect]


def voices_of(dialect: Dialect) -> tuple[Voice, ...]:
    """Every voice of such a provider, its own first."""
    return (_VOICES[dialect], *_BESIDE.get(dialect, ()))
