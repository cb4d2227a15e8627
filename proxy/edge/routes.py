"""Which route a request takes, by its exact path. Pure.

Nothing is normalised: no trailing slash is dropped and no case folded, so that what is checked is what is served.
"""

from proxy.flow import Refused
from proxy.telemetry.names import METHOD_NOT_ALLOWED, UNKNOWN_URL
from translators.faults import Fault, Kind, say

CHAT, EMBEDDINGS, MODELS, OTHER = "chat", "embeddings", "models", "other"
ROUTES = (CHAT, EMBEDDINGS, MODELS, OTHER)

_PATHS = {
    "/v1/chat/completions": (CHAT, "POST"),
    "/v1/embeddings": (EMBEDDINGS, "POST"),
    "/v1/models": (MODELS, "GET"),
}
_ONE_MODEL = "/v1/models/"
SHOWN = 120
"""Characters of a path that are told back."""


def route_of(method: str, path: str) -> tuple[str, Refused | None]:
    """The route's name, and why the request is refused there: 404 for an unknown path, 405 for another method.

    A model's id is everything after `/v1/models/`, slashes included.
    """
    found = _find(path)
    if found is None:
        return OTHER, _unknown(path)
    route, allowed = found
    if method != allowed:
        return route, _not_allowed(method, path, allowed)
    return route, None


def _find(path: str) -> tuple[str, str] | None:
    found = _PATHS.get(path)
    if found is None and path.startswith(_ONE_MODEL) and len(path) > len(_ONE_MODEL):
        return MODELS, "GET"
    return found


def _unknown(path: str) -> Refused:
    if _find(f"/v1{path}"):
        message = f"Unknown path '{path[:SHOWN]}': the base URL lacks /v1, set it to http://HOST:PORT/v1."
    else:
        served = ", ".join([*_PATHS, f"{_ONE_MODEL}ID"])
        message = f"Unknown path '{path[:SHOWN]}': this proxy serves {served}."
    return Refused(_fault(404, UNKNOWN_URL, message))


def _not_allowed(method: str, path: str, allowed: str) -> Refused:
    message = f"'{path[:SHOWN]}' takes {allowed}, not {method[:20]}."
    return Refused(_fault(405, METHOD_NOT_ALLOWED, message), more=[("allow", allowed)])


def _fault(status: int, code: str, message: str) -> Fault:
    return Fault(kind=Kind.REFUSED, status=status, code=code, type="invalid_request_error", message=say(message))
