"""Which rates a request enters, what that takes of each, and what comes back."""

import pytest

from proxy.budgets import rates as module
from proxy.budgets.rates import Rates, estimate
from proxy.config.spending import Rate
from proxy.flow import Exchange, Refused, Who
from translators.catalog import codec
from translators.ir import Dialect, Usage

ALICE, BOB = Who(user="alice"), Who(user="bob")


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return 0.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


def exchange(route="chat", payload=None, size=0, dialect=Dialect.OPENAI_CHAT) -> Exchange:
    made = Exchange(
        "req_1", route, "POST", "/v1/x", {"content-length": str(size)}, None, "127.0.0.1", None, codec(dialect), 0.0
    )
    made.payload = {} if payload is None else payload
    return made


def told(one: Exchange) -> dict[str, str]:
    return dict(one.limits)


def refused(rates: Rates, who: Who = ALICE, model: str = "m", **asked) -> Refused:
    one = exchange(**asked)
    with pytest.raises(Refused) as caught:
        rates.enter(one, who, model)
    caught.value.exchange = one
    return caught.value


def test_a_rate_lets_through_what_it_allows_and_no_more(clock):
    rates = Rates([Rate("all", requests_per_minute=2)], clock)
    for _ in range(2):
        rates.enter(exchange(), ALICE, "m")
    assert "all allows 2 requests a minute; try again in 30s" in refused(rates).fault.message
    clock.at += 30.0
    rates.enter(exchange(), BOB, "other")


def test_each_value_has_an_account_of_its_own(clock):
    rates = Rates([Rate("users", {"user": "*"}, requests_per_minute=1)], clock)
    rates.enter(exchange(), ALICE, "m")
    rates.enter(exchange(), BOB, "m")
    assert "users (user alice)" in refused(rates, ALICE).fault.message


def test_who_says_no_name_shares_one_account(clock):
    """Leaving the user out is no way around a limit on users."""
    rates = Rates([Rate("users", {"user": "*"}, requests_per_minute=1)], clock)
    rates.enter(exchange(), Who(client="a"), "m")
    assert "users (user unnamed)" in refused(rates, Who(client="b")).fault.message


def test_a_rate_concerns_only_whom_all_of_its_scope_names(clock):
    rates = Rates([Rate("r", {"user": "alice", "model": "m"}, requests_per_minute=1)], clock)
    rates.enter(exchange(), ALICE, "m")
    rates.enter(exchange(), ALICE, "other")
    rates.enter(exchange(), BOB, "m")
    refused(rates, ALICE, "m")


def test_what_one_rate_refuses_takes_nothing_from_another(clock):
    rates = Rates([Rate("wide", requests_per_minute=5), Rate("one", {"user": "*"}, requests_per_minute=1)], clock)
    rates.enter(exchange(), ALICE, "m")
    for _ in range(10):
        refused(rates, ALICE)
    rates.enter(fresh := exchange(), BOB, "m")
    assert told(fresh)["x-ratelimit-remaining-requests"] == "0"
    for name in ("c", "d", "e"):
        rates.enter(exchange(), Who(user=name), "m")
    refused(rates, Who(user="f"))


def test_of_several_refusals_the_longest_wait_is_told(clock):
    rates = Rates([Rate("slow", requests_per_minute=1), Rate("fast", requests_per_minute=1, concurrent=1)], clock)
    rates.follow([Rate("slow", requests_per_minute=1), Rate("fast", requests_per_minute=60, concurrent=1)])
    rates.enter(exchange(), ALICE, "m")
    assert refused(rates).retry_after_s == 60.0


def test_only_so_many_are_under_way_at_once(clock):
    rates = Rates([Rate("r", concurrent=2)], clock)
    first, _ = (rates.enter(exchange(), ALICE, "m") for _ in range(2))
    assert "allows 2 requests at once" in refused(rates).fault.message
    first.settle(None)
    first.settle(None)
    rates.enter(exchange(), ALICE, "m")
    refused(rates)


def test_tokens_are_taken_by_estimate_and_corrected(clock):
    rates = Rates([Rate("r", tokens_per_minute=2000)], clock)
    held = rates.enter(one := exchange(size=300, payload={"max_tokens": 900}), ALICE, "m")
    assert told(one)["x-ratelimit-remaining-tokens"] == "1000"
    held.settle(Usage(50, 150))
    held.settle(Usage(0, 2000))
    rates.enter(one := exchange(payload={"max_tokens": 1}), ALICE, "m")
    assert told(one)["x-ratelimit-remaining-tokens"] == "1799"


def test_an_unknown_usage_stays_as_estimated(clock):
    rates = Rates([Rate("r", tokens_per_minute=1000)], clock)
    rates.enter(exchange(payload={"max_tokens": 900}), ALICE, "m").settle(None)
    assert refused(rates, payload={"max_tokens": 101}).should_retry is True


def test_a_request_that_is_more_than_a_minutes_tokens_is_told_so(clock):
    rates = Rates([Rate("r", tokens_per_minute=1000)], clock)
    assert refused(rates, payload={"max_tokens": 1001}).should_retry is False


def test_a_refusal_tells_what_is_left_too(clock):
    rates = Rates([Rate("r", requests_per_minute=1)], clock)
    rates.enter(exchange(), ALICE, "m")
    assert told(refused(rates).exchange) == {
        "x-ratelimit-limit-requests": "1",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m0s",
    }


def test_anthropics_clients_are_told_in_their_own_headers(clock):
    rates = Rates([Rate("r", requests_per_minute=10, tokens_per_minute=5000)], clock)
    rates.enter(one := exchange("messages", {"max_tokens": 10}, dialect=Dialect.ANTHROPIC_MESSAGES), ALICE, "m")
    assert told(one)["anthropic-ratelimit-requests-remaining"] == "9"
    assert told(one)["anthropic-ratelimit-tokens-remaining"] == "4990"


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"payload": {"max_tokens": 5}, "size": 30}, 15),
        ({"payload": {"max_completion_tokens": 5, "max_tokens": 9}, "size": 0}, 5),
        ({"route": "responses", "payload": {"max_output_tokens": 7}, "size": 0}, 7),
        ({"payload": {}, "size": 0}, 1024),
        ({"payload": {"n": 3, "max_tokens": 2}, "size": 0}, 6),
        ({"payload": {"n": 10**9, "max_tokens": 1}, "size": 0}, 128),
        ({"payload": {"n": True, "max_tokens": -4}, "size": 0}, 1024),
        ({"route": "embeddings", "payload": {"input": "x"}, "size": 9}, 3),
        ({"route": "count_tokens", "payload": {"max_tokens": 5}, "size": 900}, 0),
        ({"route": "passthrough", "size": 900}, 0),
    ],
)
def test_a_request_counts_as_a_third_of_its_bytes_and_the_output_it_asks_for(asked, count):
    assert estimate(exchange(**asked)) == count


def test_a_body_in_chunks_counts_by_what_it_says():
    one = exchange(payload={"max_tokens": 1})
    one.headers = {"transfer-encoding": "chunked"}
    assert estimate(one) == len(b'{"max_tokens":1}') // 3 + 1


def test_the_accounts_are_bounded_and_the_idlest_goes(clock, monkeypatch):
    monkeypatch.setattr(module, "ACCOUNTS", 3)
    rates = Rates([Rate("r", {"user": "*"}, requests_per_minute=1, concurrent=1)], clock)
    rates.enter(exchange(), Who(user="long"), "m")
    for name in ("a", "b", "c", "d"):
        rates.enter(exchange(), Who(user=name), "m").settle(None)
    assert len(rates._accounts) == 3
    clock.at += 60.0
    refused(rates, Who(user="long"))
    rates.enter(exchange(), Who(user="d"), "m").settle(None)


def test_an_unchanged_rate_goes_on_over_a_reload_and_a_changed_one_begins_anew(clock):
    kept, changed = Rate("kept", requests_per_minute=1), Rate("changed", {"user": "alice"}, requests_per_minute=1)
    rates = Rates([kept, changed], clock)
    held = rates.enter(exchange(), ALICE, "m")
    rates.follow([kept, Rate("changed", {"user": "alice"}, requests_per_minute=2)])
    held.settle(Usage(1, 1))
    assert "kept allows" in refused(rates).fault.message
    rates.follow([Rate("changed", {"user": "alice"}, requests_per_minute=2)])
    rates.enter(exchange(), ALICE, "m")
    rates.enter(exchange(), ALICE, "m")
    refused(rates)


def test_without_rates_nothing_is_told(clock):
    rates = Rates([], clock)
    assert not rates
    rates.enter(one := exchange(), ALICE, "m").settle(None)
    assert not one.limits
