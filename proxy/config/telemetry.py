"""`[telemetry]` and OpenTelemetry's own variables: whether spans are made, of which exchanges, and where they go.

The file says where, or else OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (the whole address) or OTEL_EXPORTER_OTLP_ENDPOINT, to
which `/v1/traces` is added as it is to the file's. All the rest is said by the standard variables, with or without a
file: what is sent along may be a key, and keys stand in no file.

A mistake in the file is an error. One in a variable is a warning, and the variable is as if it were not set: they are
put into whole clusters at once, and no proxy should stay down for a trace. For the same reason a protocol that is not
spoken, where the environment alone asks for spans, means none. A variable for traces outranks the one for every signal,
and one that would change how spans are sent and is not read is a warning, too.
"""

import math
import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import unquote

from msgspec import structs

from proxy import __version__
from proxy.config.addresses import KEY_HEADERS, check_header, check_url
from proxy.config.errors import ENVIRONMENT, Problems, listed
from proxy.config.hidden import Secret
from proxy.config.table import Table
from proxy.config.values import TelemetrySettings

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
TRACES_HEADERS: Final = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
TRACES_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
EXPORTER: Final = "OTEL_TRACES_EXPORTER"
SERVICE: Final = "OTEL_SERVICE_NAME"
RESOURCE: Final = "OTEL_RESOURCE_ATTRIBUTES"
SAMPLER: Final = "OTEL_TRACES_SAMPLER"
SAMPLER_ARG: Final = "OTEL_TRACES_SAMPLER_ARG"
DISABLED: Final = "OTEL_SDK_DISABLED"
VARIABLES: Final = (
    ENDPOINT, TRACES_ENDPOINT, HEADERS, TRACES_HEADERS, PROTOCOL, TRACES_PROTOCOL, EXPORTER, SERVICE, RESOURCE, SAMPLER,
    SAMPLER_ARG, DISABLED,
)  # fmt: skip
"""All that are read."""
SPOKEN: Final = "http/protobuf"
PATH: Final = "/v1/traces"
SAMPLERS: Final[Mapping[str, tuple[float | None, bool]]] = {
    "always_on": (1.0, False),
    "always_off": (0.0, False),
    "traceidratio": (None, False),
    "parentbased_always_on": (1.0, True),
    "parentbased_always_off": (0.0, True),
    "parentbased_traceidratio": (None, True),
}
"""The part that is recorded, None for that of OTEL_TRACES_SAMPLER_ARG, and whether a client's decision is kept to."""
ATTRIBUTES_CAP: Final = 64

_SENDING = "OTEL_EXPORTER_OTLP_"
_OTHERS = tuple(f"{_SENDING}{signal}_" for signal in ("METRICS", "LOGS", "PROFILES"))
"""How variables begin that are about what nobody sends here."""
_NAME = re.compile(r"[A-Za-z0-9._/-]{1,128}\Z")


def read_telemetry(
    env: Mapping[str, str], problems: Problems, table: Table | None = None, cluster_hosts: Collection[str] = ()
) -> TelemetrySettings:
    """The settings; those that make no spans where nobody asks for any. `table` is the file's, where there is one."""
    given = _given(table)
    if env.get(DISABLED, "").strip().lower() == "true":
        return TelemetrySettings()
    url = _with_path(given) if given else _environment_url(env, problems)
    if not url:
        return TelemetrySettings()
    _tell_unread(env, problems)
    variable = _first(env, TRACES_HEADERS) or HEADERS
    headers = _headers(env, variable, problems)
    if headers and check_url(url, plain_hosts=cluster_hosts):
        clause = f"go along with every span, so {url} must be https: its host is not listed in [server] cluster_hosts"
        if given:
            problems.add(variable, clause, ENVIRONMENT)
        else:
            problems.warn(variable, f"{clause}; no traces are sent", ENVIRONMENT)
        return TelemetrySettings()
    ratio, follows = _sampler(env, problems)
    return TelemetrySettings(url, headers, _resource(env, problems), ratio, follows)


def _first(env: Mapping[str, str], *names: str) -> str:
    """The first of the variables that says anything; empty for none."""
    return next((name for name in names if env.get(name, "").strip()), "")


def _tell_unread(env: Mapping[str, str], problems: Problems) -> None:
    for name in sorted(env):
        if name.startswith(_SENDING) and not name.startswith(_OTHERS) and name not in VARIABLES and env[name].strip():
            problems.warn(name, "is not read; traces are sent without it", ENVIRONMENT)


def _given(table: Table | None) -> str:
    """The file's address; empty where there is none, or a wrong one."""
    if table is None:
        return ""
    url = table.text("otlp") or ""
    if url and (problem := check_url(url, plain_hosts=None)):
        table.wrong("otlp", problem)
        url = ""
    table.finish()
    return url


def _with_path(url: str) -> str:
    return url.rstrip("/").removesuffix(PATH) + PATH


def _environment_url(env: Mapping[str, str], problems: Problems) -> str:
    """The address that the environment names; empty for none, or one that cannot be used."""
    variable = _first(env, TRACES_ENDPOINT, ENDPOINT)
    if not variable or env.get(EXPORTER, "").strip().lower() == "none":
        return ""
    spoken = _first(env, TRACES_PROTOCOL, PROTOCOL)
    protocol = env[spoken].strip().lower() if spoken else SPOKEN
    if protocol != SPOKEN:
        message = f'is "{protocol[:40]}", but Sidestep speaks {SPOKEN} alone; no traces are sent'
        problems.warn(spoken, message, ENVIRONMENT)
        return ""
    url = env[variable].strip()
    if problem := check_url(url, plain_hosts=None):
        problems.warn(variable, f"{problem}; no traces are sent", ENVIRONMENT)
        return ""
    return url if variable == TRACES_ENDPOINT else url.rstrip("/") + PATH


def _headers(env: Mapping[str, str], variable: str, problems: Problems) -> dict[str, Secret]:
    found: dict[str, Secret] = {}
    for place, (name, value) in enumerate(_pairs(env.get(variable, "")), 1):
        # Those that carry keys are no headers for a provider's block, but here that is what they are for.
        problem = check_header("x-key" if name in KEY_HEADERS else name, value)
        if problem:
            problems.warn(variable, f"entry {place} is left out: it {problem}", ENVIRONMENT)
        else:
            found[name] = Secret(value)
    return found


def _pairs(text: str) -> list[tuple[str, str]]:
    """`name=value,name=value`, values percent-encoded as in W3C's baggage; names in lower case."""
    entries = [entry.partition("=") for entry in text.split(",") if entry.strip()]
    return [(name.strip().lower(), unquote(value.strip())) for name, _, value in entries]


def _resource(env: Mapping[str, str], problems: Problems) -> dict[str, str]:
    """Who we are: what OTEL_SERVICE_NAME says outranks what OTEL_RESOURCE_ATTRIBUTES says."""
    found = {"service.name": "sidestep", "service.version": __version__}
    pairs = [entry.partition("=") for entry in env.get(RESOURCE, "").split(",") if entry.strip()]
    if len(pairs) > ATTRIBUTES_CAP:
        problems.warn(RESOURCE, f"has more than {ATTRIBUTES_CAP} entries; the rest is left out", ENVIRONMENT)
    for place, (name, is_, value) in enumerate(pairs[:ATTRIBUTES_CAP], 1):
        if not is_ or not _NAME.match(name.strip()):
            problems.warn(RESOURCE, f"entry {place} is left out: it must be name=value", ENVIRONMENT)
        else:
            found[name.strip()] = unquote(value.strip())
    if service := env.get(SERVICE, "").strip():
        found["service.name"] = service
    return found


def _sampler(env: Mapping[str, str], problems: Problems) -> tuple[float, bool]:
    name = env.get(SAMPLER, "").strip().lower() or "parentbased_always_on"
    if name not in SAMPLERS:
        problems.warn(SAMPLER, f'"{name[:40]}" is not known; known: {listed(SAMPLERS)}', ENVIRONMENT)
        name = "parentbased_always_on"
    ratio, follows = SAMPLERS[name]
    return (_ratio(env, problems) if ratio is None else ratio), follows


def _ratio(env: Mapping[str, str], problems: Problems) -> float:
    text = env.get(SAMPLER_ARG, "").strip() or "1"
    try:
        ratio = float(text)
    except ValueError:
        ratio = math.nan
    if 0 <= ratio <= 1:
        return ratio
    problems.warn(SAMPLER_ARG, "must be a number from 0 to 1; every trace is recorded", ENVIRONMENT)
    return 1.0


def described(settings: TelemetrySettings) -> dict[str, object]:
    """The settings in JSON's terms: headers by name alone."""
    return structs.asdict(settings) | {"headers": list(settings.headers), "resource": dict(settings.resource)}
