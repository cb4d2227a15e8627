"""What is counted, as plain integers: a client library costs several microseconds for each.

All that an exchange adds to is found by one look-up, under the labels of its count, which have all the others in them.
The series are made of that when they are scraped, and rendered by `proxy.telemetry.exposition`.

Labels come from the configuration or from closed sets, so that no client can grow the number of series: a provider,
model or code that is not known counts as `other`.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from proxy.telemetry.names import CODES, OTHER, PASSTHROUGH

if TYPE_CHECKING:
    from proxy.config.values import Config
    from translators.ir import Usage

Labels = tuple[str, ...]

REQUEST_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
TTFT_BOUNDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)
ADDED_BOUNDS = (0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.0015, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


class Buckets:
    """Counts between `bounds` (upper ones, in seconds), the last without one; not cumulative. And the sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds

    def add(self, other: "Buckets") -> None:
        self.counts = [one + more for one, more in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum


class _Exchanges:
    """What those with the same labels add up to."""

    __slots__ = ("added", "count", "first", "input", "output", "took", "used")

    def __init__(self) -> None:
        self.count = 0
        self.took = Buckets(REQUEST_BOUNDS)
        self.first = Buckets(TTFT_BOUNDS)
        self.added = Buckets(ADDED_BOUNDS)
        self.used = False
        """Whether any told its tokens."""
        self.input = 0
        self.output = 0


class Metrics:
    """Everything that is counted.

    `providers` and `models` are the names labels may show. The gauges are asked for when scraped: `inflight` gives the
    open exchanges, `tasks` the loop's tasks, `breakers` rows of provider, model and state, `providers_up` whether each
    provider that is looked at is up, `targets` how targets fared of late: a metric's name, its labels and its value.
    """

    def __init__(self, providers: Iterable[str] = (), models: Iterable[str] = ()) -> None:
        self.name(providers, models)
        self._exchanges: dict[tuple[str, str, str, int, str], _Exchanges] = {}
        """By route, provider, model, status and code."""
        self.attempts: defaultdict[Labels, int] = defaultdict(int)
        """By provider, model and kind of outcome."""
        self.late: defaultdict[Labels, int] = defaultdict(int)
        """Results that came too late for their breaker, by provider and model."""
        self.spent: defaultdict[Labels, int] = defaultdict(int)
        """Nano-dollars by provider and model."""
        self.own_errors: defaultdict[Labels, int] = defaultdict(int)
        """By code."""
        self.inflight: Callable[[], int] = lambda: 0
        self.tasks: Callable[[], int] = lambda: 0
        self.breakers: Callable[[], Iterable[tuple[str, str, str]]] = lambda: ()
        self.probes: defaultdict[Labels, int] = defaultdict(int)
        """By provider and kind of outcome."""
        self.providers_up: Callable[[], Iterable[tuple[str, bool]]] = lambda: ()
        self.targets: Callable[[], Iterable[tuple[str, Labels, float]]] = lambda: ()
        self.log_lines_dropped: Callable[[], int] = lambda: 0
        self.spans_dropped: Callable[[], int] = lambda: 0
        self.records_dropped: Callable[[], int] = lambda: 0
        self.usage_dropped: Callable[[], int] = lambda: 0
        self.budget_alerts: defaultdict[Labels, int] = defaultdict(int)
        """By budget and threshold."""
        self.model_alerts: defaultdict[Labels, int] = defaultdict(int)
        """By what of a model or strategy turned, and whether for good or bad."""
        self.budget_fractions: Callable[[], Mapping[str, float]] = dict
        self.alerts_lost: Callable[[], int] = lambda: 0
        self.configured = True, 0.0
        """Whether the configuration that was read last serves, and when it was read (Unix time, seconds)."""

    def name(self, providers: Iterable[str], models: Iterable[str]) -> None:
        """Labels show these names from now on. What was counted under other names stays."""
        self._providers = frozenset(providers)
        self._models = frozenset(models)

    def exchange(
        self,
        route: str,
        provider: str,
        model: str,
        status: int,
        code: str,
        took: float,
        added: float,
        first: float | None,
        usage: "Usage | None",
    ) -> None:
        """One ended. `provider` and `model` are empty when none answered, `code` without an error.

        `took` is from its first byte to its answer's end, `added` what this proxy added: the time to the first byte,
        less the wait for upstreams; `first` that to a stream's first content. Seconds.
        """
        found = self._exchanges.get((route, provider, model, status, code))
        if found is None:
            found = self._new(route, provider, model, status, code)
        found.count += 1
        whole, ours = found.took, found.added
        whole.counts[bisect_left(REQUEST_BOUNDS, took)] += 1  # `observe` costs a frame, twice a request
        whole.sum += took
        if provider:
            ours.counts[bisect_left(ADDED_BOUNDS, added)] += 1
            ours.sum += added
            if first is not None:
                found.first.observe(first)
            if usage is not None:
                found.used = True
                found.input += usage.input
                found.output += usage.output

    def unanswered(self, route: str, status: int, code: str) -> Callable[[float], None]:
        """Counts such exchanges, which no provider answered: it is called with what each took."""
        found = self._new(route, "", "", status, code)

        def ended(took: float) -> None:
            found.count += 1
            found.took.observe(took)

        return ended

    def attempt(self, provider: str, model: str, kind: str) -> None:
        """One upstream call ended; `kind` is `ok` or the fault's kind."""
        if provider not in self._providers or model not in self._models:
            provider, model = self.provider_label(provider), self.model_label(model)
        self.attempts[provider, model, kind] += 1

    def came_late(self, provider: str, model: str) -> None:
        """An upstream call's result changed nothing, for its breaker had moved on."""
        self.late[self.provider_label(provider), self.model_label(model)] += 1

    def spend(self, provider: str, model: str, nanos: int) -> None:
        """An upstream call cost this."""
        if provider not in self._providers or model not in self._models:
            provider, model = self.provider_label(provider), self.model_label(model)
        self.spent[provider, model] += nanos

    def probe(self, provider: str, kind: str) -> None:
        """A provider was looked at; `kind` is `ok` or the fault's kind."""
        self.probes[self.provider_label(provider), kind] += 1

    def own_error(self, code: str) -> None:
        """A fault of ours: the roll-back signal."""
        self.own_errors[(_code(code),)] += 1

    @property
    def requests(self) -> Mapping[Labels, int]:
        """By route, provider, model, status and code."""
        return {(*names, str(status), code): one.count for (*names, status, code), one in self._exchanges.items()}

    @property
    def tokens(self) -> Mapping[Labels, int]:
        """By direction (`input` or `output`), provider and model."""
        counts: dict[Labels, int] = {}
        for (_, *who, _, _), one in self._exchanges.items():
            if one.used:
                for direction, count in (("input", one.input), ("output", one.output)):
                    counts[direction, *who] = counts.get((direction, *who), 0) + count
        return counts

    @property
    def request_seconds(self) -> Mapping[Labels, Buckets]:
        """By route."""
        return _summed(((key[0],), one.took) for key, one in self._exchanges.items())

    @property
    def added_seconds(self) -> Mapping[Labels, Buckets]:
        """By route."""
        return _summed(((key[0],), one.added) for key, one in self._exchanges.items())

    @property
    def ttft_seconds(self) -> Mapping[Labels, Buckets]:
        """By provider and model."""
        return _summed((key[1:3], one.first) for key, one in self._exchanges.items())

    def _new(self, route: str, provider: str, model: str, status: int, code: str) -> _Exchanges:
        key = route, self.provider_label(provider), self.model_label(model), status, _code(code)
        return self._exchanges.setdefault(key, _Exchanges())

    def provider_label(self, name: str) -> str:
        """The name, or `other` for one that the configuration does not state."""
        return name if name in self._providers or not name else OTHER

    def model_label(self, name: str) -> str:
        """The same for a model."""
        return name if name in self._models or not name else OTHER


def _summed(rows: Iterable[tuple[Labels, Buckets]]) -> dict[Labels, Buckets]:
    """Those that hold anything, by their labels."""
    sums: dict[Labels, Buckets] = {}
    for labels, one in rows:
        if any(one.counts):
            sums.setdefault(labels, Buckets(one.bounds)).add(one)
    return sums


def _code(code: str) -> str:
    return code if code in CODES or not code else OTHER


def configured_names(config: "Config") -> tuple[set[str], set[str]]:
    """The provider and model names that the configuration states: what labels may show."""
    models = {step.model for route in config.models.values() for step in route.chain}
    models |= {step.model for route in config.embeddings.values() for step in route.chain}
    steps = (name.partition("/") for name in (*config.selection.models(), *config.selection.embeddings()))
    models |= {model for provider, _, model in steps if provider in config.providers}
    for provider in config.providers.values():
        models.update(provider.models)
        if provider.default_model:
            models.add(provider.default_model)
    models |= config.models.keys()
    if config.passthrough.provider:
        models.add(PASSTHROUGH)
    return set(config.providers), models - {"*"}
