"""The configuration without a file: providers from the usual key variables, one chain for every model.

The chain is AI_PROVIDER, then AI_FALLBACK_PROVIDER, of those that have a key. Every other vendor with a key may be
asked for as `vendor/model`, but stands in no chain: nobody chose it. No address is ever taken from OPENAI_BASE_URL and
its like, for that is how the client program finds this proxy.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from proxy.config.addresses import check_url
from proxy.config.choosing import VARIABLES as CHOOSING
from proxy.config.choosing import environment_selection
from proxy.config.clients import CLIENT_VARIABLE, environment_client
from proxy.config.errors import ENVIRONMENT, Problems, listed, nearest
from proxy.config.ledger import VARIABLES as LEDGER
from proxy.config.ledger import read_ledger
from proxy.config.listeners import Overrides, override
from proxy.config.passthrough import SPEAKS
from proxy.config.profiles import Vendor, vendors
from proxy.config.providers import vendor_keys
from proxy.config.secrets import NoSecret
from proxy.config.spending import Spending
from proxy.config.telemetry import VARIABLES as TRACES
from proxy.config.telemetry import read_telemetry
from proxy.config.values import Config, ModelRoute, PassthroughSettings, Provider, ServerSettings, Step
from translators.ir import MODEL_CAP

CONFIG_VARIABLE: Final = "SIDESTEP_CONFIG"
PRIMARY: Final = "AI_PROVIDER"
FALLBACK: Final = "AI_FALLBACK_PROVIDER"
FALLBACK_SWITCH: Final = "AI_FALLBACK_ENABLED"
DEFAULT_PRIMARY: Final = "openai"
DEFAULT_FALLBACK: Final = "anthropic"


class Endpoint(NamedTuple):
    """Where the address of a vendor is found whose every customer has an address of their own."""

    variable: str
    path: str
    """What follows the variable's value."""
    example: str


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "azure-openai": Endpoint("AZURE_OPENAI_ENDPOINT", "/openai/v1", "https://NAME.openai.azure.com"),
    "azure-foundry": Endpoint("AZURE_AI_ENDPOINT", "/openai/v1", "https://NAME.services.ai.azure.com"),
    "anthropic-foundry": Endpoint("ANTHROPIC_FOUNDRY_BASE_URL", "/v1", "https://NAME.services.ai.azure.com/anthropic"),
}

_NO = frozenset({"false", "0", "no", "off"})
_YES = frozenset({"true", "1", "yes", "on", ""})


def unaided() -> Mapping[str, Vendor]:
    """The vendors that need no configuration file: their address is known, or stands in a variable."""
    return {name: vendor for name, vendor in vendors().items() if vendor.base_url or name in ENDPOINTS}


def model_variable(vendor: str) -> str:
    """`OPENAI_MODEL`, `AZURE_OPENAI_MODEL`: the model a vendor serves for names that are not its own."""
    return f"{vendor.upper().replace('-', '_')}_MODEL"


def read_environment(env: Mapping[str, str], overrides: Overrides, problems: Problems) -> Config | None:
    """The configuration the environment describes, None when no provider has a key. Mistakes are noted."""
    named = _named(env, problems)
    ready = {
        name: provider
        for name, vendor in unaided().items()
        if (provider := _provider(vendor, env, problems, chosen=name in named))
    }
    client = environment_client(env, problems)
    if not ready:
        return None
    chain = _chain(named, ready, env, problems)
    return Config(
        providers=ready,
        models={"*": ModelRoute("*", tuple(Step(name, "*") for name in chain))},
        passthrough=PassthroughSettings(chain[0] if ready[chain[0]].dialect in SPEAKS else ""),
        clients={client.name: client} if client else {},
        server=override(ServerSettings(), overrides, problems),
        telemetry=read_telemetry(env, problems),
        spending=Spending(ledger=read_ledger(None, env, problems, asked=False)),
        selection=environment_selection(env, problems),
    )


def _named(env: Mapping[str, str], problems: Problems) -> list[str]:
    """The vendors chosen, the first one first, each once."""
    primary = env.get(PRIMARY, "").strip() or DEFAULT_PRIMARY
    switch = env.get(FALLBACK_SWITCH, "").strip().lower()
    if switch not in _NO | _YES:
        problems.add(FALLBACK_SWITCH, f'must be true or false, not "{switch}"', ENVIRONMENT)
    fallback = "" if switch in _NO else env.get(FALLBACK, DEFAULT_FALLBACK)
    chosen = [_known(primary, PRIMARY, problems)]
    chosen += [_known(name.strip(), FALLBACK, problems) for name in fallback.split(",") if name.strip()]
    return list(dict.fromkeys(name for name in chosen if name))


def _known(name: str, variable: str, problems: Problems) -> str:
    known = unaided()
    if name.lower() in known:
        return name.lower()
    if name.lower() in vendors():
        problems.add(variable, f"{name} needs a configuration file, which says where it is", ENVIRONMENT)
        return ""
    more = f"; several go into {FALLBACK}" if "," in name and variable == PRIMARY else nearest(name, known)
    problems.add(variable, f'"{name}" is not known; known: {listed(known)}{more}', ENVIRONMENT)
    return ""


def _provider(vendor: Vendor, env: Mapping[str, str], problems: Problems, *, chosen: bool) -> Provider | None:
    """The vendor with its key; one that takes no key only when it was chosen. None without what it needs."""
    present = any(env.get(name, "").strip() for name in vendor.key_env)
    if not (present or (chosen and not vendor.key_env)):
        return None
    base_url = _base_url(vendor, env, problems, chosen=chosen)
    if not base_url:
        return None
    try:
        keys = vendor_keys(vendor, env)
    except NoSecret as error:
        variable = next(name for name in vendor.key_env if env.get(name, "").strip())
        _note(problems, chosen=chosen)(variable, error.what, ENVIRONMENT)
        return None
    return Provider(
        name=vendor.name,
        dialect=vendor.dialect,
        base_url=base_url,
        keys=keys,
        vendor=vendor.name,
        default_model=_model(vendor, env, problems, chosen=chosen),
    )


def _model(vendor: Vendor, env: Mapping[str, str], problems: Problems, *, chosen: bool) -> str | None:
    name = env.get(model_variable(vendor.name), "").strip()
    if len(name) > MODEL_CAP or not name.isprintable():
        what = f"is no model's name, which has at most {MODEL_CAP} printable characters"
        _note(problems, chosen=chosen)(model_variable(vendor.name), what, ENVIRONMENT)
        return vendor.default_model
    return name or vendor.default_model


def _note(problems: Problems, *, chosen: bool) -> Callable[[str, str, str], None]:
    """What is wrong with a vendor nobody chose keeps no one from starting: its key may be there for another program."""
    return problems.add if chosen else problems.warn


def _base_url(vendor: Vendor, env: Mapping[str, str], problems: Problems, *, chosen: bool) -> str:
    if vendor.name not in ENDPOINTS:
        return vendor.base_url
    variable, path, example = ENDPOINTS[vendor.name]
    endpoint = env.get(variable, "").strip().rstrip("/")
    if not endpoint:
        missing = f"is not set, but {vendor.name} has a key: its address is needed, as in {example}"
        _note(problems, chosen=chosen)(variable, missing, ENVIRONMENT)
        return ""
    if problem := check_url(endpoint, plain_hosts=()):
        _note(problems, chosen=chosen)(variable, problem, ENVIRONMENT)
        return ""
    return endpoint if endpoint.endswith(path) else endpoint + path


def _chain(
    named: Sequence[str], ready: Mapping[str, Provider], env: Mapping[str, str], problems: Problems
) -> list[str]:
    """The chosen vendors that can serve; when none of them can, the first that can."""
    chain = [name for name in named if name in ready]
    if not chain:
        chain = [next(iter(ready))]
    if named and named[0] not in ready:
        which = f"{named[0]} has" if env.get(PRIMARY, "").strip() else f"is not set and means {named[0]}, which has"
        what = f"{which} no key ({_variables(named[0])} is not set), so {chain[0]} serves first"
        problems.warn(PRIMARY, what, ENVIRONMENT)
    for name in named[1:]:
        if name not in ready and env.get(FALLBACK, "").strip():
            problems.warn(
                FALLBACK, f"{name} has no key ({_variables(name)} is not set), so it is left out", ENVIRONMENT
            )
    for name in chain:
        if not ready[name].default_model:
            problems.warn(
                model_variable(name),
                f"is not set, so {name} is asked for every model by the client's name",
                ENVIRONMENT,
            )
    return chain


def _variables(vendor: str) -> str:
    return " or ".join(vendors()[vendor].key_env)


def no_keys(lacking: str) -> str:
    """The one line for an environment where no provider has what is `lacking`."""
    usual = " or ".join(vendors()[name].key_env[0] for name in (DEFAULT_PRIMARY, DEFAULT_FALLBACK))
    return (
        f"no provider has {lacking}: set {usual} (or the key of another vendor), "
        "or name a configuration file with --config or SIDESTEP_CONFIG"
    )


def no_failover(config: Config, env: Mapping[str, str]) -> str:
    """What to say where the environment, without having been told to, left a provider alone; else empty."""
    if config.demo or config.source != "environment":
        return ""
    chain = config.models["*"].chain
    meant = env.get(FALLBACK_SWITCH, "").strip().lower() in _NO or not env.get(FALLBACK, DEFAULT_FALLBACK).strip(", ")
    if len(chain) != 1 or meant:
        return ""
    alone = chain[0].provider
    second = next(name for name in (*config.providers, DEFAULT_FALLBACK, DEFAULT_PRIMARY) if name != alone)
    key = "" if second in config.providers else f" and {vendors()[second].key_env[0]}"
    return f"there is no failover, {alone} serves alone: set {FALLBACK}={second}{key}, or {FALLBACK_SWITCH}=false"


def variables() -> tuple[str, ...]:
    """Every environment variable that a load reads, in order."""
    names = [CONFIG_VARIABLE, PRIMARY, FALLBACK, FALLBACK_SWITCH]
    for vendor in unaided().values():
        names += [*vendor.key_env, model_variable(vendor.name)]
        if vendor.name in ENDPOINTS:
            names.append(ENDPOINTS[vendor.name].variable)
    return (*names, CLIENT_VARIABLE, *TRACES, *LEDGER, *CHOOSING)
