"""The innermost service: what each route of the data port does once a request is let in.

Reads and checks the little that must be right of every request (JSON, the envelope, a known model), makes a job of it
and hands it to the chain. `/v1/models` is answered from the configuration alone. What a name means for whoever asks is
said by `proxy.offer`.

Tokens are counted by the target that would serve, where it speaks Anthropic's dialect and so has a counter; for any
other chain, and where no counter answers, they are estimated here, and the answer says that they are.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct, field, structs

from proxy import tokens
from proxy.answers import minted_id, served_headers
from proxy.chain.passthrough import Passthrough
from proxy.chain.walk import Chain
from proxy.clock import Clock
from proxy.config.spending import OUTPUT_BOUND
from proxy.config.values import Target
from proxy.crowds import SMALL, check_lists, check_text
from proxy.early import Early, keep_alive_s
from proxy.flow import Downgraded, Exchange, Refused, Service, expire
from proxy.jobs import ChatJob, Job
from proxy.offer import Offer
from proxy.opaque import OpaqueStore, Past
from proxy.orders.orderer import Orderer
from proxy.pins import Hearing, Items, Pins, answer_named, keeper
from proxy.plain_jobs import CountJob, EmbeddingsJob
from proxy.routing.resolve import Resolution, Router
from proxy.telemetry.names import STRATEGY, TASK
from proxy.tokens.counting import Counter
from proxy.ways import Taught, way
from proxy.wishes import mode_of, wants_metadata
from translators import embeddings
from translators.bounds import output_bound
from translators.codec import Codec, Envelope
from translators.embeddings import EmbeddingEnvelope
from translators.faults import Kind, Malformed
from translators.ir import Dialect
from translators.openai_responses.envelope import Pin, pinned_by
from translators.openai_responses.references import spelled_out
from translators.report import Entry, Verdict

if TYPE_CHECKING:
    from proxy.budgets.paying import Paying
    from proxy.selection.chooser import Chooser

ESTIMATED = "approximated=input_tokens"
"""`x-sidestep-translation` of a count that no provider made."""
_ASKED_WRONGLY = frozenset({Kind.REFUSED, Kind.TOO_LONG, Kind.CONTENT, Kind.DEADLINE})
"""Why counting may fail that an estimate would not mend."""
_SAMPLING = frozenset({"temperature", "top_p", "max_tokens"})
_DEFAULTS: Mapping[Dialect, frozenset[str]] = {
    Dialect.ANTHROPIC_MESSAGES: _SAMPLING | {"top_k"},
    Dialect.OPENAI_COMPLETIONS: _SAMPLING
    | {"seed", "stop", "presence_penalty", "frequency_penalty", "logit_bias", "user"},
    Dialect.OPENAI_RESPONSES: frozenset(
        {"temperature", "top_p", "parallel_tool_calls", "service_tier", "safety_identifier", "metadata", "store"}
    ),
}
"""Of a model's defaults, which are fields of chat, those that mean the same in another client's dialect."""
_OUTPUT_FIELDS: Mapping[Dialect, str] = {
    Dialect.OPENAI_CHAT: "max_completion_tokens",
    Dialect.OPENAI_RESPONSES: "max_output_tokens",
}
"""What clients call the bound of an answer, where it is not `max_tokens`."""


class Remembered(Struct, frozen=True):
    """What is known of earlier requests. It outlives a configuration."""

    store: OpaqueStore | None = None
    """What clients drop of turns with tools; None keeps nothing."""
    taught: Taught = field(default_factory=Taught)
    pins: Pins = field(default_factory=Pins)
    items: Items = field(default_factory=Items)
    orderer: Orderer | None = None
    """Who puts chains in the order that the configuration asks for, where it asks for one."""


class Endpoints:
    """The routes of the data port over one configuration."""

    def __init__(
        self,
        router: Router,
        chain: Chain,
        clock: Clock,
        remembered: Remembered | None = None,
        passthrough: Passthrough | None = None,
        paying: "Paying | None" = None,
        counter: Counter | None = None,
        chooser: "Chooser | None" = None,
        more: Mapping[str, Service] | None = None,
    ) -> None:
        """`passthrough` takes what passes through, where anything does; `paying` is told of every request that costs,
        where anything is limited or counted; `counter` counts tokens where no provider does; `chooser` chooses where a
        client leaves it open; `more` are routes that ask no model."""
        self._chooser = chooser
        self._counter = counter
        self._paying = paying
        remembered = remembered or Remembered()
        self._store = remembered.store
        self._taught = remembered.taught
        self._pins = remembered.pins
        self._items = remembered.items
        self._orderer = remembered.orderer
        self._offer = Offer(router, int(clock.wall()))
        self._chain = chain
        self._clock = clock
        self._routes: dict[str, Callable[[Exchange], Coroutine[Any, Any, None]]] = {
            "count_tokens": self._count,
            "embeddings": self._embeddings,
            "models": self._models,
            "responses": self._responses,
            **(more or {}),
        }
        if passthrough is not None:
            self._passthrough = passthrough
            self._routes["passthrough"] = self._passed

    def __call__(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Raises Refused or Malformed for what cannot be served."""
        serve = self._routes.get(exchange.route)
        return self._chat(exchange) if serve is None else serve(exchange)

    async def _chat(self, exchange: Exchange) -> None:
        """A conversation, in the dialect of whatever route it came by."""
        await self._converse(exchange, *self._asked(exchange, parse_json(await exchange.read())))

    async def _responses(self, exchange: Exchange) -> None:
        """The same, but what goes on from something that one provider keeps is asked there and nowhere else."""
        payload, envelope, found = self._asked(exchange, parse_json(await exchange.read()))
        owner = _owner(exchange)
        payload = spelled_out(payload, lambda named: self._items.find(owner, named, self._clock.wall()))
        pin = pinned_by(payload)
        hearing = None
        if payload.get("store") is not False:
            hearing = Hearing(lambda item: self._items.keep(owner, item, self._clock.wall()))
        if pin is not None:
            known = found if self._chooser is None else self._chooser.widened(exchange, found)
            at = self._keeper(known, payload, pin, owner)
            if self._chooser is not None:
                self._chooser.stays(exchange, found, at)
            found = structs.replace(found, targets=(at,), pool=None)
        try:
            await self._converse(exchange, payload, envelope, found, hearing, pinned=pin is not None)
        finally:
            if exchange.status == 200 and payload.get("store") is not False:
                maker = exchange.provider if exchange.answer_id else ""
                self._pins.remember(owner, exchange.answer_id or minted_id(exchange), maker, self._clock.wall())

    def _keeper(self, found: Resolution, payload: dict[str, Any], pin: Pin, owner: str) -> Target:
        client, tools = Dialect.OPENAI_RESPONSES, bool(payload.get("tools"))
        keepers = [
            target for target in found.targets if way(client, target, self._taught.of(target), tools=tools) is client
        ]
        if pin.field == "background":
            return keeper(keepers[:1], None, pin.field)  # nothing is kept yet: whoever comes first will
        return keeper(keepers, self._pins.maker(owner, pin.id, self._clock.wall()), pin.field)

    async def _converse(
        self,
        exchange: Exchange,
        payload: dict[str, Any],
        envelope: Envelope,
        found: Resolution,
        hearing: Hearing | None = None,
        *,
        pinned: bool = False,
    ) -> None:
        """`pinned`: nobody but the targets of `found` can serve it."""
        past = None
        if self._store is not None and payload.get("tools"):
            past = Past(self._store, _owner(exchange))
        at_most = OUTPUT_BOUND if exchange.spend is not None and exchange.spend.bounded else None
        checked = envelope if payload is exchange.payload else None
        job = chat_job(exchange.codec, payload, envelope, found, past, self._taught, hearing, at_most, checked)
        if past is not None:
            await job.recall()
        if pinned:
            _stay(exchange)
        else:
            if past is not None and self._chooser is not None:
                found = self._chooser.kept(exchange, found, job.loop_origin)
            if found.route.ordering is not None and self._orderer is not None:
                found = self._orderer.ordered(exchange, found)
        try:
            await self._run(exchange, job, found)
        except Downgraded as downgraded:
            cheaper = self._offer.instead(exchange.client, downgraded.to)
            if cheaper is None:
                raise downgraded.refusal from None
            await self._converse(exchange, payload, envelope, cheaper, hearing)

    def _asked(self, exchange: Exchange, payload: Any) -> tuple[dict[str, Any], Envelope, Resolution]:
        """Body, envelope and chain of a conversation. Raises Malformed or Refused."""
        envelope = exchange.codec.check_envelope(payload)
        exchange.payload, exchange.envelope, exchange.asked = payload, envelope, envelope.model
        if self._paying is not None:
            self._paying.begin(exchange, payload)
        chooser = self._chooser
        if chooser is not None:
            if TASK in exchange.headers or STRATEGY in exchange.headers:
                chooser.check_said(exchange)
            if chooser.takes(envelope.model):
                return payload, envelope, self._offer.chosen(exchange, chooser.chat)
        return payload, envelope, self._offer.chat(exchange.client, envelope.model)

    async def _passed(self, exchange: Exchange) -> None:
        """What passes through; an answer of `/responses` is asked of whoever made it."""
        answer = answer_named(exchange.path)
        maker = self._pins.maker(_owner(exchange), answer, self._clock.wall()) if answer else None
        self._offer.passes(exchange.client, maker or self._passthrough.provider)
        if self._paying is not None:
            self._paying.begin(exchange, None)
        _stay(exchange)
        await self._passthrough.run(exchange, maker)

    async def _count(self, exchange: Exchange) -> None:
        payload, _, found = self._asked(exchange, parse_json(await exchange.read()))
        client = exchange.codec
        if found.targets[0].provider.dialect is client.dialect:
            counters = tuple(target for target in found.targets if target.provider.dialect is client.dialect)
            try:
                return await self._run(exchange, CountJob(client, payload), structs.replace(found, targets=counters))
            except Refused as refused:
                if refused.fault.kind in _ASKED_WRONGLY:
                    raise
        request = client.parse_request(payload)
        counter, model = self._counter, found.targets[0].model
        count = tokens.estimate(request) if counter is None else await counter.count(request, model)
        exchange.status, exchange.translation = 200, ESTIMATED
        await _answer(exchange, {"input_tokens": count})
        return None

    async def _embeddings(self, exchange: Exchange) -> None:
        payload = parse_json(await exchange.read())
        envelope = embeddings.check(payload)
        exchange.payload, exchange.asked = payload, envelope.model
        if self._paying is not None:
            self._paying.begin(exchange, payload)
        chooser = self._chooser
        if chooser is not None and (TASK in exchange.headers or STRATEGY in exchange.headers):
            chooser.check_said(exchange)
        if chooser is not None and chooser.leaves_open(envelope.model):
            found = self._offer.chosen(exchange, chooser.embeddings)
        else:
            found = self._offer.embeddings(exchange.client, envelope.model)
        _stay(exchange)
        if found.route.ordering is not None and self._orderer is not None:
            found = self._orderer.ordered(exchange, found)
        await self._run(exchange, embeddings_job(payload, envelope, found), found)

    def _run(self, exchange: Exchange, job: Job, found: Resolution) -> Coroutine[Any, Any, None]:
        mode, every_s = mode_of(exchange, found), keep_alive_s(exchange.headers)
        if wants_metadata(exchange.headers):
            exchange.wants_metadata = True
        work: Coroutine[Any, Any, None] = self._chain.run(exchange, job, found, mode)
        if every_s is not None and job.stream:
            work = Early(exchange, every_s, self._clock).around(work)
        own = found.route.timeouts.get("deadline_s")
        return work if own is None else self._within(own, exchange, work)

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

    async def _models(self, exchange: Exchange) -> None:
        wanted = exchange.path.removeprefix("/v1/models").lstrip("/")
        body = self._offer.listing(exchange.client, wanted, exchange.codec.dialect)
        exchange.status = 200
        await _answer(exchange, body)


def _stay(exchange: Exchange) -> None:
    """Nobody but who is asked for can answer."""
    if exchange.spend is not None:
        exchange.spend.stays = True


async def _answer(exchange: Exchange, body: dict[str, Any]) -> None:
    headers = [("content-type", "application/json"), *served_headers(exchange)]
    await exchange.out.answer(200, headers, orjson.dumps(body))


def _owner(exchange: Exchange) -> str:
    """Whose turns a request may find: the configured client's, else those of whoever has the same key."""
    if exchange.client is not None:
        return exchange.client.name
    key = exchange.headers.get("authorization") or exchange.headers.get("x-api-key") or ""
    return "#" + hashlib.sha256(key.encode()).hexdigest()


def chat_job(
    client: Codec,
    payload: dict[str, Any],
    envelope: Envelope,
    found: Resolution,
    past: Past | None = None,
    taught: Taught | None = None,
    hearing: Hearing | None = None,
    at_most: int | None = None,
    checked: Envelope | None = None,
) -> ChatJob:
    """The job of a conversation, the model's configured defaults filled in. `at_most`: tokens that an answer may have
    where nobody says; `checked`: the envelope again, where it is of this very payload."""
    defaults = found.route.defaults
    if defaults and (known := _DEFAULTS.get(client.dialect)) is not None:
        defaults = {name: value for name, value in defaults.items() if name in known}
    if defaults:
        payload = {**defaults, **payload}
        envelope = checked = client.check_envelope(payload)
    bound, clamped = found.route.max_output, None
    if at_most is not None and bound is None and output_bound(client.dialect, payload)[0] is None:
        bound, clamped = at_most, _clamped(_OUTPUT_FIELDS.get(client.dialect, "max_tokens"), at_most)
    return ChatJob(  # by place, since names cost as much again
        client,
        payload,
        envelope.stream,
        envelope.include_usage,
        bound,
        clamped,
        envelope.thinks,
        tokens.at_least,
        past,
        taught,
        found.route.fan_out,
        hearing,
        checked,
    )


@cache
def _clamped(field: str, bound: int) -> Entry:
    """What is told where a budget bounds an answer: the same of every request."""
    return Entry(field, Verdict.CLAMPED, f"a budget holds, so that at most {bound} tokens are answered")


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
    """The body as JSON. Raises Malformed (`invalid_json`), also for one of more than memory and time allow."""
    check_text(body)
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The request body {no_json(body, error)}.", code="invalid_json") from None
    if len(body) > SMALL:
        check_lists(payload)
    return payload


def no_json(body: bytes, error: orjson.JSONDecodeError) -> str:
    """What is wrong with it, and where; of a body that is not UTF-8 the parser does not say the place."""
    if not body:
        return "is empty"
    try:
        body.decode()
    except UnicodeDecodeError as bad:
        return f"is not UTF-8 (byte {bad.start + 1})"
    what = "nested too deeply" if error.msg.startswith("depth limit") else "not valid JSON"
    return f"is {what} (line {error.lineno}, column {error.colno})"
