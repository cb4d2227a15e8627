"""Whose a request is: its client's, its client's team's, and whoever else its client may speak for. Pure.

A client speaks for users, teams or tasks where `[clients.NAME] speaks_for` says so. Without clients a caller is a
program of this machine, whose owner's spending it is: it speaks for all.

Whoever is not allowed to and says so in a header of ours is refused, for it must not believe that it counted elsewhere.
The fields of the body are the providers' own, and clients send them anyway: those that nobody may speak by are left to
the providers.

A name has at most `NAME_CAP` printable characters. A header that has more is refused. A field may hold what its dialect
lets it (Claude Code puts a whole account there), so a longer one, or one with other characters, counts by its digest.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from proxy.config.selection import leaves_open, named_in
from proxy.config.spending import Dimension
from proxy.config.values import Client
from proxy.flow import Who
from proxy.telemetry.names import IDENTITY_REFUSED, TASK, TEAM, USER
from translators.faults import Malformed
from translators.ir import Dialect

NAME_CAP: Final = 128
DIGEST: Final = 32
"""Hex digits of one that stands for a longer name."""
HEADERS: Final[Mapping[str, Dimension]] = {USER: "user", TEAM: "team", TASK: "task"}
ALL: Final = tuple(HEADERS.values())
_USERS: Final = ("safety_identifier", "user")


def who(client: Client | None, headers: Mapping[str, str], payload: Any, dialect: Dialect) -> Who:
    """`payload` is the parsed body, None where it is not read. Raises Malformed: 400 for a name that is none, 403 for
    one that the client may not say."""
    said = {kind: _named(name, headers[name]) for name, kind in HEADERS.items() if name in headers}
    for name, kind in HEADERS.items():
        if kind in said and client is not None and kind not in client.speaks_for:
            raise _refused(client, name, kind)
    body = payload if isinstance(payload, dict) else {}
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    speaks = ALL if client is None else client.speaks_for
    if "user" in speaks and "user" not in said:
        said["user"] = _user(body, metadata, dialect)
    if "task" in speaks and "task" not in said:
        said["task"] = _counted(metadata.get("task")) or _of_model(body.get("model"))
    return Who(
        client="" if client is None else client.name,
        team=said.get("team") or ("" if client is None else client.team),
        user=said.get("user", ""),
        task=said.get("task", ""),
    )


def _user(body: Mapping[str, Any], metadata: Mapping[str, Any], dialect: Dialect) -> str:
    """As each dialect's clients name theirs."""
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        return _counted(metadata.get("user_id"))
    return next((name for field in _USERS if (name := _counted(body.get(field)))), "")


def _of_model(model: object) -> str:
    """The task in `auto/TASK`."""
    return _counted(named_in(model)) if isinstance(model, str) and leaves_open(model) else ""


def _named(header: str, value: str) -> str:
    if value and len(value) <= NAME_CAP and value.isprintable():
        return value
    raise Malformed(
        f"The header {header} must be a name of 1 to {NAME_CAP} printable characters.",
        param=header,
        code="invalid_value",
    )


def _counted(value: object) -> str:
    """A field's name, or what stands for it; what is no text names nobody."""
    if not isinstance(value, str):
        return ""
    if len(value) <= NAME_CAP and value.isprintable():
        return value
    return f"sha256:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:DIGEST]}"


def _refused(client: Client, header: str, kind: Dimension) -> Malformed:
    return Malformed(
        f"The client '{client.name}' may not say which {kind} it asks for, so {header} is refused; "
        f'add "{kind}" to [clients.{client.name}] speaks_for to allow it.',
        param=header,
        code=IDENTITY_REFUSED,
        status=403,
    )
