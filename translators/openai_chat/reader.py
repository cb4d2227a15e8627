"""Chunks of a chat stream as deltas, for every vendor that calls its stream OpenAI-compatible.

State is one small record per choice and per tool call, never text. What vendors do differently, and what comes of it:
- The end is `[DONE]` after a finish reason for every choice seen. Some leave `[DONE]` out, which is fine; a `[DONE]`
  without a finish reason is a cut answer.
- OpenRouter gives the same finish reason twice, and empty deltas after it: repetition is ignored. Another reason, or
  content after the finish, is a fault.
- Tool calls: Mistral sends whole calls in one delta, with no index; Qwen repeats empty ids; some servers count every
  call as index 0.
- A chunk may have the whole `message` (MiniMax's last, Perplexity's every one). Where its delta says nothing, what of
  the message was not told is told.
- Errors come as a named event (Groq), beside choices or inside one (OpenRouter), or as a finish reason.
- Reasoning ends where something else begins, or with its blob.
"""

import re
from collections.abc import Sequence

import orjson

from translators.faults import Fault, ProtocolFault, Truncated
from translators.ir import (
    Annotated,
    Delta,
    Dialect,
    Event,
    Failed,
    Foreign,
    Image,
    Json,
    Kept,
    Lost,
    ReasoningEnd,
    RefusalDelta,
    Started,
    TextDelta,
    TextSigned,
    Used,
)
from translators.openai.answers import FAILED_FINISHES, decode, passed_over, read_usage
from translators.openai.faults import classify
from translators.openai_chat.reasoning import has_blob, read_entries, read_thinking
from translators.openai_chat.said import Said
from translators.openai_chat.signatures import read_signature
from translators.openai_chat.wire import ANSWER, WireAnswer, WireCall, WireChoice, WireMessage
from translators.profile import Profile
from translators.repeats import Repeats

CHOICES_CAP = 128
DONE = b"[DONE]"


class ChatReader:
    """Upstream events in, deltas out. `quiet` says of the last event that a client need not see it: the end mark, a
    failure, nothing at all; `only_usage`, `empty` (no choices either) and `blobs` what else is special about it,
    `undelta` which of its choices have no delta, or one that says less than the message beside it."""

    __slots__ = (
        "_choices",
        "_failed",
        "_origin",
        "_profile",
        "_repeats",
        "_saying",
        "_started",
        "blobs",
        "done",
        "empty",
        "only_usage",
        "quiet",
        "undelta",
    )

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._origin = profile.origin(Dialect.OPENAI_CHAT)
        self._choices: dict[int, Said] = {}
        self._started: Started | None = None
        self._repeats = Repeats()
        self._saying: Said | None = None
        """The choice whose words repeat."""
        self.done = False
        self._failed = False
        self.quiet = False
        self.only_usage = False
        self.blobs = False
        self.empty = False
        self.undelta: list[int] = []

    def feed(self, event: Event) -> Sequence[Delta]:
        """Raises ProtocolFault on what is no chunk, and on an answer that goes on after its end."""
        data = event.data
        self.quiet = self.only_usage = self.blobs = self.empty = False
        if self.undelta:
            self.undelta = []
        words, saying = self._repeats.words(data), self._saying
        if words and saying is not None and self._goes_on(saying, event):
            said: list[Delta] = []
            saying.say(words, None, said)
            return said
        if data == DONE or not data or self.done or self._failed:
            self.done = self.done or data == DONE
            self.quiet = True
            return ()
        if event.name == "error":
            return self._fail(_error_event(data))
        chunk = decode(data, ANSWER, "an event of its stream")
        if chunk.choices is None and chunk.usage is None and chunk.x_groq is None and not chunk.error:
            return _strange(event.name)
        deltas = self.read(chunk)
        if self._repeats.tries and len(deltas) == 1 and type(deltas[0]) is TextDelta and _says_only(chunk, deltas[0]):
            self._saying = self._choices[deltas[0].choice]
            self._repeats.learn(data, deltas[0].text, _words, self._saying)
        return deltas

    def _goes_on(self, choice: Said, event: Event) -> bool:
        return not (choice.finish or self.done or self._failed or event.name == "error")

    def read(self, chunk: WireAnswer) -> Sequence[Delta]:
        """Deltas of a chunk, or of a whole answer taken as one."""
        if chunk.error:
            return self._fail(classify(200, {"error": chunk.error}))
        deltas: list[Delta] = []
        if self._started is None and (chunk.id or chunk.choices):
            tier = chunk.service_tier
            self._started = Started(chunk.id or "", chunk.model or "", tier if isinstance(tier, str) else None)
            deltas.append(self._started)
        if chunk.choices:
            for place, choice in enumerate(chunk.choices):
                fault = self._choice(choice, place, deltas)
                if fault is not None:
                    deltas.extend(self._fail(fault))
                    return deltas
        else:
            self.only_usage = chunk.usage is not None
            self.empty = chunk.choices is not None and chunk.usage is None
        if chunk.usage is not None or chunk.x_groq is not None:
            self._extras(chunk, deltas)
        return deltas

    def close(self) -> Sequence[Delta]:
        """Raises Truncated unless every choice seen has finished, ProtocolFault where the first never came."""
        if self._failed or not self._choices or not all(choice.finish for choice in self._choices.values()):
            raise Truncated("it ended its stream before its answer was finished")
        if 0 not in self._choices:
            raise ProtocolFault("its answer has no first choice")
        return ()

    def _extras(self, chunk: WireAnswer, deltas: list[Delta]) -> None:
        """Usage, and what Groq says beside it."""
        groq = chunk.x_groq
        if groq is not None and groq.error:
            deltas.extend(self._fail(classify(200, {"error": groq.error})))
            return
        usage = chunk.usage or (groq.usage if groq is not None else None)
        tier = chunk.service_tier or (self._started and self._started.service_tier)
        counted = None if usage is None else read_usage(usage, self._profile, tier)
        if counted is not None:
            deltas.append(Used(counted))

    def _fail(self, fault: Fault) -> Sequence[Delta]:
        self._failed = True
        self.quiet = True
        return (Failed(fault),)

    def _choice(self, wire: WireChoice, place: int, deltas: list[Delta]) -> Fault | None:
        index = wire.index or 0
        choice = self._choices.get(index)
        if choice is None:
            if not 0 <= index < CHOICES_CAP:
                raise ProtocolFault("an event of its stream has an impossible choice index")
            minted = self._started.id if self._started is not None else ""
            choice = self._choices[index] = Said(index, minted, self._origin)
        if wire.error:
            return classify(200, {"error": wire.error})
        reason = wire.finish_reason
        if reason in FAILED_FINISHES:
            return classify(200, {"error": {"code": reason}})
        before = len(deltas)
        if wire.delta is not None:
            self._delta(wire.delta, wire.logprobs, choice, deltas)
        else:
            self.undelta.append(place)
        if wire.message is not None and len(deltas) == before:
            self._delta(choice.untold(wire.message, deltas), wire.logprobs, choice, deltas)
            if wire.delta is not None and len(deltas) > before:
                self.undelta.append(place)
        if choice.finish and any(type(delta) is not Lost for delta in deltas[before:]):
            raise ProtocolFault("its stream goes on after the finish reason")
        if reason:
            choice.end(reason, deltas)
        return None

    def _delta(self, delta: WireMessage, logprobs: Json, choice: Said, deltas: list[Delta]) -> None:
        if delta.reasoning_content or delta.reasoning or delta.reasoning_details:
            self._reasoning(delta, choice, deltas)
        content = delta.content
        if isinstance(content, list):
            self._content_parts(content, choice, deltas)
        elif content or (logprobs is not None and _says(logprobs)):
            choice.say(content or "", logprobs, deltas)
        if delta.refusal:
            choice.rest(deltas)
            choice.kinds.add("refusal")
            deltas.append(RefusalDelta(delta.refusal, choice.index))
        if delta.extra_content is not None:
            self._sign(delta, choice, deltas)
        if delta.tool_calls:
            self._calls(delta.tool_calls, choice, deltas)
        if delta.function_call is not None:
            choice.call(WireCall(index=0, function=delta.function_call), deltas)
        if delta.annotations:
            self._annotations(delta.annotations, choice, deltas)
        if delta.images is not None or delta.audio is not None:
            self._media(delta, choice, deltas)

    def _media(self, delta: WireMessage, choice: Said, deltas: list[Delta]) -> None:
        self._images(delta.images, choice, deltas)
        if isinstance(delta.audio, dict):
            self._sound(delta.audio, choice, deltas)

    def _sound(self, audio: dict[str, Json], choice: Said, deltas: list[Delta]) -> None:
        """Sound has no delta of its own; its transcript stands for it, so that the answer counts as begun."""
        choice.kinds.add("audio")
        if audio.get("data"):
            deltas.append(passed_over("audio", "sound goes to clients of chat alone, others read its transcript"))
        transcript = audio.get("transcript")
        choice.say(transcript if isinstance(transcript, str) else "", None, deltas)

    def _images(self, images: Json, choice: Said, deltas: list[Delta]) -> None:
        """Pictures that the model made, as OpenRouter gives them."""
        for entry in images if isinstance(images, list) else ():
            choice.kinds.add("images")
            choice.rest(deltas)
            deltas.append(Kept(Foreign(Dialect.OPENAI_CHAT, "images", entry, _made(entry)), choice.index))

    def _reasoning(self, delta: WireMessage, choice: Said, deltas: list[Delta]) -> None:
        details = delta.reasoning_details or ()
        self.blobs = any(has_blob(entry) for entry in details)
        entries = list(read_entries(details, self._origin))
        plain = delta.reasoning_content or delta.reasoning
        if isinstance(plain, str) and not any(entry.text for entry in entries):
            choice.think(plain, None, deltas)
        for entry in entries:
            if entry.text:
                choice.think(entry.text, entry.index, deltas)
            if entry.ends:
                choice.thinking = False
                deltas.append(ReasoningEnd(entry.opaque, choice.index))

    def _calls(self, calls: list[WireCall], choice: Said, deltas: list[Delta]) -> None:
        for call in calls:
            self.blobs = self.blobs or call.extra_content is not None
            choice.call(call, deltas)

    def _sign(self, delta: WireMessage, choice: Said, deltas: list[Delta]) -> None:
        opaque = read_signature(delta.extra_content, self._origin)
        if opaque is not None:
            self.blobs = True
            choice.rest(deltas)
            choice.kinds.add("extra_content")
            deltas.append(TextSigned(opaque, choice.index))

    def _annotations(self, notes: list[Json], choice: Said, deltas: list[Delta]) -> None:
        """Citations of pages; a router's notes on files are its own. An `index` is no part of a citation."""
        cited = [note for note in notes if isinstance(note, dict) and note.get("type") == "url_citation"]
        choice.kinds.add("annotations")
        if len(cited) < len(notes):
            deltas.append(passed_over("annotations", "only citations of pages have a form elsewhere"))
        bare = [{name: one for name, one in note.items() if name != "index"} for note in cited]
        deltas.extend(Annotated(note, choice.index) for note in bare)

    def _content_parts(self, parts: list[Json], choice: Said, deltas: list[Delta]) -> None:
        """Mistral's content array: thinking and text; other kinds have no word here, which is told."""
        for part in parts:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind == "thinking":
                block = read_thinking(part, self._origin)
                if block.text:
                    choice.think(block.text, None, deltas)
                if block.opaque is not None:
                    choice.thinking = False
                    deltas.append(ReasoningEnd(block.opaque, choice.index))
            elif kind == "text" and isinstance(part.get("text"), str):
                choice.say(part["text"], None, deltas)
            else:
                deltas.append(passed_over(str(kind or "content"), "a part of a kind that is not known"))


_QUIET = frozenset(("", "ping", "heartbeat", "keepalive", "keep-alive"))
"""Names of events that say no more than that the stream goes on."""
_DATA_URL = re.compile(r"data:(image/[\w.+-]+);base64,(.+)", re.DOTALL)


def _says_only(chunk: WireAnswer, said: TextDelta) -> bool:
    """Whether a chunk has nothing but these words."""
    choice = WireChoice(chunk.choices[0].index if chunk.choices else None, WireMessage(said.text))
    return chunk == WireAnswer(chunk.id, chunk.model, [choice], service_tier=chunk.service_tier)


def _words(data: bytes) -> object:
    chunk = ANSWER.decode(data)
    return chunk.choices[0].delta.content if chunk.choices and chunk.choices[0].delta else None


def _strange(name: str) -> Sequence[Delta]:
    return () if name in _QUIET else (passed_over(name, "an event that is not known"),)


def _made(entry: Json) -> Image | None:
    """The picture in an entry that has its data; None for one that is elsewhere."""
    image = entry.get("image_url") if isinstance(entry, dict) else None
    url = image.get("url") if isinstance(image, dict) else None
    found = _DATA_URL.fullmatch(url) if isinstance(url, str) else None
    return Image(data=found[2], media_type=found[1]) if found else None


def _says(logprobs: Json) -> bool:
    """Whether probabilities are more than the empty lists of a first chunk."""
    return isinstance(logprobs, dict) and bool(logprobs.get("content") or logprobs.get("refusal"))


def _error_event(data: bytes) -> Fault:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = None
    return classify(200, value)
