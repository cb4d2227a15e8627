"""The chain's plan for one request body, made the way the data port makes it."""

from collections.abc import Callable
from typing import Any

from proxy.config.origins import Origins
from proxy.config.profiles import profile_for, vendor_of
from proxy.config.values import Config, Provider
from proxy.edge.routes import CHAT, DIALECTS, EMBEDDINGS, route_of
from proxy.jobs import Job
from proxy.routing.explain import Explanation, explain
from proxy.routing.live import Live
from proxy.routing.resolve import Resolution, Router
from proxy.service import chat_job, embeddings_job
from proxy.tokens import worst_input
from translators import embeddings
from translators.catalog import codec
from translators.codec import Codec
from translators.faults import Malformed
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Mode


def plan(
    config: Config,
    body: dict[str, Any],
    path: str | None = None,
    profile_of: Callable[[Provider, str], Profile] = profile_for,
    *,
    origins: Origins = Origins(),  # noqa: B008 - frozen
    live: Live | None = None,
) -> Explanation:
    """What would be done with `body`, sent to `path`. Where none is given, one with `input` and no `messages` is for
    embeddings, and any other for chat. `profile_of` is what is known of a model at a provider, `origins` where settings
    came from, `live` how a running proxy stands.

    Raises Malformed when it is no request, or nothing serves its model; Refused when `path` takes none.
    """
    router = Router(config, profile_of, vendor_of)
    route = _route(body, path)
    if route == EMBEDDINGS:
        asked, found, job = _embeddings(router, body)
    else:
        asked, found, job = _conversation(router, body, codec(DIALECTS.get(route, Dialect.OPENAI_CHAT)))
    if found is None or job is None:
        raise Malformed(f"nothing serves the model '{asked[:100]}'; known: {', '.join(router.names()) or 'none'}")
    return explain(asked, found, job, Mode(found.route.mode), worst_input=worst_input, origins=origins, live=live)


def _route(body: dict[str, Any], path: str | None) -> str:
    if path is None:
        return EMBEDDINGS if "input" in body and "messages" not in body else CHAT
    route, refused = route_of("POST", path)
    if refused is not None:
        raise refused
    return route


def _conversation(router: Router, body: dict[str, Any], client: Codec) -> tuple[str, Resolution | None, Job | None]:
    envelope = client.check_envelope(body)
    found = router.chat(envelope.model)
    return envelope.model, found, chat_job(client, body, envelope, found) if found else None


def _embeddings(router: Router, body: dict[str, Any]) -> tuple[str, Resolution | None, Job | None]:
    envelope = embeddings.check(body)
    found = router.embeddings(envelope.model)
    return envelope.model, found, embeddings_job(body, envelope, found) if found else None
