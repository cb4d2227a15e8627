"""A proxy's whole way of choosing over scripted providers, and what may stand against each of its targets.

The endpoints, the chooser, the orders, the walk, the breakers and the ledger are the real ones. Only the providers'
wire is played, and time jumps.
"""

from dataclasses import dataclass

import orjson
from hypothesis import strategies as st

from proxy.budgets.paying import Kept, Paying
from proxy.budgets.rates import Rates
from proxy.chain.ready import Tools
from proxy.chain.walk import Chain
from proxy.config.hidden import Secret
from proxy.config.orders import AFFINITIES, ORDERS, Free, Ordering
from proxy.config.selection import WHOLE, Experiment, Levels, Selection, Strategy, Task
from proxy.config.spending import Budget, LedgerSettings, Price, Spending
from proxy.config.values import BreakerSettings, Client, Config, ModelRoute, Provider, ProviderKey, RetrySettings, Step
from proxy.flow import NOBODY, Exchange, Most, Refused
from proxy.ledger.ledger import Ledger
from proxy.ledger.memory import MemoryStore
from proxy.orders.orderer import Orderer
from proxy.resilience.targets import Registry
from proxy.routing.resolve import Router
from proxy.selection.active import Active
from proxy.selection.chooser import Chooser
from proxy.service import Endpoints, Remembered
from tests.unit.proxy.chain.conftest import Answer, Upstream, good
from tests.unit.proxy.chain.jumping import Clock, JumpingLoop
from translators.catalog import codec
from translators.faults import Malformed
from translators.ir import Dialect
from translators.profile import Profile

DIALECTS = {"alpha": Dialect.OPENAI_CHAT, "beta": Dialect.ANTHROPIC_MESSAGES, "gamma": Dialect.OPENAI_CHAT}
TARGETS = tuple(f"{provider}/{model}" for provider in DIALECTS for model in ("large", "small"))
CHATS = tuple(one for one in TARGETS if DIALECTS[one.split("/")[0]] is Dialect.OPENAI_CHAT)
"""Targets whose models may lack an ability."""
ENTRIES = ("first", "second", "third")
TASKS = ("letters", "maths")
CHEAP, DEAR = Price(1, 1), Price(10**15, 10**15)
LIMIT = 10**9
"""Of a request's cost: some hundred tokens of the one come to nothing, of the other to far more."""
SMALL_WINDOW = 40
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@dataclass(frozen=True)
class Standing:
    """What stands against targets (`provider/model`), or against all of a provider's."""

    open: frozenset[str]
    """Breakers."""
    waiting: frozenset[str]
    """Asked to be left alone for a while."""
    toolless: frozenset[str]
    blind: frozenset[str]
    narrow: frozenset[str]
    """Models without tools, without eyes, with a small window."""
    dear: frozenset[str]
    """Where a strategy limits what a request may cost."""
    spent: frozenset[str]
    """Providers whose budget is."""
    failing: frozenset[str]
    """Providers that answer 500."""


def some(names, most=2):
    """Few of them, for otherwise nobody is left to be called."""
    return st.frozensets(st.sampled_from(names), max_size=most)


standings = st.builds(
    Standing,
    *(some(TARGETS, 4), some(TARGETS, 1), some(CHATS), some(CHATS), some(CHATS), some(TARGETS, 4)),
    *[some(tuple(DIALECTS), 1)] * 2,
)


@st.composite
def routes(draw, name):
    chain = draw(st.lists(st.sampled_from(TARGETS), min_size=1, max_size=4, unique=True))
    order = st.builds(
        Ordering, st.sampled_from(ORDERS), st.dictionaries(st.sampled_from(chain), st.sampled_from([0.0, 1.0, 9.0])),
        st.dictionaries(st.sampled_from(chain), st.just(Free(requests_per_day=2))), st.sampled_from(AFFINITIES),
    )  # fmt: skip
    steps = tuple(Step(*one.split("/")) for one in chain)
    return ModelRoute(name, steps, ordering=draw(st.none() | order))


@st.composite
def strategies(draw, name):
    models = st.sampled_from((*ENTRIES, *TARGETS))
    levels = st.builds(Levels, models, models, models)
    tasks = draw(st.dictionaries(st.sampled_from(TASKS), levels))
    fallback = draw(st.sampled_from(("", *ENTRIES)))
    return Strategy(
        name, draw(levels), tasks, fallback=fallback, max_cost_per_request=draw(st.sampled_from([LIMIT, LIMIT, None]))
    )


@st.composite
def configurations(draw):
    """Entries, strategies, experiments."""
    share = draw(st.integers(1, WHOLE - 1))
    split = Experiment("split", (("one", share), ("two", WHOLE - share)))
    shared = Experiment("shared", (("first", share), ("third", WHOLE - share)), "first")
    chosen = draw(st.lists(st.sampled_from([split, shared]), unique=True))
    selection = Selection(
        draw(st.sampled_from(["one", "two"])),
        tasks={"letters": Task("letters"), "maths": Task("maths", hint=0.8)},
        strategies={name: draw(strategies(name)) for name in ("one", "two")},
        experiments={one.name: one for one in chosen},
    )
    return {name: draw(routes(name)) for name in ENTRIES}, selection


@dataclass(frozen=True)
class Asking:
    """A request."""

    model: str
    strategy: str
    user: str
    providers: frozenset[str]
    """Those open to its client; empty: it is no client's."""
    tools: bool
    picture: bool
    long: bool
    stream: bool

    @property
    def body(self):
        words = "word " * 400 if self.long else "hello"
        content = [{"type": "text", "text": words}, *([PICTURE] if self.picture else [])]
        made = {"model": self.model, "max_tokens": 5, "messages": [{"role": "user", "content": content}]}
        return made | ({"tools": [TOOL]} if self.tools else {}) | ({"stream": True} if self.stream else {})

    @property
    def headers(self):
        said = {"x-sidestep-strategy": self.strategy, "x-sidestep-user": self.user}
        return {name: value for name, value in said.items() if value}


askings = st.builds(
    Asking, st.sampled_from(["auto", "auto/letters", "auto/maths", *ENTRIES]), st.sampled_from(["", "", "one", "two"]),
    st.sampled_from(["", "ann", "bob"]), st.just(frozenset()) | some(tuple(DIALECTS)),
    *[st.booleans()] * 4,
)  # fmt: skip


class Proxy:
    """One request's proxy, and what became of it."""

    def __init__(self, models, selection, stands):
        self.stands = stands
        self.clock = Clock()
        self.called = []
        retry = RetrySettings(budget_min_per_s=1000)
        providers = {
            name: Provider(
                name, dialect, f"https://{name}.test", keys=(ProviderKey("env:K", Secret("sk-k")),), retry=retry,
                breaker=BreakerSettings(consecutive_failures=1000),
            )
            for name, dialect in DIALECTS.items()
        }  # fmt: skip
        self.selection = selection
        self.router = Router(Config(providers, models, selection=selection), self._profile, lambda _: None, self._price)
        self.registry = Registry(self.clock.uniform, b"k")

    def run(self, asking):
        """The answer's status; 0 where the request was refused."""
        loop = JumpingLoop(self.clock)
        try:
            return loop.run_until_complete(self._run(asking))
        finally:
            loop.close()

    async def send(self, provider, call):
        model = orjson.loads(call.body)["model"]
        self.called.append(f"{provider.name}/{model}")
        kind = [("content-type", "text/event-stream" if call.stream else "application/json")]
        if provider.name in self.stands.failing:
            return Upstream(500, kind, [b'{"error": {"message": "it fell over"}}'])
        return Upstream(200, kind, good(provider.dialect, provider.name, stream=call.stream))

    async def _run(self, asking):
        budgets = tuple(Budget(name, "requests", 1, "day", {"provider": name}) for name in sorted(self.stands.spent))
        spending = Spending(budgets=budgets)
        ledger = Ledger(MemoryStore(self.clock), self.clock, "me")
        kept = Kept(LedgerSettings(), hard=True, ledger=ledger)
        self.paying = Paying(spending, kept, Rates((), self.clock), lambda *_: None, lambda _: None)
        await ledger.open()
        try:
            await self._prepare()
            return await self._ask(asking)
        finally:
            await ledger.close()

    async def _prepare(self):
        """All that stands against targets now."""
        now = self.clock.now()
        for name in TARGETS:
            [target] = self.router.chosen(name).targets
            state = self.registry.target(target, now)
            if name in self.stands.open:
                state.breaker.trip(now)
            if name in self.stands.waiting:
                state.throttle.block(now, 100.0, self.clock.uniform)
            if target.provider.name in self.stands.spent and target.model == "large":
                exchange = self._exchange(Asking("m", "", "", frozenset(), *[False] * 4))
                self.paying.begin(exchange, {})
                assert await exchange.spend.cover(target, Most(1, 1)) is None
                exchange.spend.close(None, None, 200, content=True)
                exchange.spend.settle()

    async def _ask(self, asking):
        tools = Tools(
            self.registry, lambda provider: _Engine(self, provider), self.clock, lambda *_: None, lambda *_, **__: None
        )
        active = Active(self.selection, lambda *_: None, self.clock.wall)
        chooser = Chooser(self.selection, self.router, active)
        remembered = Remembered(orderer=Orderer(self.registry, self.clock))
        endpoints = Endpoints(self.router, Chain(tools), self.clock, remembered, paying=self.paying, chooser=chooser)
        exchange = self.exchange = self._exchange(asking)
        try:
            await self.paying(exchange, endpoints)
        except (Refused, Malformed):
            return 0
        return exchange.out.status

    def _exchange(self, asking):
        body = orjson.dumps(asking.body)

        async def read():
            return body

        client = None
        if asking.providers:
            may = {"may_choose_strategy": True, "speaks_for": ("user",)}
            client = Client("app", (), providers=tuple(sorted(asking.providers)), **may)
        exchange = Exchange(
            "req_1", "chat", "POST", "/v1/chat/completions", asking.headers, read, "", Answer(),
            codec(Dialect.OPENAI_CHAT), self.clock.now(), client=client, who=NOBODY,
        )  # fmt: skip
        exchange.deadline = exchange.commit_by = self.clock.now() + 600
        return exchange

    def _profile(self, provider, model):
        name = f"{provider.name}/{model}"
        return Profile(
            provider=provider.name,
            model=model,
            tools=name not in self.stands.toolless,
            images=name not in self.stands.blind,
            context_window=SMALL_WINDOW if name in self.stands.narrow else None,
        )

    def _price(self, provider, model):
        return DEAR if f"{provider.name}/{model}" in self.stands.dear else CHEAP


class _Engine:
    def __init__(self, proxy, provider):
        self._proxy, self._provider = proxy, provider

    async def send(self, call):
        return await self._proxy.send(self._provider, call)
