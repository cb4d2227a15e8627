"""The reference of the configuration says what the code does: each key once, with its default, range and place."""

import re
import tomllib
from pathlib import Path

import pytest
from msgspec import structs

from proxy.cli.providers import carried
from proxy.config.clients import CLIENT_VARIABLE
from proxy.config.orders import AFFINITIES, ORDERS, Free, Ordering
from proxy.config.prices import KINDS
from proxy.config.profiles import vendors
from proxy.config.selection import Experiment, Selection, Strategy, Task
from proxy.config.settings import RANGES, WHOLE_CHAIN
from proxy.config.spending import AlertSettings, Budget, LedgerSettings, Price, Rate, TokenSettings
from proxy.config.telemetry import VARIABLES as TRACES
from proxy.config.values import (
    PASSED,
    AdminSettings,
    BreakerSettings,
    Client,
    EmbeddingRoute,
    HealthSettings,
    LimitSettings,
    ModelRoute,
    PassthroughSettings,
    Provider,
    RecordSettings,
    RetrySettings,
    ServerSettings,
    TelemetrySettings,
    TimeoutSettings,
)
from proxy.config.zero import ENDPOINTS, model_variable, unaided, variables
from proxy.crowds import CALLS_CAP, ESCAPES_CAP, LARGE, PARTS_CAP, STRUCTURES_CAP, TOOLS_CAP, VALUES_CAP
from proxy.server.protocol import Bounds
from proxy.upstream.connection import HEAD_LIMIT
from proxy.upstream.trial import ANSWER_LIMIT
from translators.anthropic_messages.request_in import MESSAGES_CAP
from translators.embeddings import INPUTS_CAP
from translators.openai_chat.envelope import CHOICES_CAP
from translators.openai_chat.envelope import MESSAGES_CAP as CHAT_MESSAGES
from translators.sse import LIMIT as EVENT_LIMIT

ROOT = Path(__file__).parents[2]
PAGE = "docs/configuration.md"
SECTIONS = {
    "[server]": ServerSettings,
    "[admin]": AdminSettings,
    "[breaker]": BreakerSettings,
    "[retry]": RetrySettings,
    "[timeouts]": TimeoutSettings,
    "[limits]": LimitSettings,
    "[health]": HealthSettings,
}
BLOCKS = {
    "[clients.NAME]": (Client, {"name"}),
    "[providers.NAME]": (Provider, {"name", "client_key", "demo"}),
    '[models."NAME"]': (ModelRoute, {"name", "ordering"}),
    "[embeddings.NAME]": (EmbeddingRoute, {"name", "ordering"}),
    "[selection]": (Selection, {"tasks", "strategies", "experiments", "folder"}),
    "[tasks.NAME]": (Task, {"name"}),
    "[strategies.NAME]": (Strategy, {"name"}),
    "[experiments.NAME]": (Experiment, {"name", "arms"}),
    "[passthrough]": (PassthroughSettings, set()),
    "[record]": (RecordSettings, set()),
    "[[budgets]]": (Budget, set()),
    "[[rates]]": (Rate, set()),
    "[alerts]": (AlertSettings, set()),
    '[prices."NAME"]': (Price, {"served", "search_any"}),
    "[tokens]": (TokenSettings, set()),
    "[ledger]": (LedgerSettings, set()),
    "[telemetry]": (TelemetrySettings, {"headers", "resource", "ratio", "follows"}),
}
"""With the fields that no file says."""
WRITTEN = {"max_cost_per_request": "max_cost_per_request_usd", "hard": "mode"}
"""What a file calls a field."""
ORDERING = set(Ordering.__struct_fields__)
ELSEWHERE = {
    "[passthrough]": {"fee_usd"},
    '[models."NAME"]': ORDERING,
    "[embeddings.NAME]": ORDERING,
    "[experiments.NAME]": {"strategies", "models"},
}
"""Keys whose value is kept with others of their kind."""


def shown(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


@pytest.mark.parametrize(("heading", "kind"), SECTIONS.items())
def test_every_key_of_a_section_is_there_with_its_default(rows, heading, kind):
    told = {row["key"]: tomllib.loads(f"x = {row['default']}")["x"] for row in rows(PAGE, heading)}
    defaults = {name: list(value) if isinstance(value, tuple) else value for name, value in vars_of(kind()).items()}
    assert told == defaults
    assert list(told) == list(defaults)


def vars_of(settings: object) -> dict[str, object]:
    return {field.name: getattr(settings, field.name) for field in structs.fields(settings)}


@pytest.mark.parametrize(("heading", "kind"), [item for item in SECTIONS.items() if item[1] in RANGES])
def test_every_number_has_its_range(rows, heading, kind):
    told = {row["key"]: row["range"] for row in rows(PAGE, heading)}
    for name, allowed in RANGES[kind].items():
        above = "more than " if allowed.above else ""
        assert told[name] == f"{above}{shown(allowed.low)} to {shown(allowed.high)}", name


@pytest.mark.parametrize("heading", ["[breaker]", "[retry]", "[timeouts]"])
def test_what_belongs_to_a_whole_chain_is_overridden_by_models_alone(rows, heading):
    for row in rows(PAGE, heading):
        assert row["also in"] == ("models" if row["key"] in WHOLE_CHAIN else "providers, models"), row["key"]


@pytest.mark.parametrize("heading", BLOCKS)
def test_every_key_of_a_block_is_there_and_no_other(rows, heading):
    kind, inner = BLOCKS[heading]
    named = {WRITTEN.get(field.name, field.name) for field in structs.fields(kind)}
    assert {row["key"] for row in rows(PAGE, heading)} == named - inner | ELSEWHERE.get(heading, set())


def test_every_order_every_kind_of_staying_and_every_allowance_is_there(rows):
    told = {row["key"]: row for row in rows(PAGE, '[models."NAME"]')}
    assert told["order"]["range"] == ", ".join(f'"{order}"' for order in ORDERS)
    assert told["affinity"]["range"] == ", ".join(f'"{affinity}"' for affinity in AFFINITIES)
    assert told["free"]["meaning"].endswith(", ".join(Free.__struct_fields__))
    page = "docs/ordering.md"
    assert [row["order"] for row in rows(page, "Who of a chain is asked first")] == list(ORDERS)
    assert ["none", *(row["affinity"] for row in rows(page, "Staying at one target"))] == list(AFFINITIES)


def test_every_kind_of_token_has_its_row_in_order(rows):
    assert [row["key"] for row in rows(PAGE, '[prices."NAME"]')] == [
        *KINDS,
        "request",
        "search",
        "search_once",
        "tiers",
    ]


def test_the_paths_that_pass_by_default_are_there_in_order():
    section = (ROOT / PAGE).read_text("utf-8").split("## [passthrough]")[1].split("```")[0]
    assert tuple(re.findall(r"`(/v1/[a-z_/*]+)`", section)) == PASSED


def test_every_variable_of_the_environment_is_there_and_no_other(rows):
    general = {row["variable"] for row in rows(PAGE, "Environment")}
    vendor = rows(PAGE, "Environment", 1)
    named = {name for row in vendor for name in re.findall(r"[A-Z_]{3,}", f"{row['key']} {row['model']}")}
    traces = [row["variable"] for row in rows(PAGE, "[telemetry]", 1)]
    assert general | named | set(traces) == set(variables())
    assert sorted(traces) == sorted(TRACES)
    assert {CLIENT_VARIABLE} | {endpoint.variable for endpoint in ENDPOINTS.values()} <= general


def test_each_vendor_stands_beside_its_own_variables(rows):
    told = {row["vendor"]: (row["key"], row["model"]) for row in rows(PAGE, "Environment", 1)}
    assert told == {
        name: (", ".join(vendor.key_env) or "none", model_variable(name)) for name, vendor in unaided().items()
    }


def test_the_providers_page_is_the_file_of_profiles(rows):
    def url(name: str, base: str) -> str:
        return base or (" + ".join(ENDPOINTS[name][:2]) if name in ENDPOINTS else "yours, in a file")

    told = [list(row.values()) for row in rows("docs/providers.md", "Providers")]
    assert told == [
        [
            name,
            vendor.dialect.value,
            ", ".join(vendor.key_env) or "none",
            url(name, vendor.base_url),
            vendor.default_model or "none",
        ]
        for name, vendor in vendors().items()
    ]


def test_what_vendors_carry_is_what_the_profiles_say(rows):
    told = {row["vendor"]: row["carries"].split(", ") for row in rows("docs/providers.md", "What each carries")}
    assert told == {name: carried(vendor) for name, vendor in vendors().items()}


def test_every_vendor_has_a_working_block_in_the_guide():
    """The blocks themselves are loaded with those of all documents."""
    used = set(re.findall(r'(?m)^vendor = "(.+)"$', (ROOT / "docs/providers.md").read_text("utf-8")))
    assert used == set(vendors())


def test_the_fixed_bounds_are_those_of_the_code():
    """Which no table of settings holds."""
    told = (ROOT / PAGE).read_text("utf-8").partition("\nSome bounds are fixed. ")[2].partition("\n\n")[0]
    asked, _, answered = " ".join(told.split()).partition(" Of a provider's answer: ")
    head = Bounds()
    own = [head.header_bytes, head.header_fields, head.header_s, CHAT_MESSAGES, MESSAGES_CAP, PARTS_CAP, CALLS_CAP]
    more = [TOOLS_CAP, CHOICES_CAP, INPUTS_CAP, STRUCTURES_CAP, VALUES_CAP, LARGE // 1024, ESCAPES_CAP]
    assert [float(number) for number in re.findall(r"\d+", asked)] == [*own, *more, 1024]
    assert re.findall(r"\d+", answered) == [str(HEAD_LIMIT), str(EVENT_LIMIT), str(ANSWER_LIMIT)]
