"""What the messages of chat and the items of Responses have in common: their calls and results, and parts of messages.

Ids that come again (some local servers count from `call_0` in every turn) are made unique, call and result alike; a
result must answer an earlier call. Paths are relative, as in `check`.
"""

from collections import deque

import orjson

from translators.ir import Audio, Json
from translators.openai.check import fail, filled, obj, string
from translators.unique import Unique


class Calls:
    """The calls of a conversation by their ids. Of one turn's calls with one id the first result answers the first; of
    several turns' the last turn's is meant."""

    __slots__ = ("_answering", "_ids", "_open", "_unique")

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        """The client's id of a call -> its unique id; a later call of the same id wins."""
        self._open: dict[str, deque[str]] = {}
        """The same of this turn's calls that no result has answered."""
        self._answering = False
        self._unique = Unique()

    def unique(self, own: str) -> str:
        """The id of a call that the client calls `own`."""
        unique = self._unique.named(own)
        if self._answering:
            self._answering = False
            self._open.clear()
        self._ids[own] = unique
        self._open.setdefault(own, deque()).append(unique)
        return unique

    def answered(self, result: dict[str, Json], field: str, problem: str) -> str:
        """The unique id of the call that a result names in `field`. Raises Wrong where there is none."""
        own = filled(result.get(field), field)
        if own not in self._ids:
            fail(field, problem)
        self._answering = True
        waiting = self._open.get(own)
        return waiting.popleft() if waiting else self._ids[own]


def arguments_of(value: Json, path: str) -> str:
    """The JSON text of a call's arguments; empty text counts as `{}`. Models write values that are no objects, too:
    dialects that need one wrap them."""
    text = string(value, path)
    if not text:
        return "{}"
    try:
        orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        fail(path, "must be valid JSON")
    return text


def data_url(url: str, path: str) -> tuple[str, str]:
    """Media type and base64 of a data: URL."""
    head, comma, data = url.partition(",")
    if not comma or not head.endswith(";base64"):
        fail(path, "must be a data: URL with base64 data")
    return head[5:-7].partition(";")[0], data


def audio(part: dict[str, Json]) -> Audio:
    sound = obj(part.get("input_audio"), "input_audio")
    return Audio(filled(sound.get("data"), "input_audio.data"), filled(sound.get("format"), "input_audio.format"))
