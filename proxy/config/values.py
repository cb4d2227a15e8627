"""The configuration as frozen values. Illegal values cannot be loaded (`proxy.config.load` checks), so users of these
need not check again. Times are seconds, sizes bytes."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Literal

from msgspec import Struct, field

from proxy.config.hidden import Secret
from proxy.config.selection import Selection
from proxy.config.spending import Price, Spending
from translators.ir import Dialect
from translators.profile import Profile

ModeName = Literal["strict", "warn", "lenient"]
MODES: Final = ("strict", "warn", "lenient")
"""What may be lost in translation: `translators.report.Mode`."""


class BreakerSettings(Struct, frozen=True):
    consecutive_failures: int = 5
    open_s: float = 30.0
    open_max_s: float = 300.0
    jitter: float = 0.1
    probe_successes: int = 2
    ramp_s: float = 30.0
    ramp_min: float = 0.1


class RetrySettings(Struct, frozen=True):
    attempts_per_target: int = 3
    max_total_attempts: int = 6
    base_s: float = 0.5
    cap_s: float = 8.0
    max_inline_wait_s: float = 2.0
    budget_ratio: float = 0.2
    budget_min_per_s: float = 1.0
    budget_window_s: float = 10.0


class TimeoutSettings(Struct, frozen=True):
    deadline_s: float = 600.0
    connect_s: float = 5.0
    pool_s: float = 1.0
    write_s: float = 30.0
    progress_s: float = 30.0
    progress_unary_s: float = 120.0
    first_token_reasoning_s: float = 300.0
    idle_s: float = 60.0


class LimitSettings(Struct, frozen=True):
    in_flight: int = 2000
    per_target: int = 0
    queue: int = 64
    queue_wait_s: float = 0.5
    body_bytes: int = 33_554_432
    passthrough_bytes: int = 536_870_912
    buffered_bytes: int = 67_108_864
    client_write_s: float = 30.0
    body_idle_s: float = 10.0
    body_total_s: float = 30.0


PASSED: Final = (
    "/v1/audio/*",
    "/v1/batches/*",
    "/v1/containers/*",
    "/v1/conversations/*",
    "/v1/evals/*",
    "/v1/files/*",
    "/v1/fine_tuning/*",
    "/v1/images/*",
    "/v1/moderations",
    "/v1/responses/*",
    "/v1/uploads/*",
    "/v1/vector_stores/*",
    "/v1/videos/*",
    "/v1/assistants/*",
    "/v1/threads/*",
    "/v1/chat/completions/*",
)
"""What of OpenAI's API passes through unless told otherwise; paths that Sidestep serves itself never do."""


class PassthroughSettings(Struct, frozen=True):
    """Requests that one provider gets as they are, with no failover."""

    provider: str = ""
    """Empty: nothing passes through."""
    paths: tuple[str, ...] = PASSED
    """Whole paths, or with `/*` at the end all that begin so and what stands before it."""


class HealthSettings(Struct, frozen=True):
    """Whether, and how often, a provider is asked for its list of models while no request tells how it is."""

    active: bool = False
    interval_s: float = 10.0


class TelemetrySettings(Struct, frozen=True):
    """Where spans go, and which are made."""

    otlp: str = ""
    """The address that takes spans, `/v1/traces` included; empty: none are made."""
    headers: Mapping[str, Secret] = field(default_factory=dict)
    """What is sent along, such as a key; names in lower case."""
    resource: Mapping[str, str] = field(default_factory=dict)
    """Who makes the spans, as OpenTelemetry names such things."""
    ratio: float = 1.0
    """The part of the exchanges that is recorded."""
    follows: bool = True
    """Whether a client that brings a trace has decided whether it is recorded."""


class RecordSettings(Struct, frozen=True):
    """Where exchanges are written down, and how much of them."""

    file: str = ""
    """Empty: nothing is recorded."""
    bytes: int = 64 * 1024 * 1024
    """What the file and the one before it may take together."""
    texts: bool = False
    """Whether what is said in prompts and answers is kept; else it is blanked."""


class ServerSettings(Struct, frozen=True):
    listen: str = "127.0.0.1:4600"
    admin: str = "127.0.0.1:4601"
    drain_s: float = 60.0
    watch: bool = False
    engine: Literal["native", "httpx2"] = "native"
    cluster_hosts: tuple[str, ...] = ()
    """Host names that providers may have without TLS, besides this machine."""
    refresh_capabilities: bool = True
    """Whether providers' own lists of models are asked what each can do."""


class AdminSettings(Struct, frozen=True):
    token_sha256: tuple[str, ...] = ()


class KeyFile(Struct, frozen=True):
    """`file:/path`: read again when the file changes."""

    path: str


class EntraToken(Struct, frozen=True):
    """`entra:SCOPE`: Microsoft Entra's client credentials, with a secret or a federated token."""

    scope: str
    tenant: str
    client_id: str
    secret: Secret | None
    token_file: str
    """Holds the federated token where there is no secret; read for every fetch, since it is replaced in time."""


class GoogleToken(Struct, frozen=True):
    """`google:`: the metadata server's token, or one for a person's refresh token."""

    client_id: str = ""
    client_secret: Secret | None = None
    refresh_token: Secret | None = None
    """None: ask the metadata server."""


class ServiceAccount(Struct, frozen=True):
    """`google:`, where the file is a service account's."""

    email: str
    key_id: str
    key: Secret
    """The private key in PEM."""


class ManagedIdentity(Struct, frozen=True):
    """`entra-managed:SCOPE`: the identity that Azure gives a machine or an app."""

    resource: str
    client_id: str
    """Which of several identities; empty for the only one, or the machine's own."""
    endpoint: str = ""
    """Where an app asks; empty for the machine's metadata server."""
    header: Secret | None = None
    """What an app says there to be heard."""


Token = EntraToken | GoogleToken | ServiceAccount | ManagedIdentity
"""What is fetched before it ends."""


class ProviderKey(Struct, frozen=True):
    """One key of a provider and where it came from (`env:X`, `file:/path`, `entra:SCOPE`, `entra-managed:SCOPE`,
    `google:`); `client` keys are not listed here."""

    source: str
    secret: Secret | None
    """None until the token is fetched."""
    renewal: KeyFile | Token | None = None
    """How a newer one is had; None where it stays."""


class Provider(Struct, frozen=True):
    name: str
    dialect: Dialect
    base_url: str
    """Without a trailing slash, e.g. `https://api.openai.com/v1`."""
    keys: tuple[ProviderKey, ...] = ()
    client_key: bool = False
    """`keys = ["client"]`: the caller's own key goes upstream."""
    vendor: str = ""
    """Row family of profiles.toml; empty for a plain server of the dialect."""
    headers: Mapping[str, str] = field(default_factory=dict)
    proxy: str | None = None
    ca_file: str | None = None
    token_url: str | None = None
    """Where `entra:` and `google:` fetch tokens, when not at the vendor's public address."""
    default_model: str | None = None
    """What `provider/*` means for a model that belongs to another vendor."""
    breaker: BreakerSettings = BreakerSettings()
    retry: RetrySettings = RetrySettings()
    timeouts: TimeoutSettings = TimeoutSettings()
    health: HealthSettings = HealthSettings()
    per_target: int = 0
    trace: bool = False
    """Whether it is told the trace that a request is a part of."""
    profile: Mapping[str, Any] = field(default_factory=dict)
    """Profile fields the configuration sets for every model of this provider."""
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """`[providers.NAME.models."MODEL"]`: profile fields of one model here."""
    demo: bool = False


class Step(Struct, frozen=True):
    """One entry of a chain: `provider/model`, where the model `*` stands for the one asked for."""

    provider: str
    model: str


class ModelRoute(Struct, frozen=True):
    """`[models."NAME"]`."""

    name: str
    chain: tuple[Step, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Request fields set when the client did not (`temperature = 0.7`)."""
    max_output: int | None = None
    mode: ModeName = "warn"
    failover_on_content: bool = False
    fan_out: bool = False
    """Whether a target that gives one answer to a call is called n times where n answers are asked for."""
    sticky: Literal["signed", "none"] = "signed"
    """Whether a live tool loop stays with the provider that signed its last turn."""
    breaker: Mapping[str, Any] = field(default_factory=dict)
    retry: Mapping[str, Any] = field(default_factory=dict)
    timeouts: Mapping[str, Any] = field(default_factory=dict)
    """Settings this model overrides, already checked, by field name."""


class EmbeddingRoute(Struct, frozen=True):
    """`[embeddings.NAME]`: every step gives vectors of one space."""

    name: str
    chain: tuple[Step, ...]
    dimensions: int | None = None
    same_space: str | None = None
    """The operator's reason why differently named models share a space."""


class Client(Struct, frozen=True):
    name: str
    key_sha256: tuple[str, ...]
    mode: ModeName | None = None
    """How strict translation is for it; None for what the model says."""
    models: tuple[str, ...] | None = None
    """The names it may ask for, `*` at the end of one standing for the rest; None: all."""
    providers: tuple[str, ...] | None = None
    """Who may see its requests; None: all."""
    team: str = ""
    tags: Mapping[str, str] = {}
    """Told with each record of usage."""
    speaks_for: tuple[str, ...] = ()
    """What a request may say of itself: `user`, `team`, `task`."""
    max_cost_per_request: int | None = None
    """Nano-dollars; None: what holds for all."""
    may_choose_strategy: bool = False
    """Whether a request may say which strategy chooses for it (`x-sidestep-strategy`)."""


class Config(Struct, frozen=True):
    providers: Mapping[str, Provider]
    models: Mapping[str, ModelRoute]
    """By name; `*` serves every name not listed."""
    embeddings: Mapping[str, EmbeddingRoute] = field(default_factory=dict)
    clients: Mapping[str, Client] = field(default_factory=dict)
    server: ServerSettings = ServerSettings()
    admin: AdminSettings = AdminSettings()
    limits: LimitSettings = LimitSettings()
    timeouts: TimeoutSettings = TimeoutSettings()
    """As configured for all; of these the request as a whole knows only `deadline_s`."""
    passthrough: PassthroughSettings = PassthroughSettings()
    health: HealthSettings = HealthSettings()
    """As configured for all; each provider has its own."""
    telemetry: TelemetrySettings = TelemetrySettings()
    record: RecordSettings = RecordSettings()
    spending: Spending = Spending()
    selection: Selection = Selection()
    source: str = "environment"
    """The file's path, or `environment`."""
    demo: bool = False


class Target(Struct, frozen=True, dict=True):
    """A provider and a model there, with every setting resolved: what an attempt is made against."""

    provider: Provider
    model: str
    profile: Profile
    breaker: BreakerSettings
    retry: RetrySettings
    timeouts: TimeoutSettings
    price: Price | None = None
    """None: nobody knows it."""

    @cached_property
    def name(self) -> str:
        return f"{self.provider.name}/{self.model}"

    @property
    def health(self) -> HealthSettings:
        """The provider's: it is asked for all of its models at once."""
        return self.provider.health

    @cached_property
    def key(self) -> tuple[str, str, str]:
        """What breaker and throttle belong to."""
        return (self.provider.name, self.provider.base_url, self.model)
