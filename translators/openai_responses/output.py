"""What was told of an answer's output items so far, and the deltas that tell the rest.

Text or arguments may come in deltas, with a `.done` event, with the finished item or with the whole answer at the end.
So each piece of an item is told by what is new of it: of each part it is remembered how much was told, and a whole text
tells only what follows that. One that begins otherwise is a fault. State is a small record per item, never text.
"""

from translators.faults import ProtocolFault
from translators.ir import (
    Annotated,
    Delta,
    Foreign,
    Json,
    Kept,
    Opaque,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    TextDelta,
    ToolArguments,
    ToolStart,
)
from translators.openai.answers import passed_over
from translators.openai.told import Told
from translators.openai_responses.marks import BOUND, mark_item
from translators.openai_responses.wire import (
    DIALECT,
    PARAGRAPH,
    chat_annotation,
    chat_logprobs,
    parts,
    reasoning_text,
    word,
)
from translators.profile import Profile

ITEMS_CAP = 4096
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""Kind of an item that is a call of the client's tools -> its field of arguments."""


class Item:
    """What must be remembered of one output item."""

    __slots__ = ("call", "closed", "kind", "noted", "said", "silent", "starts")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.silent = False
        """Whether it is a message that counts as reasoning."""
        self.closed = False
        self.call = -1
        """Index of the call it is, once that began."""
        self.said: dict[int, Told] = {}
        """Part -> how much was told of it."""
        self.starts: dict[int, int] = {}
        """Part -> where it begins in the answer's text."""
        self.noted: dict[int, int] = {}
        """Part -> citations told of it."""


class Output:
    """The items of one answer. Its methods add to the list of deltas they are given."""

    __slots__ = ("_length", "_origin", "calls", "items")

    def __init__(self, profile: Profile) -> None:
        self._origin = profile.origin(DIALECT)
        self._length = 0
        self.items: dict[int, Item] = {}
        self.calls = 0

    def item(self, index: Json, kind: str) -> Item:
        """The item at an index, which is of `kind` if it is new. Raises ProtocolFault for what is no index."""
        if not isinstance(index, int) or not 0 <= index < ITEMS_CAP:
            raise ProtocolFault("an event of its stream has an impossible output index")
        item = self.items.get(index)
        if item is None:
            item = self.items[index] = Item(kind)
        return item

    def add(self, index: Json, said: dict[str, Json], deltas: list[Delta]) -> None:
        """An item begins."""
        item = self.item(index, word(said, "type"))
        item.silent = said.get("phase") == "commentary"
        if item.kind in CALLS and said.get("name"):
            self._call(item, said, deltas)

    def close(self, index: Json, said: dict[str, Json], deltas: list[Delta]) -> None:
        """What a finished item tells beyond what was told of it."""
        item = self.item(index, word(said, "type"))
        if item.closed:
            return
        item.closed = True
        if item.kind == "message":
            item.silent = item.silent or said.get("phase") == "commentary"
            for at, part in enumerate(parts(said, "content")):
                self._part(item, at, part, deltas)
            if item.silent and item.said:
                deltas.append(ReasoningEnd())
        elif item.kind == "reasoning":
            self._thought(item, said, deltas)
        elif item.kind in CALLS:
            self._call(item, said, deltas)
            self.say(item, 0, word(said, CALLS[item.kind]), deltas)
        else:
            deltas.append(Kept(Foreign(DIALECT, item.kind, mark_item(said, self._origin))))

    def rest(self, output: list[Json], deltas: list[Delta]) -> None:
        """The items of the whole answer, where they were not told, or not to their end."""
        unseen = not self.items
        for index, said in enumerate(output):
            if isinstance(said, dict) and (unseen or index in self.items):
                self.close(index, said, deltas)
        if any(not item.closed and item.kind == "reasoning" for item in self.items.values()):
            deltas.append(ReasoningEnd())

    def say(
        self, item: Item, at: int, whole: str, deltas: list[Delta], logprobs: Json = None, *, refuses: bool = False
    ) -> None:
        """The rest of a part of which some was told already. Raises ProtocolFault where that is not how it begins."""
        said = item.said.get(at)
        rest = whole if said is None else said.rest(whole)
        if rest:
            self.tell(item, at, rest, deltas, logprobs, refuses=refuses)

    def tell(
        self, item: Item, at: int, text: str, deltas: list[Delta], logprobs: Json = None, *, refuses: bool = False
    ) -> None:
        """More of a part."""
        said = item.said
        known = said.get(at)
        if known is None:
            said[at] = Told()
        said[at].add(text)
        if item.silent or item.kind == "reasoning":
            deltas.append(ReasoningDelta(PARAGRAPH + text if known is None and len(said) > 1 else text))
        elif item.kind in CALLS:
            if item.call < 0:
                raise ProtocolFault("its stream has arguments for a tool call that did not begin")
            deltas.append(ToolArguments(item.call, text))
        elif refuses:
            deltas.append(RefusalDelta(text))
        else:
            if known is None:
                item.starts[at] = self._length
            self._length += len(text)
            deltas.append(TextDelta(text, 0, chat_logprobs(logprobs)))

    def words(self, index: Json, at: Json, text: Json) -> TextDelta | None:
        """More text of a part that has some, without probabilities; None for whatever else it is."""
        item = self.items.get(index) if type(index) is int else None
        if item is None or item.kind != "message" or item.silent or type(at) is not int or type(text) is not str:
            return None
        told = item.said.get(at)
        if told is None or not text:
            return None
        told.add(text)
        self._length += len(text)
        return TextDelta(text)

    def note(self, item: Item, at: int, note: Json, deltas: list[Delta]) -> None:
        """A citation in a part."""
        item.noted[at] = item.noted.get(at, 0) + 1
        cited = None if item.silent else chat_annotation(note, item.starts.get(at, self._length))
        if cited is not None:
            deltas.append(Annotated(cited))
        elif not item.silent:
            deltas.append(passed_over("annotations", "only citations of pages have a form elsewhere"))

    def _part(self, item: Item, at: int, part: dict[str, Json], deltas: list[Delta]) -> None:
        if part.get("type") == "refusal":
            self.say(item, at, word(part, "refusal"), deltas, refuses=True)
            return
        if part.get("type") != "output_text" and not word(part, "text"):
            deltas.append(passed_over(word(part, "type") or "content", "a part of a kind that is not known"))
            return
        untold = at not in item.said
        self.say(item, at, word(part, "text"), deltas, part.get("logprobs") if untold else None)
        for note in parts(part, "annotations")[item.noted.get(at, 0) :]:
            self.note(item, at, note, deltas)

    def _thought(self, item: Item, said: dict[str, Json], deltas: list[Delta]) -> None:
        blob = word(said, BOUND)
        text = "" if item.said else reasoning_text(said)
        if text:
            deltas.append(ReasoningDelta(text))
        if text or item.said or blob:
            deltas.append(ReasoningEnd(Opaque("encrypted", blob, self._origin) if blob else None))

    def _call(self, item: Item, said: dict[str, Json], deltas: list[Delta]) -> None:
        """Begins a call that has not begun."""
        if item.call >= 0:
            return
        name = word(said, "name")
        if not name:
            raise ProtocolFault("its answer has a tool call without a name")
        item.call = self.calls
        self.calls += 1
        call_id = word(said, "call_id") or word(said, "id") or f"call_{item.call}"
        deltas.append(ToolStart(item.call, call_id, name, custom=item.kind == "custom_tool_call"))
