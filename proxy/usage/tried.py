"""What each model that was called for a request did, in a record's few words.

`alpha/large:server:120,beta/small:ok:300`: the targets that were called, each with what came of its last call and how
long that took, in milliseconds; whoever answered, or was called last, at the end, and `MOST` of them at most. A first
call that answered leaves nothing, for the record itself says all of it: so what is usual costs nothing.

Out of it come the models' own figures: one that failed has failed, whoever saved the request, and whoever answered
after it took no longer than its own call. A target that failed and answered when it was called again has answered.
Here it is told in SQL, for a thread that sums in Python would keep others waiting; of one record at a time
`proxy.usage.deeds` tells the same.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from proxy.flow import Attempt

MOST: Final = 8
"""Targets that are told, the latest."""
CAP: Final = 400
"""Characters of a target."""


class Call(Struct, frozen=True):
    target: str
    kind: str
    """`ok`, or the fault's kind."""
    ms: int

    @property
    def model(self) -> str:
        return self.target.partition("/")[2]


def tried(attempts: Sequence[Attempt], served: str) -> str:
    """`served` is who answered, `provider/model`."""
    last: dict[str, Attempt] = {}
    for one in attempts:
        last.pop(one.target, None)
        last[one.target] = one
    if served in last:
        last[served] = last.pop(served)
    found = list(last.values())[-MOST:]
    return ",".join(f"{one.target[:CAP].replace(',', '_')}:{one.kind}:{one.ms}" for one in found)


def calls(text: str) -> list[Call]:
    """What such a text tells, in its order."""
    found = [one.rsplit(":", 2) for one in text.split(",")] if text else []
    return [Call(target, kind, int(ms)) for target, kind, ms in found]


_DIGITS: Final = "'0123456789'"
_LETTERS: Final = "'abcdefghijklmnopqrstuvwxyz_'"
_LAST: Final = "substr(tried, length(rtrim(tried, replace(tried, ',', ''))) + 1)"
"""In SQL, what follows the last comma: what is cut off at the end is all but commas."""
_LAST_MS: Final = f"CAST(substr(tried, length(rtrim(tried, {_DIGITS})) + 1) AS INTEGER)"


def _upto_kind(call: str) -> str:
    return f"rtrim(rtrim({call}, {_DIGITS}), ':')"


def model_in(call: str) -> str:
    """In SQL, the model of one call."""
    target = f"rtrim({_upto_kind(call)}, {_LETTERS})"
    return f"substr({target}, instr({target}, '/') + 1, length({target}) - instr({target}, '/') - 1)"


def kind_in(call: str) -> str:
    """In SQL, what came of one call."""
    return f"substr({_upto_kind(call)}, length(rtrim({_upto_kind(call)}, {_LETTERS})) + 1)"


MODEL: Final = f"CASE WHEN model <> '' THEN model WHEN tried <> '' THEN {model_in(_LAST)} ELSE asked END"
"""In SQL, whose request it is; `OUTCOME` what that one did, `MS` and `FIRST_MS` in what time of its own."""
OUTCOME: Final = f"CASE WHEN provider = '' AND tried <> '' THEN {kind_in(_LAST)} ELSE outcome END"
MS: Final = (
    f"CASE WHEN tried = '' THEN ms WHEN first_token_ms IS NULL THEN {_LAST_MS} "
    f"ELSE ms - MAX(0, first_token_ms - {_LAST_MS}) END"
)
FIRST_MS: Final = f"CASE WHEN tried = '' THEN first_token_ms ELSE MIN(first_token_ms, {_LAST_MS}) END"


def others(columns: str, which: str) -> str:
    """In SQL, the calls of everybody else as a table `others`: these columns of the records that `which` says, and
    `call`."""
    return (
        f"WITH RECURSIVE others({columns}, call, rest) AS ("  # noqa: S608 - made of names of our own alone
        f"SELECT {columns}, substr(tried, 1, instr(tried, ',') - 1), substr(tried, instr(tried, ',') + 1) "
        f"FROM usage_records WHERE {which} AND instr(tried, ',') > 0 UNION ALL "
        f"SELECT {columns}, substr(rest, 1, instr(rest, ',') - 1), substr(rest, instr(rest, ',') + 1) "
        "FROM others WHERE instr(rest, ',') > 0)"
    )
