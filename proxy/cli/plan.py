"""The chain's plan for one request body, made the way the data port makes it."""

from typing import Any

from proxy import tokens
from proxy.config.profiles import profile_for, vendor_of
from proxy.config.values import Config
from proxy.jobs import ChatJob, EmbeddingsJob, Job
from proxy.routing.explain import Explanation, explain
from proxy.routing.resolve import Resolution, Router
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
    if found is None:
        raise Malformed(f"nothing serves the model '{asked[:100]}'; known: {', '.join(router.names()) or 'none'}")
    return explain(asked, found, job, Mode(found.route.mode), body=body, bound=tokens.bound)


def _chat(router: Router, body: dict[str, Any]) -> tuple[str, Resolution | None, Job]:
    client = codec(Dialect.OPENAI_CHAT)
    envelope = client.check_envelope(body)
    found = router.chat(envelope.model)
    payload = {**found.route.defaults, **body} if found else body
    most = found.route.max_output if found else None
    job = ChatJob(client, payload, stream=envelope.stream, usage=envelope.include_usage, bound=most)
    return envelope.model, found, job


def _embeddings(router: Router, body: dict[str, Any]) -> tuple[str, Resolution | None, Job]:
    envelope = embeddings.check(body)
    found = router.embeddings(envelope.model)
    payload = {"dimensions": found.dimensions, **body} if found and found.dimensions else body
    return envelope.model, found, EmbeddingsJob(payload, envelope)
