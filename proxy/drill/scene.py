"""One request as a script's step sees it: the right answer, built when asked for, and the dialect's errors."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.drill.speech import PLAIN, Question, Style, speak
from proxy.drill.voice import Voice
from proxy.drill.wire import Answer
from proxy.flow import Headers

JSON = "application/json"
EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Scene:
    voice: Voice
    key: str
    """Hex digest of the request's bytes."""
    about: Question | bytes
    """A chat question, or the body that answers (embeddings)."""
    note: str = ""
    """Stands before every free text."""

    @property
    def streaming(self) -> bool:
        return isinstance(self.about, Question) and self.about.stream

    def answer(self, style: Style = PLAIN, headers: Mapping[str, str] | None = None) -> Answer:
        """The right answer; `headers` are added to its own, or replace them."""
        if isinstance(self.about, bytes):
            return Answer(200, self._headers(JSON, headers), self.about)
        reply = speak(self.about, self.note, style)
        if self.about.stream:
            return Answer(200, self._headers(EVENT_STREAM, headers), events=self.voice.events(self.about, reply))
        return Answer(200, self._headers(JSON, headers), self.voice.body(self.about, reply))

    def error(
        self, status: int, kind: str | None, message: str | None, headers: Mapping[str, str], *, said: int | None = None
    ) -> Answer:
        """The vendor's error for `status`; `said` is the status on the wire where that is another one."""
        return Answer(said or status, self._headers(JSON, headers), self.voice.fault(status, kind, message))

    def _headers(self, content_type: str, more: Mapping[str, str] | None) -> Headers:
        return list({"content-type": content_type, **dict(self.voice.headers(self.key)), **(more or {})}.items())
