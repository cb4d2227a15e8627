"""The chain's plan for one request body, made the way the data port makes it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from msgspec import structs

from proxy.clock import SystemClock
from proxy.config.origins import Origins
from proxy.config.profiles import profile_for, vendor_of
from proxy.config.selection import Selection, leaves_open, named_in
from proxy.config.values import Config, Provider
from proxy.edge.routes import CHAT, DIALECTS, EMBEDDINGS, route_of
from proxy.flow import Choice, Exchange
from proxy.jobs import Job
from proxy.orders.foreseen import foreseen
from proxy.pricing.prices import prices_of
from proxy.routing.explain import Chosen, Explanation, explain
from proxy.routing.live import Live
from proxy.routing.resolve import PriceFor, Resolution, Router, unpriced
from proxy.selection.active import Active
from proxy.selection.chooser import Chooser
from proxy.selection.choosing import task_of
from proxy.selection.complexity import complexity
from proxy.service import chat_job, embeddings_job
from proxy.tokens import worst_input
from translators import embeddings
from translators.catalog import codec
from translators.faults import Malformed
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Mode


def plan(
    config: Config,
    body: dict[str, Any],
    path: str | None = None,
    profile_of: Callable[[Provider, str], Profile] = profile_for,
    said: Mapping[str, str] | None = None,
    *,
    origins: Origins = Origins(),  # noqa: B008 - frozen
    live: Live | None = None,
) -> Explanation:
    """What would be done with `body`, sent to `path` with the headers `said`. Where no path is given, one with `input`
    and no `messages` is for embeddings, and any other for chat. `profile_of` is what is known of a model at a provider,
    `origins` where settings came from, `live` how a running proxy stands.

    Raises Malformed when it is no request, or nothing serves its model; Refused when `path` takes none.
    """
    router = Router(config, profile_of, vendor_of, _prices(config))
    exchange = _exchange(_route(body, path), body, said or {})
    chooser = Chooser(config.selection, router, _active(config.selection, live))
    found, job = (_embeddings if exchange.route == EMBEDDINGS else _conversation)(router, chooser, exchange)
    if found is None or job is None:
        known = ", ".join(router.names()) or "none"
        if exchange.route != EMBEDDINGS and for_vectors(config, exchange.asked):
            raise Malformed(f"'{exchange.asked[:100]}' gives vectors and holds no conversation: ask at /v1/embeddings")
        raise Malformed(f"nothing serves the model '{exchange.asked[:100]}'; known: {known}")
    found, arranged = foreseen(found, body, job, exchange.codec.dialect, live)
    mode = Mode(found.route.mode)
    told = explain(
        exchange.asked, found, job, mode, worst_input=worst_input, origins=origins, live=live, arranged=arranged
    )
    return told if exchange.choice is None else replace(told, chosen=_chosen(exchange.choice, config.selection, body))


def for_vectors(config: Config, model: str) -> bool:
    """Whether a name that is all that is known of a request stands for vectors: as the configuration says, or as
    vendors name such models."""
    if leaves_open(model):
        return named_in(model) in config.selection.uses() and named_in(model) not in config.selection.tasks
    if model in config.models:
        return False
    return model in config.embeddings or model in config.selection.embeddings() or "embed" in model.lower()


def _prices(config: Config) -> PriceFor:
    """What models cost, where an order asks."""
    orderings = [one.ordering for one in config.models.values()] + [one.ordering for one in config.embeddings.values()]
    if not any(one is not None and one.order == "cost" for one in orderings):
        return unpriced
    return prices_of(config, SystemClock().wall).price_for


def _route(body: dict[str, Any], path: str | None) -> str:
    if path is None:
        return EMBEDDINGS if "input" in body and "messages" not in body else CHAT
    route, refused = route_of("POST", path)
    if refused is not None:
        raise refused
    return route


def _exchange(route: str, body: dict[str, Any], said: Mapping[str, str]) -> Exchange:
    """The request, as far as it decides who serves it; nobody reads it, and nobody waits for its answer."""
    unused: Any = None
    return Exchange(
        id="explained",
        route=route,
        method="POST",
        path="",
        headers=dict(said),
        read=unused,
        peer="",
        out=unused,
        codec=codec(DIALECTS.get(route, Dialect.OPENAI_CHAT)),
        started=0.0,
        payload=body,
    )


def _active(selection: Selection, live: Live | None) -> Active:
    """What the configuration says, or the running proxy."""
    active = Active(structs.replace(selection, folder=""), lambda *_: None, lambda: 0.0)
    if live is not None and live.strategy in selection.strategies:
        active.name = live.strategy
    return active


def _conversation(router: Router, chooser: Chooser, exchange: Exchange) -> tuple[Resolution | None, Job | None]:
    body, client = exchange.payload, exchange.codec
    envelope = client.check_envelope(body)
    exchange.asked = envelope.model
    found = chooser.chat(exchange) if chooser.takes(envelope.model) else router.chat(envelope.model)
    return found, chat_job(client, body, envelope, found) if found else None


def _embeddings(router: Router, chooser: Chooser, exchange: Exchange) -> tuple[Resolution | None, Job | None]:
    envelope = embeddings.check(exchange.payload)
    exchange.asked = envelope.model
    opened = chooser.leaves_open(envelope.model)
    found = chooser.embeddings(exchange) if opened else router.embeddings(envelope.model)
    return found, embeddings_job(exchange.payload, envelope, found) if found else None


def _chosen(choice: Choice, selection: Selection, body: dict[str, Any]) -> Chosen:
    """The choice, with what each part of the request gave to its score."""
    parts = complexity(body, task_of(selection, choice.task).hint).parts if choice.score is not None else ()
    told = {name: value for name, value in structs.asdict(choice).items() if name != "header"}
    return Chosen(**told, parts=dict(parts))
