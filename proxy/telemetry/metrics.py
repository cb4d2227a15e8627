"""What is counted, as plain integers: adding to a dictionary costs a tenth of a microsecond, a client library several.

Labels come from the configuration or from closed sets, so that no client can grow the number of series: a provider,
model or code that is not known counts as `other`. `proxy.telemetry.exposition` renders these when they are scraped.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from proxy.telemetry.names import CODES, OTHER, PASSTHROUGH

if TYPE_CHECKING:
    from proxy.config.values import Config

Labels = tuple[str, ...]

REQUEST_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
TTFT_BOUNDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)
ADDED_BOUNDS = (0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.0015, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


class Histogram:
    """Counts in fixed buckets, one row for each set of labels. `bounds` are upper bounds in seconds."""

    __slots__ = ("bounds", "rows", "sums")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.rows: dict[Labels, list[int]] = {}
        """Labels to a count for each bucket, the last one without an upper bound; not cumulative."""
        self.sums: dict[Labels, float] = {}

    def observe(self, labels: Labels, seconds: float) -> None:
        row = self.rows.get(labels)
        if row is None:
            row = self.rows[labels] = [0] * (len(self.bounds) + 1)
            self.sums[labels] = 0.0
        row[bisect_left(self.bounds, seconds)] += 1
        self.sums[labels] += seconds


class Counter:
    """Counts that only grow, one for each set of labels."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[Labels, int] = {}

    def add(self, labels: Labels, n: int = 1) -> None:
        self.counts[labels] = self.counts.get(labels, 0) + n


class Metrics:
    """Everything that is counted.

    `providers` and `models` are the names labels may show. The gauges are asked for when scraped: `inflight` gives the
    open exchanges, `breakers` rows of provider, model and state.
    """

    def __init__(self, providers: Iterable[str] = (), models: Iterable[str] = ()) -> None:
        self._providers = frozenset(providers)
        self._models = frozenset(models)
        self.requests = Counter()
        self.attempts = Counter()
        self.token_counts = Counter()
        self.own_errors = Counter()
        self.request_seconds = Histogram(REQUEST_BOUNDS)
        self.ttft_seconds = Histogram(TTFT_BOUNDS)
        self.added_seconds = Histogram(ADDED_BOUNDS)
        self.inflight: Callable[[], int] = lambda: 0
        self.breakers: Callable[[], Iterable[tuple[str, str, str]]] = lambda: ()
        self.log_lines_dropped: Callable[[], int] = lambda: 0

    def request(self, route: str, provider: str, model: str, status: int, code: str | None) -> None:
        """One exchange ended; `provider` and `model` are empty when none answered, `code` None without an error."""
        who = self.provider_label(provider), self.model_label(model)
        self.requests.add((route, *who, str(status), _code(code)))

    def attempt(self, provider: str, model: str, kind: str) -> None:
        """One upstream call ended; `kind` is `ok` or the fault's kind."""
        self.attempts.add((self.provider_label(provider), self.model_label(model), kind))

    def tokens(self, direction: str, provider: str, model: str, n: int) -> None:
        """Tokens of an answer; `direction` is `input` or `output`."""
        self.token_counts.add((direction, self.provider_label(provider), self.model_label(model)), n)

    def own_error(self, code: str) -> None:
        """A fault of ours: the roll-back signal."""
        self.own_errors.add((_code(code),))

    def took(self, route: str, seconds: float) -> None:
        """From the first byte of a request to the end of its answer."""
        self.request_seconds.observe((route,), seconds)

    def first_token(self, provider: str, model: str, seconds: float) -> None:
        """From the request to the first content sent to the client."""
        self.ttft_seconds.observe((self.provider_label(provider), self.model_label(model)), seconds)

    def added(self, route: str, seconds: float) -> None:
        """What this proxy added: the time to the first byte, less the wait for upstreams."""
        self.added_seconds.observe((route,), seconds)

    def provider_label(self, name: str) -> str:
        """The name, or `other` for one that the configuration does not state."""
        return name if name in self._providers or not name else OTHER

    def model_label(self, name: str) -> str:
        """The same for a model."""
        return name if name in self._models or not name else OTHER


def _code(code: str | None) -> str:
    if not code:
        return ""
    return code if code in CODES else OTHER


def configured_names(config: "Config") -> tuple[set[str], set[str]]:
    """The provider and model names that the configuration states: what labels may show."""
    models = {step.model for route in config.models.values() for step in route.chain}
    models |= {step.model for route in config.embeddings.values() for step in route.chain}
    for provider in config.providers.values():
        models.update(provider.models)
        if provider.default_model:
            models.add(provider.default_model)
    models |= config.models.keys()
    if config.passthrough.provider:
        models.add(PASSTHROUGH)
    return set(config.providers), models - {"*"}
