"""The dashboard and the alert rules ask for what `/metrics` has: each metric and label of theirs, by a proxy in use."""

import json
import re
from pathlib import Path

import httpx2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from proxy.app import build
from proxy.config.spending import NANOS, Budget, LedgerSettings, Price, Spending
from proxy.config.values import BreakerSettings, Config, ModelRoute, Provider, RetrySettings, ServerSettings, Step
from proxy.drill import script
from proxy.drill.load import once
from proxy.drill.provider import ScriptedProvider
from proxy.server import serving
from translators.ir import Dialect

K8S = Path(__file__).parents[2] / "k8s"
SCRAPED = {"instance", "job"}
"""Labels that Prometheus itself adds."""
WORDS = re.compile(r"\b(?:sidestep|process)_\w+")
SELECTED = re.compile(r"((?:sidestep|process)_\w+)\{([^}]*)\}")
GROUPED = re.compile(r"\b(?:by|without|on|ignoring) ?\(([^)]*)\)")


def provider(one):
    retry, breaker = RetrySettings(attempts_per_target=1), BreakerSettings(consecutive_failures=1)
    return Provider(one.name, one.dialect, one.base_url, breaker=breaker, retry=retry)


def config(alpha, beta):
    chain = (Step("alpha", "large"), Step("beta", "claude"))
    price = Price(input=NANOS, output=NANOS)
    return Config(
        {one.name: provider(one) for one in (alpha, beta)},
        {"m": ModelRoute("m", chain)},
        server=ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.1),
        spending=Spending(
            budgets=(Budget("calls", "requests", 2, "day", hard=False, when_spent="alert"),),
            prices={"alpha/large": price, "beta/claude": price},
            ledger=LedgerSettings("memory:"),
        ),
    )


@pytest.fixture(scope="module")
async def exposed(anyio_backend):
    """Every sample's name with its labels, once requests have been answered, streamed and failed over. What no request
    brings about here is counted as where it happens."""
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES) as beta,
        serving(config(alpha, beta), build) as running,
    ):
        for stream in (False, True):
            await ask(running, stream=stream)
        alpha.script = script.status(503)
        await ask(running)
        metrics = running.app.metrics
        metrics.own_error("internal_error")
        metrics.probe("alpha", "ok")
        metrics.model_alerts["p95_s", "bad"] += 1
        metrics.providers_up = lambda: [("alpha", True)]
        async with httpx2.AsyncClient() as client:
            text = (await client.get(running.admin_url + "/metrics")).text
    labels = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


async def ask(running, **more):
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], **more}
    await once(running.data_url + "/v1", "/chat/completions", body)


def dashboard():
    return json.loads((K8S / "grafana-dashboard.json").read_text("utf-8"))


def rules():
    told = yaml.safe_load((K8S / "prometheus-rules.yaml").read_text("utf-8"))
    return [rule for group in told["spec"]["groups"] for rule in group["rules"]]


def asked():
    """Each expression, and the labels that its text shows."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"], set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    for rule in rules():
        yield rule["expr"], set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))


def listed(text):
    return {name.strip() for name in text.split(",") if name.strip()}


EXPRESSIONS = list(asked())


def test_there_is_something_to_check():
    assert len(EXPRESSIONS) > 30


@pytest.mark.parametrize(("expression", "told"), EXPRESSIONS, ids=[one for one, _ in EXPRESSIONS])
async def test_every_metric_and_label_that_is_asked_for_is_there(exposed, expression, told):
    names = set(WORDS.findall(expression))
    assert names, "asks for nothing of ours"
    assert names - exposed.keys() == set()
    for name, selectors in SELECTED.findall(expression):
        labels = {re.split("[=!]", part)[0].strip() for part in listed(selectors)}
        assert labels - exposed[name] - SCRAPED == set(), name
    known = set.intersection(*(exposed[name] for name in names)) | SCRAPED
    grouped = {label for group in GROUPED.findall(expression) for label in listed(group)}
    assert grouped - known == set()
    assert told - (grouped or known) == set(), "a text shows a label that the result does not have"


@pytest.mark.parametrize(
    "name",
    ["sidestep_requests_total", "sidestep_breaker_state", "sidestep_budget_fraction", "sidestep_model_alerts_total"],
)
def test_what_matters_most_is_both_shown_and_alerted_on(name):
    texts = ["".join(expr for expr, _ in EXPRESSIONS), "".join(rule["expr"] for rule in rules())]
    assert all(name in text for text in texts)


def test_states_of_breakers_that_are_asked_for_exist():
    from proxy.resilience.breaker import State

    asked_for = re.compile(r'sidestep_breaker_state\{[^}]*state="(\w+)"')
    states = {state for expr, _ in EXPRESSIONS for state in asked_for.findall(expr)}
    assert states == {state.name for state in State}


def test_every_rule_says_what_is_wrong_and_what_to_do():
    for rule in rules():
        assert re.fullmatch(r"Sidestep[A-Z]\w+", rule["alert"])
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_every_panel_has_a_place_of_its_own_and_a_source_that_can_be_chosen():
    panels = dashboard()["panels"]
    places = [panel["gridPos"] for panel in panels]
    taken = [(place["x"] // 12, y) for place in places for y in range(place["y"], place["y"] + place["h"])]
    assert len(taken) == len(set(taken))
    assert len({panel["id"] for panel in panels}) == len(panels)
    sources = {target["datasource"]["uid"] for panel in panels for target in panel.get("targets", ())}
    assert sources == {"${datasource}"}
