"""`[passthrough]`: which paths of OpenAI's API go to which one provider as they are.

A path is whole (`/v1/moderations`), or ends in `/*` and then means what stands before it and all that begins so. The
realtime API is no exchange of a request for an answer and cannot be named.
"""

import re
from collections.abc import Mapping
from typing import Final

from proxy.config.errors import listed, nearest
from proxy.config.table import Table
from proxy.config.values import PASSED, PassthroughSettings, Provider
from translators.ir import Dialect

PATHS_CAP: Final = 64
SPEAKS: Final = (Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES)
"""Dialects of OpenAI's API: whoever speaks one may have the rest of it."""

_PATH = re.compile(r"/v1((/[A-Za-z0-9_-]+)+(/\*)?|/\*)\Z")
_REALTIME = "/v1/realtime"


def read_passthrough(table: Table, providers: Mapping[str, Provider]) -> PassthroughSettings:
    """The settings; without the section, or with no paths, nothing passes."""
    name = table.text("provider")
    given = table.texts("paths")
    if given is None:
        given = PASSED
    if len(given) > PATHS_CAP:
        table.wrong("paths", f"must name at most {PATHS_CAP} paths, not {len(given)}")
    for place, path in enumerate(given):
        if problem := _problem(path):
            table.wrong("paths", f'entry {place + 1} ("{path}") {problem}')
    if name is not None:
        _check_provider(table, name, providers)
    elif "paths" in table and given and "provider" not in table:
        table.wrong("provider", "is missing: say who gets what passes through")
    table.finish()
    return PassthroughSettings(name or "", given)


def _problem(path: str) -> str:
    if not _PATH.match(path):
        return 'must be a path such as "/v1/files" or, for all below it too, "/v1/files/*"'
    if path == _REALTIME or path.startswith(_REALTIME + "/"):
        return "does not pass through: the realtime API needs a connection of its own"
    return ""


def _check_provider(table: Table, name: str, providers: Mapping[str, Provider]) -> None:
    if name not in providers:
        table.wrong("provider", f'names "{name}", but there is no [providers.{name}]{nearest(name, providers)}')
    elif providers[name].dialect not in SPEAKS:
        spoken = listed(dialect.value for dialect in SPEAKS)
        table.wrong("provider", f'"{name}" speaks {providers[name].dialect.value}; what passes through is {spoken}\'s')
