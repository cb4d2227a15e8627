"""Output items while they are written: what they hold so far, and the events that open and close them.

A draft gives the kinds and fields of events; numbering and framing are the writer's. `push_head` is all of a delta
event before its text, formatted once for each part.
"""

from collections.abc import Iterator

from translators.ir import Json, Opaque, ToolStart
from translators.openai.text import dumps, quote
from translators.openai_responses import response
from translators.openai_responses.marks import Rides
from translators.openai_responses.response import Item

Step = tuple[str, dict[str, Json]]
"""Kind and fields of an event."""


class Draft:
    """An item that is whole from the start: one that another place made."""

    def __init__(self, item: Item) -> None:
        self._item = item
        self.index = 0
        """Its place in the output."""
        self.done = False
        self.push_head = b""
        self._cut = False

    def opening(self) -> Item:
        """The item as it is added."""
        return self._item

    def closing(self) -> Iterator[Step]:
        """The events that come before the item is done."""
        return iter(())

    def item(self) -> Item:
        """The item as it stands."""
        return self._item

    def end(self, *, cut: bool) -> None:
        """Nothing more comes; `cut` where the answer ended before the item did."""
        self.done = True
        self._cut = cut

    def _status(self) -> str:
        if not self.done:
            return "in_progress"
        return "incomplete" if self._cut else "completed"

    def _delta(self, kind: str, place: dict[str, Json]) -> bytes:
        return b'event: %b\ndata: {"type":"%b",%b,"delta":' % (kind.encode(), kind.encode(), dumps(place)[1:-1])


class Said(Draft):
    """A message: parts of text and of refusal."""

    def __init__(self, identifier: str) -> None:
        super().__init__({})
        self.id = identifier
        self.kind = ""
        """Of the part that is open."""
        self.start = 0
        """Where the last part of text begins in the answer's text."""
        self.cited = False
        """Whether there is a part of text that a citation could belong to."""
        self.logprobs: list[Json] = []
        self._parts: list[Item] = []
        self._pieces: list[str] = []
        self._notes: list[Json] = []

    def opening(self) -> Item:
        return response.message(self.id, (), "in_progress")

    def part_opening(self, kind: str, length: int) -> dict[str, Json]:
        """Begins a part; `length` is how much text there was before it."""
        self.kind = kind
        self._pieces = []
        delta = "response.output_text.delta"
        part = response.output_text("")
        if kind == "refusal":
            delta, part = "response.refusal.delta", response.refusal("")
        else:
            self.start, self.cited = length, True
            self._notes, self.logprobs = [], []
        self._parts.append(part)
        self.push_head = self._delta(delta, self._place())
        return {**self._place(), "part": part}

    def push(self, text: str) -> bytes:
        self._pieces.append(text)
        return quote(text)

    def note(self, annotation: Item) -> dict[str, Json]:
        """Adds a citation to the last part of text, which may be done."""
        self._notes.append(annotation)
        at = max(i for i, part in enumerate(self._parts) if part["type"] == "output_text")
        self._parts[at]["annotations"] = list(self._notes)
        place = {"item_id": self.id, "output_index": self.index, "content_index": at}
        return {**place, "annotation_index": len(self._notes) - 1, "annotation": annotation}

    def part_closing(self) -> Iterator[Step]:
        if not self.kind:
            return
        place, part = self._place(), self._current()
        self._parts[-1] = part
        if self.kind == "refusal":
            yield "response.refusal.done", {**place, "refusal": part["refusal"]}
        else:
            yield "response.output_text.done", {**place, "text": part["text"], "logprobs": part["logprobs"]}
        yield "response.content_part.done", {**place, "part": part}
        self.kind = ""

    def closing(self) -> Iterator[Step]:
        return self.part_closing()

    def item(self) -> Item:
        content = [*self._parts[:-1], self._current()] if self.kind else self._parts
        return response.message(self.id, content, self._status())

    def _place(self) -> dict[str, Json]:
        return {"item_id": self.id, "output_index": self.index, "content_index": len(self._parts) - 1}

    def _current(self) -> Item:
        text = "".join(self._pieces)
        if self.kind == "refusal":
            return response.refusal(text)
        return response.output_text(text, self._notes, self.logprobs)


class Thought(Draft):
    """A reasoning item."""

    def __init__(self, identifier: str) -> None:
        super().__init__({})
        self.id = identifier
        self.opaque: Opaque | None = None
        self.rides: Rides = ""
        self._pieces: list[str] = []

    def opening(self) -> Item:
        return response.reasoning(self.id, "", None)

    def part_opening(self) -> dict[str, Json]:
        self.push_head = self._delta("response.reasoning_summary_text.delta", self._place())
        return {**self._place(), "part": response.summary_text("")}

    def push(self, text: str) -> bytes:
        self._pieces.append(text)
        return quote(text)

    def closing(self) -> Iterator[Step]:
        if self._pieces:
            text = "".join(self._pieces)
            yield "response.reasoning_summary_text.done", {**self._place(), "text": text}
            yield "response.reasoning_summary_part.done", {**self._place(), "part": response.summary_text(text)}

    def item(self) -> Item:
        return response.reasoning(self.id, "".join(self._pieces), self.opaque, self.rides)

    def _place(self) -> dict[str, Json]:
        return {"item_id": self.id, "output_index": self.index, "summary_index": 0}


class Picture(Draft):
    """A picture that the model made."""

    def opening(self) -> Item:
        return {"id": self._item["id"], "type": self._item["type"], "status": "in_progress"}

    def closing(self) -> Iterator[Step]:
        place = {"item_id": self._item["id"], "output_index": self.index}
        for step in ("in_progress", "generating", "completed"):
            yield f"response.image_generation_call.{step}", place


class Call(Draft):
    """A call of one of the client's tools."""

    def __init__(self, identifier: str, start: ToolStart) -> None:
        super().__init__({})
        self.id = identifier
        self._start = start
        self._pieces: list[str] = []

    @property
    def bare(self) -> bool:
        """Whether it is a function that got no arguments."""
        return not self._pieces and not self._start.custom

    def opening(self) -> Item:
        place = {"item_id": self.id, "output_index": self.index}
        kind = "custom_tool_call_input" if self._start.custom else "function_call_arguments"
        self.push_head = self._delta(f"response.{kind}.delta", place)
        return self.item()

    def push(self, text: str) -> bytes:
        self._pieces.append(text)
        return quote(text)

    def closing(self) -> Iterator[Step]:
        place, text = {"item_id": self.id, "output_index": self.index}, "".join(self._pieces)
        if self._start.custom:
            yield "response.custom_tool_call_input.done", {**place, "input": text}
        else:
            yield "response.function_call_arguments.done", {**place, "name": self._start.name, "arguments": text}

    def item(self) -> Item:
        start = self._start
        made = response.custom_call if start.custom else response.call
        return made(self.id, start.id, start.name, "".join(self._pieces), self._status())
