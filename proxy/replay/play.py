"""Plays the exchanges of a recording on the stack that serves, each at the distance it had from the ones before.

What a breaker or a wait does to an exchange follows from those before it, so all of them run on one stack, at the same
time where they did. Clients are let in without keys; whoever left, leaves again at that moment. Budgets are not played,
for what was used of them before, and by others, is in no recording; prices are, and what one
request may cost by them, since they decide who is asked.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Literal, Protocol

import orjson
from msgspec import Struct, structs

from proxy.clock import Clock
from proxy.config.routes import ANY
from proxy.config.spending import LedgerSettings, Spending
from proxy.config.values import Config, Provider, RecordSettings, Target, TelemetrySettings
from proxy.flow import Exchange, Service, cancel
from proxy.recording.form import Line, Stopped
from proxy.replay.moments import VirtualClock, VirtualLoop
from proxy.replay.stage import STAGE, Answered, Player, Stage
from proxy.replay.standing import resume
from proxy.resilience.targets import Registry
from proxy.upstream.engines import EngineFor
from proxy.upstream.seam import Engine
from translators.codec import Codec
from translators.faults import Fault, Kind

SOME = 3
"""Targets that are named where there are too many."""


class Stack(Protocol):
    """What is played on: the composed application."""

    @property
    def service(self) -> Service:
        """The filters around the routes, outermost first."""

    @property
    def registry(self) -> Registry: ...

    def codec_for(self, route: str) -> Codec:
        """The client's dialect on a route."""

    def targets(self, models: Iterable[str]) -> Iterator[Target]:
        """All targets that requests for these models may be sent to."""

    async def close(self) -> None: ...


class Build(Protocol):
    def __call__(self, config: Config, clock: Clock, /, *, engine_for: EngineFor) -> Stack:
        """The stack, its log thrown away; called in the running loop."""


class Played(Struct, frozen=True):
    """A recorded exchange, and what became of it now."""

    line: Line
    exchange: Exchange
    stage: Stage
    out: Answered


def played(build: Build, config: Config, lines: Sequence[Line]) -> list[Played]:
    """Each of the exchanges, in their order, in a loop of its own that takes no time. There must be one."""
    with asyncio.Runner(loop_factory=partial(VirtualLoop, lines[0].clock)) as runner:
        return runner.run(_play(build, config, lines))


async def _play(build: Build, config: Config, lines: Sequence[Line]) -> list[Played]:
    first = lines[0].at
    clock = VirtualClock(first)
    stack = build(offline(config), clock, engine_for=_player)
    resume(stack.registry, stack.targets(dict.fromkeys(line.model for line in lines)), lines[0].before, clock.now())
    try:
        async with asyncio.TaskGroup() as group:
            tasks = []
            for line in lines:
                if (wait := line.at - first - (clock.wall() - first)) > 0:
                    await clock.sleep(wait)
                tasks.append(group.create_task(_one(stack, config, line, clock)))
        return [task.result() for task in tasks]
    finally:
        await stack.close()


def offline(config: Config) -> Config:
    """`config` for a proxy that answers nobody, asks nobody and writes nothing."""
    own = config.spending
    known = Spending(prices=own.prices, tokens=own.tokens, max_cost_per_request=own.max_cost_per_request)
    if any(client.max_cost_per_request is not None for client in config.clients.values()):
        known = structs.replace(known, ledger=LedgerSettings("memory:", usage=False))  # something is to be counted
    return structs.replace(config, clients={}, record=RecordSettings(), telemetry=TelemetrySettings(), spending=known)


def unplayed(config: Config) -> str:
    """What of `config` refuses requests or passes over targets and is not played, in a sentence; empty for nothing."""
    found = {"budgets": config.spending.budgets, "rates": config.spending.rates}
    names = ", ".join(name for name, there in found.items() if there)
    return f"{names}: not played, so whatever they refused or passed over differs" if names else ""


def foreign(config: Config, lines: Sequence[Line]) -> str:
    """What to say where no target that was called stands in a chain of `config`; else empty."""
    called = sorted({(call.provider, call.model) for line in lines for call in line.calls})
    chains = [route.chain for route in config.models.values()] + [one.chain for one in config.embeddings.values()]
    there = {(step.provider, step.model) for chain in chains for step in chain}
    named = {*config.selection.models(), *config.selection.embeddings()}
    if not called or any(
        (provider, model) in there or (provider, ANY) in there or f"{provider}/{model}" in named
        for provider, model in called
    ):
        return ""
    some = ", ".join(f"{provider}/{model}" for provider, model in called[:SOME])
    return (
        f"the recording is of another configuration: none of the targets that it called ({some}"
        f"{', ...' if len(called) > SOME else ''}) is in a chain of {config.source}; name its own with --config FILE"
    )


def _player(
    kind: Literal["native", "httpx2"],  # noqa: ARG001 - EngineFor's
    provider: Provider,
    *,
    connections: int,  # noqa: ARG001 - EngineFor's
) -> Engine:
    return Player(provider)


async def _one(stack: Stack, config: Config, line: Line, clock: Clock) -> Played:
    stage, out = Stage(line, clock), Answered()
    exchange = _exchange(stack, config, line, clock, out)
    STAGE.set(stage)
    leaving = _leaving(exchange, line.stopped)
    try:
        await stack.service(exchange)
    except asyncio.CancelledError:
        if exchange.cancelled is None:
            raise
    finally:
        if leaving is not None:
            leaving.cancel()
    return Played(line, exchange, stage, out)


def _exchange(stack: Stack, config: Config, line: Line, clock: Clock, out: Answered) -> Exchange:
    body = orjson.dumps(line.request_body) if line.request_text is None else line.request_text.encode()

    async def read() -> bytes:
        return body

    return Exchange(
        id=line.id,
        route=line.endpoint,
        method=line.method,
        path=line.url,
        headers=dict(line.request_headers),
        read=read,
        peer="127.0.0.1",
        out=out,
        codec=stack.codec_for(line.endpoint),
        started=clock.now(),
        client=config.clients.get(line.client or ""),
    )


def _leaving(exchange: Exchange, stopped: Stopped | None) -> asyncio.TimerHandle | None:
    """What cancels the exchange when it was cancelled then."""
    if stopped is None:
        return None
    fault = Fault(kind=Kind(stopped.kind), status=stopped.status, code=stopped.code, message=stopped.message)
    end: Callable[[], Any] = partial(cancel, exchange, asyncio.current_task(), fault)
    return asyncio.get_running_loop().call_later(stopped.ms / 1000, end)
