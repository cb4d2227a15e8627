"""The innermost service: what each route of the data port does once a request is let in.

Reads and checks the little that must be right of every request (JSON, the envelope, a known model), makes a job of it
and hands it to the chain. `/v1/models` is answered from the configuration alone.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any

import orjson

from proxy.answers import served_headers
from proxy.chain.walk import Chain
from proxy.clock import Clock
from proxy.flow import Exchange, expire
from proxy.jobs import ChatJob, EmbeddingsJob, Job
from proxy.routing.resolve import Resolution, Router
from translators import embeddings
from translators.codec import Codec, Envelope
from translators.embeddings import EmbeddingEnvelope
from translators.faults import Malformed
from translators.ir import MODEL_CAP
from translators.report import Mode

LARGE = 1_048_576
STRUCTURES_CAP = 250_000
"""Arrays and objects of one body: each costs some hundred bytes of memory, whatever it costs on the wire."""


class Endpoints:
    """The routes of the data port over one configuration."""

    def __init__(self, router: Router, chain: Chain, clock: Clock) -> None:
        self._router = router
        self._chain = chain
        self._clock = clock
        self._since = int(clock.wall())

    async def __call__(self, exchange: Exchange) -> None:
        """Raises Refused or Malformed for what cannot be served."""
        if exchange.route == "models":
            await self._models(exchange)
        elif exchange.route == "chat":
            await self._chat(exchange)
        else:
            await self._embeddings(exchange)

    async def _chat(self, exchange: Exchange) -> None:
        payload = parse_json(await exchange.read())
        envelope = exchange.codec.check_envelope(payload)
        exchange.payload, exchange.envelope, exchange.asked = payload, envelope, envelope.model
        found = self._router.chat(envelope.model)
        if found is None:
            raise self._unknown(envelope.model)
        await self._run(exchange, chat_job(exchange.codec, payload, envelope, found), found)

    async def _embeddings(self, exchange: Exchange) -> None:
        payload = parse_json(await exchange.read())
        envelope = embeddings.check(payload)
        exchange.payload, exchange.asked = payload, envelope.model
        found = self._router.embeddings(envelope.model)
        if found is None:
            raise self._unknown(envelope.model)
        await self._run(exchange, embeddings_job(payload, envelope, found), found)

    async def _run(self, exchange: Exchange, job: Job, found: Resolution) -> None:
        mode = mode_of(exchange, found)
        own = found.route.timeouts.get("deadline_s")
        if own is None:
            await self._chain.run(exchange, job, found, mode)
        else:
            await self._within(own, exchange, self._chain.run(exchange, job, found, mode))

    async def _within(self, seconds: float, exchange: Exchange, work: Awaitable[None]) -> None:
        """The model's own deadline, which can only shorten the request's."""
        exchange.deadline = min(exchange.deadline, exchange.started + seconds)
        exchange.commit_by = min(exchange.commit_by, exchange.deadline)
        left = max(0.0, exchange.deadline - self._clock.now())
        timer = asyncio.get_running_loop().call_later(left, expire, exchange, asyncio.current_task())
        try:
            await work
        finally:
            timer.cancel()

    def _unknown(self, model: str) -> Malformed:
        known = ", ".join(self._router.names()[:8]) or "none"
        return Malformed(
            f"The model '{model[:100]}' is not configured here; known models: {known}.",
            param="model",
            code="model_not_found",
            status=404,
        )

    async def _models(self, exchange: Exchange) -> None:
        names = self._router.names()
        wanted = exchange.path.removeprefix("/v1/models").lstrip("/")
        if len(wanted) > MODEL_CAP:
            raise self._unknown(wanted)
        if not wanted:
            body: dict[str, Any] = {"object": "list", "data": [self._model(name) for name in names]}
        elif wanted in names or self._router.chat(wanted) or self._router.embeddings(wanted):
            body = self._model(wanted)
        else:
            raise self._unknown(wanted)
        exchange.status = 200
        headers = [("content-type", "application/json"), *served_headers(exchange)]
        await exchange.out.answer(200, headers, orjson.dumps(body))

    def _model(self, name: str) -> dict[str, Any]:
        found = self._router.chat(name) or self._router.embeddings(name)
        owner = found.targets[0].provider.name if found and found.targets else "sidestep"
        return {"id": name, "object": "model", "created": self._since, "owned_by": owner}


def chat_job(client: Codec, payload: dict[str, Any], envelope: Envelope, found: Resolution) -> ChatJob:
    """The job of a chat request, the model's configured defaults filled in."""
    return ChatJob(
        client,
        {**found.route.defaults, **payload} if found.route.defaults else payload,
        stream=envelope.stream,
        usage=envelope.include_usage,
        bound=found.route.max_output,
    )


def embeddings_job(payload: dict[str, Any], envelope: EmbeddingEnvelope, found: Resolution) -> EmbeddingsJob:
    """The job of an embeddings request. Raises Malformed when it asks for another size than its space has."""
    size = found.dimensions
    if size is None:
        return EmbeddingsJob(payload, envelope)
    if envelope.dimensions not in (None, size):
        raise Malformed(
            f"'{envelope.model[:100]}' has {size} dimensions here; ask for that or leave it out.",
            param="dimensions",
            code="invalid_value",
        )
    return EmbeddingsJob({**payload, "dimensions": size}, envelope)


def parse_json(body: bytes) -> Any:
    """The body as JSON. Raises Malformed (`invalid_json`), also for one of more values than memory and time allow."""
    if len(body) > LARGE and body.count(b"[") + body.count(b"{") > STRUCTURES_CAP:
        raise Malformed(
            f"The request body holds more than {STRUCTURES_CAP} arrays and objects.", code="body_too_large", status=413
        )
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f" (line {error.lineno}, column {error.colno})" if body else ""
        what = "is not valid JSON" if body else "is empty"
        raise Malformed(f"The request body {what}{where}.", code="invalid_json") from None


def mode_of(exchange: Exchange, found: Resolution) -> Mode:
    """How strict translation is: `x-sidestep-mode`, else the model's setting."""
    asked = exchange.headers.get("x-sidestep-mode")
    if asked is None:
        return Mode(found.route.mode)
    try:
        return Mode(asked)
    except ValueError:
        raise Malformed(
            f"The header x-sidestep-mode is '{asked[:40]}'; it may be strict, warn or lenient.",
            param="x-sidestep-mode",
            code="invalid_value",
        ) from None
