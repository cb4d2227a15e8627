"""`[telemetry]` and OpenTelemetry's variables: where spans go, which are made, and what a mistake in either does."""

import pytest

from proxy import __version__
from proxy.config.hidden import Secret
from proxy.config.listeners import Overrides
from proxy.config.load import load, relisten
from proxy.config.telemetry import SAMPLERS, described
from proxy.config.values import Config, TelemetrySettings

KEY = {"ALPHA_KEY": "a", "BETA_KEY": "b", "OPENAI_API_KEY": "o", "ANTHROPIC_API_KEY": "c"}
FILE = '[telemetry]\notlp = "http://otel.example:4318"'
HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.fixture
def from_file(load_text):
    """The settings of a file with `text`, and the warnings."""

    def loaded(text=FILE, **variables):
        found = load_text(text, env=KEY | variables)
        return found.config.telemetry, found.warnings

    return loaded


def from_environment(**variables):
    found = load(None, KEY | variables)
    return found.config.telemetry, found.warnings


def test_nobody_asks_and_nothing_is_sent(from_file):
    assert from_file("") == (TelemetrySettings(), ())
    assert from_environment() == (TelemetrySettings(), ())


def test_a_files_address_is_enough(from_file):
    settings, warnings = from_file()
    assert (settings.otlp, warnings) == ("http://otel.example:4318/v1/traces", ())
    assert settings.resource == {"service.name": "sidestep", "service.version": __version__}
    assert (settings.ratio, settings.follows, settings.headers) == (1.0, True, {})


@pytest.mark.parametrize("end", ["/", "/v1/traces", "/v1/traces/"])
def test_the_path_is_added_once(from_file, end):
    assert from_file(f'[telemetry]\notlp = "https://o.example/x{end}"')[0].otlp == "https://o.example/x/v1/traces"


def test_the_variables_name_the_address_where_no_file_does(from_file):
    both = HERE | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://traces.example/put/them/here"}
    assert from_environment(**HERE)[0].otlp == "http://127.0.0.1:4318/v1/traces"
    assert from_environment(**both)[0].otlp == "https://traces.example/put/them/here"
    assert from_file("", **HERE)[0].otlp == "http://127.0.0.1:4318/v1/traces"
    assert from_file(**both)[0].otlp == "http://otel.example:4318/v1/traces"


def test_the_demo_listens_to_the_variables_too():
    made = relisten(Config({}, {}, demo=True), HERE, Overrides())
    assert made.telemetry.otlp == "http://127.0.0.1:4318/v1/traces"


@pytest.mark.parametrize("variables", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_SDK_DISABLED": " TRUE "}])
def test_one_switch_turns_all_of_it_off(from_file, variables):
    assert from_file(**variables) == (TelemetrySettings(), ())
    assert from_environment(**HERE, **variables) == (TelemetrySettings(), ())


def test_an_exporter_that_is_none_turns_off_what_only_the_environment_asks_for(from_file):
    assert from_environment(**HERE, OTEL_TRACES_EXPORTER="none")[0].otlp == ""
    assert from_file(OTEL_TRACES_EXPORTER="none")[0].otlp


def test_another_protocol_means_no_spans_and_a_warning_unless_the_file_asks(from_file):
    settings, [warning] = from_environment(**HERE, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert settings.otlp == ""
    assert warning == (
        'environment variable OTEL_EXPORTER_OTLP_PROTOCOL: is "grpc", but Sidestep speaks http/protobuf alone; '
        "no traces are sent"
    )
    assert from_environment(**HERE, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")[0].otlp
    assert from_file(OTEL_EXPORTER_OTLP_PROTOCOL="grpc")[1] == ()


@pytest.mark.parametrize(
    ("url", "clause"),
    [("otel:4318", "must start with https:// or http://"), ("http://u:p@o", "must not contain a user or password")],
)
def test_a_wrong_address_stops_a_file_and_not_an_environment(mistakes, url, clause):
    [mistake] = mistakes(f'[telemetry]\notlp = "{url}"')
    assert mistake.startswith("config.toml: telemetry.otlp: ") and clause in mistake
    settings, [warning] = from_environment(OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert settings == TelemetrySettings()
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in warning and clause in warning and "u:p" not in warning


def test_a_key_it_does_not_know_is_a_mistake(mistakes):
    assert "telemetry.otpl" in mistakes('[telemetry]\notpl = "http://o"')[0]


def test_headers_are_secrets_and_may_be_keys(from_file):
    told = "Authorization=Bearer%20otlp-canary, x-team = a%2Cb,api-key=k"
    settings, warnings = from_file('[telemetry]\notlp = "https://o.example"', OTEL_EXPORTER_OTLP_HEADERS=told)
    assert settings.headers == {
        "authorization": Secret("Bearer otlp-canary"), "x-team": Secret("a,b"), "api-key": Secret("k"),
    }  # fmt: skip
    assert warnings == ()
    assert "canary" not in repr(settings)
    assert described(settings)["headers"] == ["authorization", "x-team", "api-key"]


@pytest.mark.parametrize("entry", ["host=x", "content-length=3", "a b=c", "nothing", "x-k=a%0D%0Ab", "=v"])
def test_a_header_that_cannot_be_sent_is_left_out_and_told_by_its_place(from_file, entry):
    told = f"x-good=1,{entry}"
    settings, [warning] = from_file('[telemetry]\notlp = "https://o.example"', OTEL_EXPORTER_OTLP_HEADERS=told)
    assert list(settings.headers) == ["x-good"]
    assert "OTEL_EXPORTER_OTLP_HEADERS: entry 2 is left out: it " in warning


def test_what_is_for_traces_outranks_what_is_for_every_signal(from_file):
    headers = {"OTEL_EXPORTER_OTLP_HEADERS": "x-all=1,x-k=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-k=2,a b=c"}
    settings, [warning] = from_file('[telemetry]\notlp = "https://o.example"', **headers)
    assert settings.headers == {"x-k": Secret("2")}
    assert "OTEL_EXPORTER_OTLP_TRACES_HEADERS: entry 2 is left out: it " in warning
    assert "x-all" in from_environment(**HERE, **headers | {"OTEL_EXPORTER_OTLP_TRACES_HEADERS": " "})[0].headers
    spoken = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}
    settings, warnings = from_environment(**HERE, **spoken)
    assert (settings.otlp, warnings) == ("http://127.0.0.1:4318/v1/traces", ())
    settings, [warning] = from_environment(**HERE, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="grpc")
    assert settings.otlp == "" and "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: " in warning


def test_a_key_for_traces_does_not_travel_in_the_clear_either(mistakes):
    [mistake] = mistakes(FILE, env=KEY | {"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "api-key=otlp-canary"})
    assert "OTEL_EXPORTER_OTLP_TRACES_HEADERS: go along" in mistake and "canary" not in mistake


def test_a_variable_of_sending_that_is_not_read_is_told_where_traces_are_sent(from_file):
    unread = {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip"}
    others = {"OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE": "/ca.pem", "OTEL_EXPORTER_OTLP_TIMEOUT": " "}
    settings, warnings = from_file(**unread, **others)
    assert settings.otlp
    assert warnings == tuple(f"environment variable {name}: is not read; traces are sent without it" for name in unread)
    assert from_file("", **unread) == (TelemetrySettings(), ())


def test_a_key_does_not_travel_in_the_clear(mistakes, from_file, load_text):
    key = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=otlp-canary"}
    away = "http://otel.example:4318"
    [mistake] = mistakes(FILE, env=KEY | key)
    assert "must be https: its host is not listed in [server] cluster_hosts" in mistake and "canary" not in mistake
    settings, [warning] = from_environment(OTEL_EXPORTER_OTLP_ENDPOINT=away, **key)
    assert (settings, "no traces are sent" in warning) == (TelemetrySettings(), True)
    assert from_environment(**HERE, **key)[0].headers
    assert from_file(f'{FILE}\n[server]\ncluster_hosts = ["otel.example"]', **key)[0].headers


def test_the_service_is_named_by_its_own_variable_before_the_general_one(from_file):
    general = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=general, deployment.environment.name=prod%20eu,k=v=w"}
    assert from_file(**general)[0].resource == {
        "service.name": "general", "service.version": __version__, "deployment.environment.name": "prod eu", "k": "v=w",
    }  # fmt: skip
    assert from_file(**general, OTEL_SERVICE_NAME="shop")[0].resource["service.name"] == "shop"


def test_attributes_that_are_none_are_left_out(from_file):
    settings, [warning] = from_file(OTEL_RESOURCE_ATTRIBUTES="a=1,nothing")
    assert "entry 2" in warning and settings.resource["a"] == "1"
    many = ",".join(f"a{i}=1" for i in range(70))
    settings, [warning] = from_file(OTEL_RESOURCE_ATTRIBUTES=many)
    assert len(settings.resource) == 2 + 64 and "more than 64" in warning


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_go_by_their_standard_names(from_file, name):
    settings, warnings = from_file(OTEL_TRACES_SAMPLER=name, OTEL_TRACES_SAMPLER_ARG="0.25")
    assert settings.follows is name.startswith("parentbased_")
    assert settings.ratio == {"n": 1.0, "f": 0.0, "o": 0.25}[name[-1]]
    assert warnings == ()


@pytest.mark.parametrize(
    ("variables", "clause"),
    [
        ({"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "is not known; known: always_on"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.5"}, "must be a number from 0 to 1"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "nan"}, "must be a number from 0 to 1"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "some"}, "must be a number from 0 to 1"),
    ],
)
def test_a_sampler_that_cannot_be_is_warned_of_and_all_is_recorded(from_file, variables, clause):
    settings, [warning] = from_file(**variables)
    assert clause in warning and settings.ratio == 1.0


def test_a_provider_is_told_of_traces_only_where_its_block_says_so(load_text):
    providers = load_text(
        '[providers.gamma]\ndialect = "openai-chat"\nbase_url = "https://g.example"\nkeys = []\ntrace = true'
    ).config.providers
    assert [name for name, provider in providers.items() if provider.trace] == ["gamma"]
