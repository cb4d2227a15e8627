"""Chains of scripted providers, proxies in front of them, and exercises written down by hand."""

import io
from contextlib import asynccontextmanager
from functools import partial

import pytest

from proxy.app import build
from proxy.config.profiles import vendors
from proxy.config.values import BreakerSettings, Config, ModelRoute, Provider, Step
from proxy.drill.exercise.asking import Outcome
from proxy.drill.exercise.choice import choose
from proxy.drill.exercise.judging import Seen
from proxy.drill.exercise.menu import CASES
from proxy.drill.exercise.pace import pace
from proxy.drill.exercise.watching import Timeline
from proxy.drill.load import Result
from proxy.server import serving
from translators.ir import Dialect

vendors()  # read before a loop runs, as the command does

ALPHA, BETA = "alpha/large", "beta/claude"


def config_of(*, alone=False, **alpha):
    """alpha of the OpenAI dialect, and behind it, unless `alone`, beta of Anthropic's; both at addresses of nobody."""
    providers = {
        "alpha": Provider("alpha", **{"dialect": Dialect.OPENAI_CHAT, "base_url": "https://alpha.example/v1"} | alpha),
        "beta": Provider("beta", Dialect.ANTHROPIC_MESSAGES, "https://beta.example/v1"),
    }
    steps = (Step("alpha", "large"),) if alone else (Step("alpha", "large"), Step("beta", "claude"))
    return Config(providers, {"gpt": ModelRoute("gpt", steps)})


def starter(clock):
    @asynccontextmanager
    async def start(config, engine_for):
        async with serving(config, partial(build, log=io.BytesIO(), engine_for=engine_for), clock=clock) as running:
            yield running.data_url, running.app.state

    return start


@pytest.fixture
def chain():
    """`chain(alone=True, base_url=...)`: a configuration."""
    return config_of


@pytest.fixture
def starting(monkeypatch):
    """`starting(clock)`: what starts a proxy with that clock, at whose breakers a look is had less often."""
    monkeypatch.setattr("proxy.drill.exercise.run.LOOK_S", 0.25)
    return starter


@pytest.fixture
def outcome():
    """`outcome(sent, end, by=ALPHA)`: what a client saw, in a hundredth of a second."""

    def made(sent, end="ok", *, by=BETA, met=False, took=0.01, kind="unary", error="status 503: no"):
        provider, _, model = by.partition("/")
        attempts = f"{ALPHA};server;503;1, " if met else ""
        headers = {
            "x-sidestep-provider": provider,
            "x-sidestep-model": model,
            "x-sidestep-attempts": f"{attempts}{by};ok;200;1",
        }
        ok = end == "ok"
        result = Result(ok=ok, error="" if ok else error, headers=headers if ok or end == "told" else {}, seconds=took)
        return Outcome(kind, end, sent, sent + took, result)

    return made


@pytest.fixture
def seen(outcome):
    """`seen(outcomes, fault="503", marks=[(11.0, "X"), ...])`: an exercise from 0 to 30 with the fault in force from 10
    to 20; before and after it alpha served."""

    def made(during=(), *, fault="503", marks=(), calls=10, alone=False, after=None, failures=5):
        config = config_of(alone=alone, breaker=BreakerSettings(consecutive_failures=failures))
        choice, case = choose(config, None), CASES[fault]
        timeline = Timeline(choice.names, 0.0)
        timeline.changes[ALPHA] += marks
        before = [outcome(at, by=ALPHA) for at in (1.0, 2.0, 3.0)]
        after = [outcome(25.0, by=ALPHA)] if after is None else after
        return Seen(
            choice=choice,
            case=case,
            pace=pace(choice.target, case, rate=10, seconds=10, offline=True),
            outcomes=[*before, *during, *after],
            timeline=timeline,
            calls=calls,
            began=0.0,
            failed_at=10.0,
            healed_at=20.0,
            ended=30.0,
        )

    return made
