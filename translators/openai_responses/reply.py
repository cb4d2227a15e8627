"""Whole answers, read and written.

A whole answer is read by the steps of a stream, so that the two cannot come to differ. `inspect_reply` reads the little
that a relayed answer has to tell.
"""

import msgspec
import orjson
from msgspec import Struct

from translators.codec import Context, Seen
from translators.faults import Failure, ProtocolFault, Truncated
from translators.fold import fold
from translators.ir import Choice, Foreign, Json, Message, Opaque, Part, Reasoning, Refusal, Reply, Text, ToolCall
from translators.openai.answers import decode
from translators.openai.text import dumps
from translators.openai_responses.marks import Rides, mark_item
from translators.openai_responses.output import CALLS
from translators.openai_responses.reader import ResponsesReader, fault_of, usage_of
from translators.openai_responses.response import (
    Item,
    custom_call,
    echo,
    ended,
    head,
    message,
    output_text,
    picture,
    reasoning,
    refusal,
)
from translators.openai_responses.response import call as function_call
from translators.openai_responses.wire import (
    CUT,
    DIALECT,
    RESPONSE,
    WireResponse,
    item_id,
    own_annotation,
    own_logprobs,
    read_finish,
    read_usage,
    searched,
)
from translators.profile import Profile


class _Item(Struct, gc=False):
    """An output item that is only looked at."""

    type: Json = None
    encrypted_content: Json = None
    action: Json = None


class _Glance(WireResponse, gc=False):
    output: list[_Item] | None = None


_GLANCE = msgspec.json.Decoder(_Glance)
_FINISHED = ("completed", "incomplete")
_PENDING = ("queued", "in_progress")
"""Of an answer that is made in the background: its client will ask again."""


def inspect_reply(body: bytes, profile: Profile) -> Seen:
    """Raises Failure for an error dressed as an answer, ProtocolFault for what is no answer."""
    glance = decode(body, _GLANCE, "its answer")
    output = glance.output or []
    searches, usage = sum(searched(item.type, item.action) for item in output), glance.usage
    counted = None if usage is None else read_usage(usage, glance.service_tier, searches or None)
    fault = fault_of(glance)
    if fault is not None:
        raise Failure(fault, counted)
    _check(glance)
    pending = glance.status in _PENDING
    called = any(isinstance(item.type, str) and item.type in CALLS for item in output)
    return Seen(
        id=glance.id or "",
        model=glance.model or "",
        usage=counted,
        finish=None if pending else read_finish(glance, called=called),
        body=_marked(body, profile) if any(item.encrypted_content for item in output) else None,
    )


def parse_reply(body: bytes, profile: Profile) -> Reply:
    """Raises as `inspect_reply` does, and ProtocolFault for an answer that is not finished."""
    response = decode(body, RESPONSE, "its answer")
    fault = fault_of(response)
    if fault is not None:
        raise Failure(fault, usage_of(response))
    _check(response)
    return fold(ResponsesReader(profile).whole(response))


def render_reply(reply: Reply, context: Context) -> bytes:
    """The first choice; a client of this dialect asked for one."""
    choice = reply.choices[0]
    ending = ended(choice.finish, _output(choice, context), reply.usage, reply.service_tier)
    return dumps({**head(context), **ending, **echo(context)})


def _check(response: WireResponse) -> None:
    if response.status in _PENDING:
        return
    if response.status not in _FINISHED:
        raise Truncated("its answer does not say that it is finished")
    if response.output is None:
        raise ProtocolFault("its answer has no output")


def _marked(body: bytes, profile: Profile) -> bytes:
    """The answer with each blob told where it may go back to."""
    answer = orjson.loads(body)
    answer["output"] = [mark_item(item, profile.origin(DIALECT)) for item in answer["output"]]
    return orjson.dumps(answer)


def _output(choice: Choice, context: Context) -> list[Item]:
    """The items of a choice, as the stream's writer would have them."""
    made = _Output(context, cut=choice.finish in CUT)
    for item in choice.items:
        if isinstance(item, Message):
            for part in item.parts:
                made.say(part)
        elif isinstance(item, Reasoning):
            made.think(item.text, item.opaque)
        elif isinstance(item, ToolCall):
            made.call(item)
    return made.finish(choice)


class _Output:
    """Items one after another; a message is open until something else comes."""

    def __init__(self, context: Context, *, cut: bool) -> None:
        self._context = context
        self._cut = cut
        self._items: list[Item] = []
        self._open = False
        self._length = 0
        self._last: tuple[Item, int] | None = None
        """The last part of text, and where it begins in the answer's text."""

    def say(self, part: Part) -> None:
        if isinstance(part, Text):
            if part.text:
                self._text(part.text)
            if part.opaque is not None:
                self.think("", part.opaque, "text")
        elif isinstance(part, Refusal) and part.text:
            self._message().append(refusal(part.text))
        elif isinstance(part, Foreign) and part.dialect == DIALECT and isinstance(part.value, dict):
            self._add(part.value)
        elif isinstance(part, Foreign) and part.shown is not None:
            self._add(picture(self._id("ig"), part.shown))

    def think(self, text: str, opaque: Opaque | None, rides: Rides = "") -> None:
        if text or opaque is not None:
            self._add(reasoning(self._id("rs"), text, opaque, rides))

    def call(self, call: ToolCall) -> None:
        if call.opaque is not None:
            self.think("", call.opaque, "call")
        status = "incomplete" if self._cut else "completed"
        if call.custom:
            self._add(custom_call(self._id("ctc"), call.id, call.name, call.arguments, status))
        else:
            arguments = call.arguments or ("" if self._cut else "{}")
            self._add(function_call(self._id("fc"), call.id, call.name, arguments, status))

    def finish(self, choice: Choice) -> list[Item]:
        """All items, with what is said of the whole choice put to its last text."""
        if self._last is not None:
            part, start = self._last
            part["annotations"] = [own_annotation(note, start) for note in choice.annotations]
            part["logprobs"] = own_logprobs(choice.logprobs)
        if self._open and self._cut:
            self._items[-1]["status"] = "incomplete"
        return self._items

    def _id(self, kind: str) -> str:
        return item_id(kind, self._context.id, len(self._items))

    def _add(self, item: Item) -> None:
        self._items.append(item)
        self._open = False

    def _message(self) -> list[Json]:
        """The content of the open message."""
        if not self._open:
            self._add(message(self._id("msg"), (), "completed"))
            self._open = True
        content: list[Json] = self._items[-1]["content"]
        return content

    def _text(self, text: str) -> None:
        content = self._message()
        if content and content[-1]["type"] == "output_text":
            content[-1]["text"] += text
        else:
            content.append(output_text(text))
            self._last = content[-1], self._length
        self._length += len(text)
