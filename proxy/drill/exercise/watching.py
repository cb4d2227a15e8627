"""What became of each target over time, and the small picture of it.

A *mark* is one character: `.` closed, `X` open, `?` half-open, `1` to `9` the ramp in tenths of its share, `w` asked to
wait, `k` every key of its provider turned off. A breaker's state outranks the others, since it stands for the whole
target.
"""

from collections.abc import Mapping, Sequence
from typing import Any

CLOSED, OPEN, HALF_OPEN, WAITING, KEYLESS = ".", "X", "?", "w", "k"
LEGEND = ". closed  X open  ? half-open  1-9 ramp, tenths of its share  w asked to wait  k no key"
_RANKS = ".987654321kwX?"
"""Of several marks in one sign's time, the one furthest to the right is drawn."""

Change = tuple[float, str]
"""Since when, and the mark."""


def mark(target: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> str:
    """The mark of a target, by its and its provider's entries in `/state`."""
    breaker = target["breaker"]
    if breaker["state"] == "OPEN":
        return OPEN
    if breaker["state"] == "PROBE":
        return HALF_OPEN
    if breaker["state"] == "RAMP":
        return str(min(9, max(1, int(breaker["ramp"] * 10))))
    if keys and all(key["off"] for key in keys):
        return KEYLESS
    if target["throttled_for_s"] or (keys and all(key["off"] or key["throttled_for_s"] for key in keys)):
        return WAITING
    return CLOSED


class Timeline:
    """The marks of `targets` since `began`; what was not called yet is closed."""

    def __init__(self, targets: Sequence[str], began: float) -> None:
        self.changes: dict[str, list[Change]] = {name: [(began, CLOSED)] for name in targets}
        self._openings = dict.fromkeys(targets, 0)

    def see(self, now: float, state: Mapping[str, Any]) -> None:
        """Notes what `/state` says now."""
        for told in state["targets"]:
            name = told["target"]
            if name not in self.changes:
                continue
            seen, changes = mark(told, state["providers"].get(name.partition("/")[0], ())), self.changes[name]
            if seen == OPEN and changes[-1][1] == OPEN and told["breaker"]["openings"] > self._openings[name]:
                changes += [(now, HALF_OPEN), (now, OPEN)]  # a probe came and failed between two looks
            elif changes[-1][1] != seen:
                changes.append((now, seen))
            self._openings[name] = told["breaker"]["openings"]

    def now(self, target: str) -> str:
        """Its last mark."""
        return self.changes[target][-1][1]

    def first(self, target: str, marks: str, since: float) -> float | None:
        """When `target` first had one of `marks`, from `since` on."""
        return next((at for at, seen in self.changes[target] if at >= since and seen in marks), None)

    def picture(self, target: str, began: float, sign_s: float, signs: int) -> str:
        """One character for each `sign_s` seconds since `began`: what stood out in that time."""
        changes = self.changes[target]
        drawn = []
        for place in range(signs):
            start, end = began + place * sign_s, began + (place + 1) * sign_s
            before = [seen for at, seen in changes if at <= start][-1:]
            within = [seen for at, seen in changes if start < at < end]
            drawn.append(max(before + within or [CLOSED], key=_RANKS.index))
        return "".join(drawn)


def row(moments: Sequence[tuple[float, str]], began: float, sign_s: float, signs: int) -> str:
    """One character for each `sign_s` seconds: the commonest of the signs at those moments, blank without one. No
    number of numbers hides a letter, which is something gone wrong."""
    drawn = []
    for place in range(signs):
        start, end = began + place * sign_s, began + (place + 1) * sign_s
        within = [sign for at, sign in moments if start <= at < end]
        shown = [sign for sign in within if sign.isalpha()] or within
        drawn.append(max(sorted(set(shown)), key=shown.count) if shown else " ")
    return "".join(drawn)
