"""What an attempt's end means for breaker, key and exchange: each is told once, whatever the end."""

import pytest

from proxy.chain.account import account_of, of_the_caller
from proxy.chain.ready import Ready, Tools
from proxy.config.hidden import Secret
from proxy.config.profiles import profile_for
from proxy.config.spending import Price
from proxy.config.values import Provider, ProviderKey, Target
from proxy.flow import Exchange
from proxy.resilience.breaker import Permit
from proxy.resilience.targets import Registry
from proxy.resilience.window import figures
from proxy.upstream.timings import AttemptTimes
from translators.catalog import codec
from translators.faults import Fault, Kind
from translators.ir import Dialect, Usage


class Clock:
    time = 100.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time

    def uniform(self) -> float:
        return 0.0


class Out:
    started = False


class Case:
    def __init__(self, cap_at: float = 1000.0, **more) -> None:
        self.clock = Clock()
        self.alerts: list[str] = []
        self.counted: list[tuple[str, ...]] = []
        self.spent: list[tuple[object, ...]] = []
        price = more.pop("price", None)
        keys = () if more.get("client_key") else (ProviderKey("env:K", Secret("k")),)
        provider = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test", keys=keys, **more)
        self.target = Target(
            provider, "m", profile_for(provider, "m"), provider.breaker, provider.retry, provider.timeouts, price
        )
        registry = Registry(self.clock.uniform, b"k")
        self.pool = registry.keys(provider)
        self.state = registry.target(self.target, 100.0)
        self.key = self.pool.choose(100.0)
        permit = self.state.breaker.admit(100.0, 30.0)
        assert isinstance(permit, Permit)
        self.exchange = Exchange(
            id="req_1", route="chat", method="POST", path="/", headers={}, read=None, peer="", out=Out(),
            codec=codec(Dialect.OPENAI_CHAT), started=100.0,
        )  # fmt: skip
        tools = Tools(
            registry,
            None,
            self.clock,
            lambda *labels: self.counted.append(labels),
            lambda event, /, **_: self.alerts.append(event),
            lambda *spent: self.spent.append(spent),
        )
        ready = Ready(self.key, permit, AttemptTimes(30.0, 30.0, 60.0, cap_at), self.clock.now())
        self.account = account_of(tools, self.exchange, self.target, self.state, ready)

    @property
    def failures(self) -> int:
        return self.state.breaker.snapshot(self.clock.time).failures


def fault(kind: Kind, **more) -> Fault:
    return Fault(kind=kind, message="it was so", **more)


@pytest.mark.parametrize("end", [None, fault(Kind.SERVER), fault(Kind.CANCELLED)])
def test_what_an_attempt_took_is_given_back_however_it_ends(end):
    case = Case()
    case.account.open()
    assert (case.state.in_flight, case.key.in_flight) == (1, 1)
    case.account.close(end)
    assert (case.state.in_flight, case.key.in_flight) == (0, 0)
    assert case.counted == [("alpha", "m", end.kind.value if end else "ok")]


def test_an_answer_is_noted_with_who_gave_it_and_how_long_it_took():
    case = Case()
    case.account.open()
    case.account.seen.status = 201
    case.clock.time += 0.25
    case.account.served(201)
    case.account.close(None)
    noted = case.exchange.attempts[0]
    assert (noted.target, noted.kind, noted.status, noted.ms) == ("alpha/m", "ok", 201, 250)
    assert (case.exchange.provider, case.exchange.status, case.exchange.upstream_s) == ("alpha", 201, 0.25)


PRICE = Price(2_000_000_000, 10_000_000_000)


def test_what_an_attempt_costs_is_added_once_to_what_the_exchange_costs():
    """Be it told before its end or not."""
    case = Case(price=PRICE)
    case.exchange.cost = 5
    case.account.open()
    case.account.seen.usage = Usage(100, 10)
    case.account.bill()
    assert case.exchange.cost == 5 + 300_000
    case.account.close(None)
    assert case.exchange.cost == 5 + 300_000
    assert case.spent == [("alpha", "m", 300_000)]


def test_an_attempt_that_failed_costs_what_its_provider_counted():
    case = Case(price=PRICE)
    case.account.open()
    case.account.seen.usage = Usage(100, 0)
    case.account.close(fault(Kind.PROTOCOL))
    assert case.exchange.cost == 200_000
    assert case.exchange.usage is None


@pytest.mark.parametrize(("price", "usage"), [(None, Usage(1, 1)), (PRICE, None)])
def test_without_a_price_or_counts_no_cost_is_known(price, usage):
    case = Case(price=price)
    case.account.open()
    case.account.seen.usage = usage
    case.account.close(None)
    assert case.exchange.cost is None
    assert case.spent == []


def fared(case):
    return figures([case.state.window], case.clock.time)


def test_a_call_that_was_answered_is_one_of_the_targets_good_ones():
    case = Case()
    case.account.open()
    case.exchange.first_token = 100.25
    case.clock.time += 2.0
    case.account.close(None)
    found = fared(case)
    assert (found.outcomes, found.latency.p50, found.first.p50) == ({"ok": 1}, 2.0, 0.25)


def test_a_stream_that_broke_off_is_none_but_its_first_content_came():
    case = Case()
    case.account.open()
    case.exchange.first_token = 100.5
    case.account.close(fault(Kind.PROTOCOL))
    found = fared(case)
    assert (found.outcomes, found.latency, found.first.p50) == ({"protocol": 1}, None, 0.5)


def test_a_call_of_an_attempt_that_is_made_again_is_one_of_its_own():
    case = Case()
    case.account.open()
    case.account.stumbled(fault(Kind.SERVER))
    case.account.close(None)
    assert fared(case).outcomes == {"server": 1, "ok": 1}


def test_an_answer_that_breaks_off_is_noted_anew():
    case = Case()
    case.account.open()
    case.account.served()
    case.exchange.out.started = True
    case.account.close(fault(Kind.PROTOCOL))
    assert [one.kind for one in case.exchange.attempts] == ["protocol"]
    assert case.failures == 1


def test_a_wait_that_the_headers_ask_for_is_in_the_fault_and_kept():
    case = Case()
    case.account.open()
    case.account.seen.status, case.account.seen.headers = 429, [("retry-after", "9")]
    assert case.account.close(fault(Kind.THROTTLED, status=429)).retry_after_s == 9.0
    assert case.state.throttle.free_at(100.0) >= 109.0


@pytest.mark.parametrize(("kind", "alert"), [(Kind.AUTH, "key_refused"), (Kind.QUOTA, "key_out_of_quota")])
def test_a_key_that_does_not_serve_is_turned_off_and_told_of(kind, alert):
    case = Case()
    case.account.open()
    case.account.close(fault(kind))
    assert case.alerts == [alert]
    assert case.pool.choose(100.0) is None


def test_a_silence_for_which_the_client_left_no_time_blames_nobody():
    for cap_at, failures in ((105.0, 0), (120.0, 1)):
        case = Case(cap_at)
        case.account.open()
        case.account.close(fault(Kind.TIMEOUT))
        assert case.failures == failures
        assert fared(case).outcomes == {"timeout": 1}, "seen all the same"


def test_a_lack_of_this_machines_own_is_told_and_a_drain_is_not():
    case = Case()
    case.account.open()
    case.account.close(fault(Kind.SHED))
    assert case.alerts == ["exhausted"]
    drained = Case()
    drained.account.open()
    drained.exchange.cancelled = fault(Kind.SHED)
    drained.account.close(drained.exchange.cancelled)
    assert drained.alerts == []


def test_a_callers_own_key_is_a_matter_between_it_and_its_provider():
    case = Case(client_key=True)
    told = of_the_caller(fault(Kind.AUTH, status=403), case.target)
    assert (told.fault.kind, told.fault.status, told.fault.code) == (Kind.REFUSED, 403, "invalid_api_key")
    assert of_the_caller(fault(Kind.SERVER), case.target) is None
    assert of_the_caller(fault(Kind.AUTH), Case().target) is None
