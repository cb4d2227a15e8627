"""What became of each field of a request on its way into another dialect.

Every field is kept, renamed, approximated, clamped, dropped or refused, and whatever is not kept or renamed is noted
here, so that it can be told in a header, a log line and `sidestep explain`. Translators note facts; whether a dropped
hint or a refused shape is acceptable is decided by `blocking()` from the caller's mode.

A renderer knows the neutral request and not who wrote it, so it names things as a chat client would (`seed`,
`response_format.json_schema`, `max_completion_tokens`), an item by its place among the request's (`items[3].parts[0]`)
and a tool by its place among its tools (`tools[1].function.strict`). The client's dialect has its own words and places
for them, its `naming`, and `Report.rename` puts those in, once and only where there is something to tell.
"""

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct, structs

from translators.ir import Json


class Verdict(enum.StrEnum):
    APPROXIMATED = "approximated"
    """Said in other words; close, not equal."""
    CLAMPED = "clamped"
    """Moved to the nearest value the target takes."""
    DROPPED = "dropped"
    """A hint the target has no word for (seed, user, penalties ...): left out."""
    REFUSED = "refused"
    """A shape of the answer the target cannot give (n > 1, logprobs, a schema ...): left out of the body, and the
    target is skipped unless the mode is lenient."""


class Mode(enum.StrEnum):
    STRICT = "strict"
    """Nothing may be dropped: hints count as shape."""
    WARN = "warn"
    """The default: hints are dropped and reported, shape skips the target."""
    LENIENT = "lenient"
    """Shape is dropped and reported too."""


_BARRED = {
    Mode.STRICT: frozenset({Verdict.REFUSED, Verdict.DROPPED}),
    Mode.WARN: frozenset({Verdict.REFUSED}),
    Mode.LENIENT: frozenset[Verdict](),
}


class Entry(Struct, frozen=True, cache_hash=True):
    field: str
    """Path as the renderer names it, then in the *client's* terms: `seed`, `tools[3].strict`,
    `messages[2].content[0]`."""
    verdict: Verdict
    why: str
    """One short clause, e.g. `anthropic has no seed`."""
    own: bool = False
    """Whether `field` is the client's word already."""


class Place(Struct, frozen=True):
    """Where one item of the neutral request stands in its client's own body."""

    path: str
    """Of the item: `messages[2]`, `input[3]`, `messages[1].content[2]`."""
    parts: tuple[str, ...] = ()
    """Of each of its parts."""


class Naming(Struct, frozen=True):
    """What one client's request calls the things that renderers name. Nothing of it is worked out before it is asked
    for; where a place is not known, the renderer's word stands."""

    fields: Mapping[str, str]
    """Fields beside the conversation, by chat's word for them: `{"max_completion_tokens": "max_output_tokens"}`. What
    is inside a field goes with it."""
    details: Mapping[str, str]
    """The same for what is said of an item, a part or a tool, with its dot: `{".function.strict": ".strict"}`."""
    places: Callable[[], Sequence[Place]]
    """Where each item of the neutral request stands."""
    tools: Callable[[], Sequence[str]]
    """The path of each of its tools."""


_PLACED = re.compile(r"(items|tools)\[(\d+)\](?:\.parts\[(\d+)\])?(.*)")
_PARTLY = frozenset(
    ("reasoning", "text", "thinking", "output_config", "generationConfig", "toolConfig", "stream_options")
)
"""Fields of which some dialect's parser keeps a part."""
_SAFE = re.compile(r"[^\w.\[\]-]")
_NOTHING: tuple[object, ...] = (None, "", [], {})


class Report:
    """The entries of one translation, in the order they were noted."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def approximated(self, field: str, why: str) -> None:
        self.entries.append(Entry(field, Verdict.APPROXIMATED, why))

    def clamped(self, field: str, why: str) -> None:
        self.entries.append(Entry(field, Verdict.CLAMPED, why))

    def dropped(self, field: str, why: str) -> None:
        self.entries.append(Entry(field, Verdict.DROPPED, why))

    def refused(self, field: str, why: str, *, own: bool = False) -> None:
        self.entries.append(Entry(field, Verdict.REFUSED, why, own))

    def unsaid(self, name: str, value: Json, why: str) -> None:
        """A field of the request's `extra`, dropped. Parsers keep the rest of an object whose other members have a
        word: of such a one it is those that were left out."""
        for field in (f"{name}.{key}" for key in value) if name in _PARTLY and isinstance(value, dict) else (name,):
            self.entries.append(Entry(field, Verdict.DROPPED, why, own=True))

    def rename(self, naming: Naming, extra: Mapping[str, Json], origins: Sequence[int] | None = None) -> None:
        """Puts in the client's words and places. Names in the request's `extra` are the client's own and stand;
        `origins` are the places that the rendered items had in the request as it was read, where that changed."""
        if self.entries:
            names = _Names(naming, origins)
            self.entries = [
                entry if entry.own or entry.field in extra else structs.replace(entry, field=names.of(entry.field))
                for entry in self.entries
            ]

    def put_back(self, own: Json, sent: Json) -> None:
        """Names items by their places among the client's `own`; what was noted of others is none of its affair."""
        placed = [(entry, own_place(entry.field, own, sent)) for entry in self.entries]
        self.entries = [structs.replace(entry, field=field) for entry, field in placed if field is not None]

    def blocking(self, mode: Mode) -> list[Entry]:
        """The entries that forbid this target under `mode`."""
        barred = _BARRED[mode]
        for entry in self.entries:
            if entry.verdict in barred:
                return [entry for entry in self.entries if entry.verdict in barred]
        return []

    def header(self, cap: int = 1024) -> str:
        """`dropped=seed,user; clamped=temperature` in at most `cap` characters, a refused field counting as dropped
        (a body that was sent at all was sent without it); fields past the cap are counted as `+N`."""
        entries = self.entries
        if not entries:
            return ""
        return (_header if len(entries) <= FEW else _header.__wrapped__)(tuple(entries), cap)


FEW = 8
"""Entries of a report whose header is remembered: what one target cannot be told is the same in every request."""


@lru_cache(maxsize=256)
def _header(entries: tuple[Entry, ...], cap: int) -> str:
    groups: dict[str, dict[str, None]] = {}
    for entry in entries:
        verdict = Verdict.DROPPED if entry.verdict is Verdict.REFUSED else entry.verdict
        groups.setdefault(verdict.value, {})[_SAFE.sub("", entry.field)[:80]] = None
    text, left = "", sum(len(fields) for fields in groups.values())
    for verdict_name, fields in groups.items():
        for position, field in enumerate(fields):
            lead = "," if position else ("; " if text else "") + verdict_name + "="
            if len(text) + len(lead) + len(field) > cap - 8:
                return f"{text}; +{left}" if text else f"+{left}"
            text += lead + field
            left -= 1
    return text


class _Names:
    """A naming at work: what it works out, it works out once."""

    def __init__(self, naming: Naming, origins: Sequence[int] | None) -> None:
        self._naming = naming
        self._origins = origins
        self._places: Sequence[Place] | None = None
        self._tools: Sequence[str] | None = None

    def of(self, field: str) -> str:
        placed = _PLACED.fullmatch(field)
        if placed is None:
            return self._field(field)
        kind, position, part, detail = placed.groups()
        path = self._item(int(position), part) if kind == "items" else self._tool(int(position))
        return field if path is None else path + self._naming.details.get(detail, detail)

    def _field(self, field: str) -> str:
        """The client's word for the field, or for the nearest one that holds it."""
        head, rest = field, ""
        while head not in self._naming.fields:
            head, dot, last = head.rpartition(".")
            if not dot:
                return field
            rest = f".{last}{rest}"
        return self._naming.fields[head] + rest

    def _item(self, position: int, part: str | None) -> str | None:
        if self._places is None:
            self._places = self._naming.places()
        if self._origins is not None:
            position = self._origins[position]
        if position >= len(self._places):
            return None
        place = self._places[position]
        return place.path if part is None or int(part) >= len(place.parts) else place.parts[int(part)]

    def _tool(self, position: int) -> str | None:
        if self._tools is None:
            self._tools = self._naming.tools()
        return self._tools[position] if position < len(self._tools) else None


_ITEM = re.compile(r"input\[(\d+)\](.*)", re.DOTALL)


def own_place(field: str, own: Json, sent: Json) -> str | None:
    """A path in the `input` of a relayed body, by where its item stands in the client's own list. None for an item that
    is not the client's, or was changed on its way, where the lists do not agree; other paths stand as they are."""
    placed = _ITEM.fullmatch(field)
    if placed is None or not isinstance(own, list) or not isinstance(sent, list) or own is sent:
        return field
    at = int(placed[1])
    if at >= len(sent):
        return None
    same = [i for i, item in enumerate(own) if item is sent[at]]
    if same:
        return f"input[{same[0]}]{placed[2]}"
    return field if len(own) == len(sent) else None


def unread(holder: Mapping[str, object], known: frozenset[str], path: str, found: dict[str, Json]) -> None:
    """Puts the path of every field of `holder` that is not `known` into `found`, which a parser adds to the request's
    `extra`: so renderers report it. A null and an empty value say nothing. The value itself is not kept, as nobody
    sends it on."""
    if known.issuperset(holder):
        return
    for name, value in holder.items():
        if name not in known and value not in _NOTHING:
            found[f"{path}.{name}"] = True
