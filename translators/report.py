"""What became of each field of a request on its way into another dialect.

Every field is kept, renamed, approximated, clamped, dropped or refused, and whatever is not kept or renamed is noted
here, so that it can be told in a header, a log line and `sidestep explain`. Translators note facts; whether a dropped
hint or a refused shape is acceptable is decided by `blocking()` from the caller's mode.
"""

import enum
import re
from collections.abc import Mapping

from msgspec import Struct

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


class Entry(Struct, frozen=True):
    field: str
    """Path in the *client's* terms: `seed`, `tools[3].strict`, `messages[2].content[0].image_url`."""
    verdict: Verdict
    why: str
    """One short clause, e.g. `anthropic has no seed`."""


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

    def refused(self, field: str, why: str) -> None:
        self.entries.append(Entry(field, Verdict.REFUSED, why))

    def blocking(self, mode: Mode) -> list[Entry]:
        """The entries that forbid this target under `mode`."""
        if mode is Mode.LENIENT or not self.entries:
            return []
        barred = (Verdict.REFUSED,) if mode is Mode.WARN else (Verdict.REFUSED, Verdict.DROPPED)
        return [entry for entry in self.entries if entry.verdict in barred]

    def header(self, cap: int = 1024) -> str:
        """`dropped=seed,user; clamped=temperature` in at most `cap` characters, a refused field counting as dropped
        (a body that was sent at all was sent without it); fields past the cap are counted as `+N`."""
        if not self.entries:
            return ""
        groups: dict[str, dict[str, None]] = {}
        for entry in self.entries:
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


def unread(holder: Mapping[str, object], known: frozenset[str], path: str, found: dict[str, Json]) -> None:
    """Puts the path of every field of `holder` that is not `known` into `found`, which a parser adds to the request's
    `extra`: so renderers report it. A null and an empty value say nothing. The value itself is not kept, as nobody
    sends it on."""
    if known.issuperset(holder):
        return
    for name, value in holder.items():
        if name not in known and value not in _NOTHING:
            found[f"{path}.{name}"] = True
