"""An exchange's money matters begin with its body and end with the exchange, however that ends."""

import pytest

from proxy.budgets.paying import Kept, Paying
from proxy.budgets.rates import Rates
from proxy.config.spending import Budget, LedgerSettings, Rate, Spending
from proxy.config.values import Client
from proxy.flow import Exchange, Refused, Said, Who
from proxy.ledger.ledger import Ledger
from proxy.ledger.memory import MemoryStore
from translators.catalog import codec
from translators.ir import Dialect

APP = Client("app", (), team="research")


class Clock:
    def now(self):
        return 1000.0

    wall = now

    def uniform(self):
        return 0.5


def exchange(client=None, **headers) -> Exchange:
    made = Exchange("req_1", "chat", "POST", "/v1/x", headers, None, "127.0.0.1", None, codec(Dialect.OPENAI_CHAT), 0.0)
    made.client = client
    return made


def paying(**spending) -> Paying:
    clock, told = Clock(), Spending(**spending)
    kept = Kept(LedgerSettings(), hard=True, ledger=Ledger(MemoryStore(clock), clock, "me"))
    return Paying(told, kept, Rates(told.rates, clock), lambda *_: None, lambda _: None)


async def test_it_is_known_whose_a_request_is_once_its_body_is_read():
    one = exchange(Client("app", (), team="research", speaks_for=("user",)))
    paying(budgets=(Budget("b", "requests", 1, "day"),)).begin(one, {"user": "alice"})
    assert (one.who.client, one.who.team, one.who.user) == ("app", "research", "alice")
    assert one.spend is not None


async def test_whose_requests_of_one_head_are_is_found_once_and_anew_for_another_client():
    pays, head = paying(), Said()
    first, second, third = (exchange(client) for client in (APP, APP, Client("app", (), team="other")))
    for one in (first, second, third):
        one.said = head
        pays.begin(one, {"user": "alice"})
    assert first.who == Who("app", "research") and second.who is first.who
    assert third.who == Who("app", "other")


async def test_who_speaks_for_others_is_asked_each_time():
    pays, head = paying(), Said()
    client = Client("app", (), speaks_for=("user",))
    for name in ("alice", "bob"):
        one = exchange(client)
        one.said = head
        pays.begin(one, {"user": name})
        assert one.who.user == name


@pytest.mark.parametrize(("spending", "settles"), [
    ({}, False),
    ({"max_cost_per_request": 5}, False),
    ({"rates": (Rate("one", concurrent=1),)}, True),
    ({"budgets": (Budget("b", "requests", 1, "day"),)}, True),
])  # fmt: skip
async def test_it_stands_in_the_way_only_where_something_is_to_be_given_back(spending, settles):
    assert paying(**spending).settles is settles


async def test_the_clients_own_limit_of_a_request_goes_before_that_of_all():
    pays = paying(max_cost_per_request=5)
    for client, limit in ((None, 5), (Client("app", ()), 5), (Client("app", (), max_cost_per_request=7), 7)):
        one = exchange(client)
        pays.begin(one, {})
        assert one.spend._limit == limit


async def test_rates_are_entered_and_left_whatever_happens():
    pays = paying(rates=(Rate("one", concurrent=1),))

    async def fails(one):
        pays.begin(one, {})
        raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            await pays(exchange(), fails)
    held = exchange()
    pays.begin(held, {})
    with pytest.raises(Refused):
        pays.begin(exchange(), {})


async def test_what_never_began_has_nothing_to_settle():
    async def refuses(_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await paying()(exchange(), refuses)
