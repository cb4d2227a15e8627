"""What the page on traces lists and shows is what a collector is sent."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import yaml

from proxy.app import build
from proxy.config.values import Config, ModelRoute, Provider, RetrySettings, ServerSettings, Step, TelemetrySettings
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import ok, status
from proxy.server import serving
from proxy.telemetry.spans import ATTEMPT, CALL_FAILED, EXCHANGE, FIRST_CONTENT, OPERATIONS
from proxy.upstream import collector
from tests.e2e.collector import Collected
from translators.ir import Dialect

ROOT = Path(__file__).parents[2]
PAGE = "docs/observability.md"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def shown(all_blocks):
    """`shown(language)`: the first block of the page in a language, of those that begin so."""

    def found(language, begins=""):
        blocks = (one.text for one in all_blocks if (one.page, one.language) == (PAGE, language))
        return next(text for text in blocks if text.startswith(begins))

    return found


@pytest.fixture
def text():
    return re.sub(r"\s+", " ", (ROOT / PAGE).read_text("utf-8"))


@pytest.mark.parametrize(("heading", "names"), [("The exchange", EXCHANGE), ("An attempt", ATTEMPT)])
def test_every_attribute_is_listed_and_no_other(rows, heading, names):
    assert [row["attribute"] for row in rows(PAGE, heading)] == list(names)


def test_events_and_operations_are_named(rows, text):
    assert f"`{FIRST_CONTENT}`" in text and f"`{CALL_FAILED}`" in text
    [told] = [row["meaning"] for row in rows(PAGE, "The exchange") if row["attribute"] == "gen_ai.operation.name"]
    assert set(told.split(", ")) == set(OPERATIONS.values())


def test_the_collectors_configuration_listens_where_ours_sends(shown):
    told = yaml.safe_load(shown("yaml"))
    here = told["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert here == urlsplit(tomllib.loads(shown("toml"))["telemetry"]["otlp"]).netloc
    assert told["service"]["pipelines"]["traces"] == {"receivers": ["otlp"], "exporters": ["debug"]}


def test_the_bounds_are_those_of_the_code(text):
    for told in (
        f"At most {collector.QUEUE} spans wait",
        f"sent every {collector.INTERVAL_S:g} s, or as soon as there are {collector.BATCH}",
        f"({', '.join(map(str, sorted(collector.RETRYABLE)))}, no answer in {collector.TIMEOUT_S:g} s)",
        f"up to {collector.TRIES} times",
        f"{collector.PAUSE_CAP_S:g} s at most",
        f"for {collector.FLUSH_S:g} s at most",
    ):
        assert told in text, told


async def test_a_failover_looks_as_it_is_drawn(shown):
    async with (
        Collected() as collected,
        ScriptedProvider("openai", Dialect.OPENAI_CHAT, status(529)) as first,
        ScriptedProvider("anthropic", Dialect.ANTHROPIC_MESSAGES, ok()) as second,
    ):
        quick = RetrySettings(base_s=0.001, cap_s=0.002)
        providers = {one.name: Provider(one.name, one.dialect, one.base_url, retry=quick) for one in (first, second)}
        chain = (Step("openai", "gpt-4o"), Step("anthropic", "claude-sonnet-5"))
        config = Config(
            providers,
            {"gpt-4o": ModelRoute("gpt-4o", chain)},
            server=ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.1),
            telemetry=TelemetrySettings(otlp=collected.url + "/v1/traces"),
        )
        async with serving(config, build) as running, httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.post(f"{running.data_url}/v1/chat/completions", json=BODY)).status_code == 200
        spans = await collected.spans(4)
    assert "".join(f"{line}\n" for line in tree(spans)) == shown("text", "chat ")


def tree(spans):
    root, *attempts = spans
    yield f"{root.name:28}SERVER  {root['http.response.status_code']}"
    for place, one in enumerate(attempts, 1):
        branch = "└── " if place == len(attempts) else "├── "
        yield (
            f"{branch}{one.name:24}CLIENT  {one['http.response.status_code']}  "
            f"{one['error.type'] or '':12}{one['sidestep.target']}"
        )
