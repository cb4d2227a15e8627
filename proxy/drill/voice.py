"""What a dialect must offer to a scripted provider, and the two that do."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from proxy.drill import anthropic_voice, openai_voice
from proxy.drill.speech import Question, Reply
from proxy.drill.wire import Event
from proxy.flow import Headers
from translators.ir import Dialect


class Voice(Protocol):
    PATH: str
    VERSION_HEADER: bytes
    """A request header that answers depend on, in lower case; empty for none."""
    PING: bytes
    OVERLOADED_STATUS: int

    def hear(self, body: Mapping[str, Any], version: str, provider: str, key: str, /) -> Question | str:
        """The question, or what a real server would refuse about it."""

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


_VOICES: dict[Dialect, Voice] = {Dialect.OPENAI_CHAT: openai_voice, Dialect.ANTHROPIC_MESSAGES: anthropic_voice}


def voice_of(dialect: Dialect) -> Voice:
    return _VOICES[dialect]
