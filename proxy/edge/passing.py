"""Which requests pass through to the provider that `[passthrough]` names: path, method and query. Pure.

What is checked is what is sent on. A path consists of plain segments, none of them dots alone, and has as many slashes
as were written: an id that a client program escaped (`a%2Fb`) never becomes two segments. Whatever does not fit is no
path that is known here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from proxy.edge.hygiene import invalid
from proxy.edge.routes import SHOWN, not_allowed
from proxy.flow import Refused
from proxy.telemetry.names import UNSUPPORTED_MEDIA_TYPE

METHODS: Final = ("GET", "POST", "DELETE")
QUERY_CAP: Final = 4096

_PATH = re.compile(r"/v1(/(?!\.+(/|\Z))[A-Za-z0-9._~:@=+-]+)+\Z")
_QUERY = re.compile(r"[A-Za-z0-9._~:@!$&'()*+,;=/?%\[\]-]*\Z")
_NEVER = "/v1/realtime"


class Passing:
    """`paths` as configured: whole ones, and such as end in `/*`."""

    def __init__(self, paths: Sequence[str]) -> None:
        roots = [path.removesuffix("/*") for path in paths if path.endswith("/*")]
        self._whole = frozenset(paths) | frozenset(roots)
        self._below = tuple(f"{root}/" for root in roots)

    def takes(self, path: str, raw_path: bytes) -> bool:
        """Whether `path`, which was written as `raw_path`, passes through."""
        if path not in self._whole and not path.startswith(self._below):
            return False
        if path == _NEVER or path.startswith(f"{_NEVER}/"):
            return False
        return _PATH.match(path) is not None and path.count("/") == raw_path.count(b"/")

    def refusal(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> Refused | None:
        """Why a request for a path that passes is refused: 405 for a method that no such path knows, 400 for a query
        that is none, or a body that was compressed on its way, for that is not told on."""
        if method not in METHODS:
            return not_allowed(method, path, ", ".join(METHODS))
        if len(query) > QUERY_CAP or not _QUERY.match(query):
            return Refused(invalid(f"The query of '{path[:SHOWN]}' is longer than {QUERY_CAP} characters or no query."))
        if headers.get("content-encoding", "identity").lower() != "identity":
            message = "A body with a content-encoding does not pass through; send it as it is."
            return Refused(invalid(message, status=415, code=UNSUPPORTED_MEDIA_TYPE))
        return None
