"""The chain's plan for one request body, made the way the data port makes it."""

from typing import Any

from proxy import tokens
from proxy.config.profiles import profile_for, vendor_of
from proxy.config.values import Config
from proxy.jobs import Job
from proxy.routing.explain import Explanation, explain
from proxy.routing.resolve import Resolution, Router
from proxy.service import chat_job, embeddings_job
from translators import embeddings
from translators.catalog import codec
from translators.faults import Malformed
from translators.ir import Dialect
from translators.report import Mode


def plan(config: Config, body: dict[str, Any]) -> Explanation:
    """What would be done with `body`; one with `input` and no `messages` is for embeddings.

    Raises Malformed when it is no request, or nothing serves its model.
    """
    router = Router(config, profile_for, vendor_of)
    asked, found, job = (_embeddings if "input" in body and "messages" not in body else _chat)(router, body)
    if found is None or job is None:
        raise Malformed(f"nothing serves the model '{asked[:100]}'; known: {', '.join(router.names()) or 'none'}")
    return explain(asked, found, job, Mode(found.route.mode), body=body, bound=tokens.bound)


def _chat(router: Router, body: dict[str, Any]) -> tuple[str, Resolution | None, Job | None]:
    client = codec(Dialect.OPENAI_CHAT)
    envelope = client.check_envelope(body)
    found = router.chat(envelope.model)
    return envelope.model, found, chat_job(client, body, envelope, found) if found else None


def _embeddings(router: Router, body: dict[str, Any]) -> tuple[str, Resolution | None, Job | None]:
    envelope = embeddings.check(body)
    found = router.embeddings(envelope.model)
    return envelope.model, found, embeddings_job(body, envelope, found) if found else None
