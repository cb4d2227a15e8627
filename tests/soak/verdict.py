"""What a run claims and what it found, as lines for a person or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that must hold. `held` None: the run was too short, or the machine too loud, to tell."""

    name: str
    bound: str
    measured: str
    held: bool | None


_WORDS = {True: "held", False: "BROKEN", None: "open"}


def lines(claims: Sequence[Claim]) -> list[str]:
    widths = [max(len(getattr(one, part)) for one in claims) for part in ("name", "bound")]
    return [
        f"{_WORDS[one.held]:<6}  {one.name:<{widths[0]}}  {one.bound:<{widths[1]}}  {one.measured}" for one in claims
    ]


def document(facts: Any, claims: Sequence[Claim]) -> str:
    """`facts` is whatever else was measured."""
    return json.dumps({**facts, "claims": [asdict(one) for one in claims], "ok": ok(claims)}, indent=2)


def ok(claims: Sequence[Claim]) -> bool:
    """Whether none is broken."""
    return all(one.held is not False for one in claims)
