"""Budgets on the way of real requests: who is served and who is not, what is said of it, and what is counted."""

import asyncio
from contextlib import suppress
from decimal import Decimal

import httpx2
import openai
import pytest

from proxy.clock import SystemClock
from proxy.config.spending import NANOS, Budget, LedgerSettings, Price, Spending, dollars
from proxy.config.values import ModelRoute, Step
from proxy.drill.script import cut, hold, status
from proxy.usage.sqlite import SqliteSource
from tests.e2e.shelf import a_shelf

MILLION = 1_000_000
PRICES = {
    "alpha/demo-large": Price(input=2_000 * MILLION, output=10_000 * MILLION),
    "alpha/demo-small": Price(input=MILLION, output=MILLION),
    "beta/demo-claude": Price(input=3_000 * MILLION, output=15_000 * MILLION),
    "alpha/demo-embed": Price(input=MILLION, output=0),
}
ASKED = {"model": "duo", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10}


def daily(amount, unit="usd", **more) -> Budget:
    return Budget("daily", unit, amount, "day", **more)


@pytest.fixture
def paying(make_world, configured):
    """`async with paying(budget, ...)`: a world under these budgets, kept in memory."""

    def opened(*budgets, clients=None, **more):
        def configure(*three):
            models = configured(*three).models
            models = {**models, "cheap": ModelRoute("cheap", (Step("alpha", "demo-small"),))}
            settings = {"budgets": budgets, "prices": PRICES, "ledger": LedgerSettings("memory:")}
            spending = Spending(**(settings | more))
            return configured(*three, models=models, spending=spending, clients=clients or {})

        return make_world(configure)

    return opened


def balances(world):
    return {one["budget"]: one for one in world.app._till.state()["budgets"]}


async def settled(world, budget="daily"):
    """The budget's balance once nothing is under way."""
    async with asyncio.timeout(5):
        while balances(world)[budget]["reserved"] not in ("0", 0):
            await SystemClock().sleep(0.001)
    return balances(world)[budget]


async def ask(world, **more):
    async with httpx2.AsyncClient() as http:
        headers = more.pop("headers", {})
        return await http.post(world.url + "/chat/completions", json={**ASKED, **more}, headers=headers)


def bill(usage, price) -> int:
    """By hand, in nano-dollars."""
    return (usage["prompt_tokens"] * price.input + usage["completion_tokens"] * price.output) // MILLION


LARGE, CLAUDE, SMALL = (PRICES[name] for name in ("alpha/demo-large", "beta/demo-claude", "alpha/demo-small"))


async def test_what_was_billed_is_spent_and_the_answer_says_what_it_cost(paying):
    async with paying(daily(1_000_000_000)) as world:
        answer = await ask(world)
        cost = dollars(bill(answer.json()["usage"], LARGE))
        assert answer.headers["x-sidestep-cost-usd"] == cost
        found = await settled(world)
        assert (found["spent"], found["limit"]) == (cost, "1")


async def test_a_stream_costs_what_the_same_answer_costs_as_a_whole(paying):
    async with paying(daily(1_000_000_000)) as world:
        whole = await ask(world)
        await settled(world)
        await ask(world, stream=True)
        found = await settled(world)
        assert found["spent"] == dollars(2 * bill(whole.json()["usage"], LARGE))


async def test_an_attempt_that_failed_over_is_charged_by_what_is_known_of_its_bill(paying):
    async with paying(daily(1_000_000_000)) as world:
        world.alpha.script = status(503)
        answer = await ask(world)
        assert answer.headers["x-sidestep-provider"] == "beta"
        assert (await settled(world))["spent"] == dollars(bill(answer.json()["usage"], CLAUDE)), (
            "an error costs nothing"
        )


async def test_an_answer_that_broke_off_is_charged_at_its_worst(paying):
    async with paying(daily(1_000_000_000)) as world:
        world.alpha.script = cut(2)
        async with openai.AsyncOpenAI(base_url=world.url, api_key="k", max_retries=0) as client:
            with pytest.raises(openai.APIError):
                async for _ in await client.chat.completions.create(**ASKED, stream=True):
                    pass
        spent = Decimal((await settled(world))["spent"]) * NANOS
        assert spent >= 10 * LARGE.output // MILLION + 2 * LARGE.input // MILLION


async def test_a_spent_budget_refuses_in_the_clients_words_and_says_when_it_begins_anew(paying):
    async with paying(daily(100)) as world:
        answer = await ask(world)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["type"]) == (429, "insufficient_quota", "insufficient_quota")
        assert "daily" in error["message"] and "0.0000001 USD per day" in error["message"]
        assert answer.headers["x-should-retry"] == "false"
        assert 0 < int(answer.headers["retry-after"]) <= 86_400
        assert world.calls() == {"alpha": 0, "beta": 0, "gamma": 0}
        async with httpx2.AsyncClient() as http:
            body = {**ASKED, "model": "claude"}
            answer = await http.post(world.url + "/messages", json=body)
        assert answer.status_code == 429 and answer.json()["type"] == "error"


async def test_a_target_too_dear_for_what_is_left_is_passed_over_for_one_that_fits(paying):
    async with paying(daily(1_250_000_000)) as world:
        answer = await ask(world, model="claude-first", max_tokens=100_000)
        assert answer.status_code == 200
        assert answer.headers["x-sidestep-skipped"] == "beta/demo-claude"


async def test_without_a_bound_of_the_client_one_is_set_and_reported(paying):
    async with paying(daily(1_000_000_000)) as world:
        answer = await ask(world, max_tokens=None, model="solo")
        assert "clamped=max_completion_tokens" in answer.headers["x-sidestep-translation"]
        assert world.alpha.requests[-1].body["max_completion_tokens"] == 8192


async def test_where_no_budget_needs_it_no_bound_is_set(paying):
    async with paying(daily(10, "requests")) as world:
        answer = await ask(world, max_tokens=None, model="solo")
        assert answer.status_code == 200
        assert "max_completion_tokens" not in world.alpha.requests[-1].body


async def test_exactly_what_fits_is_served_however_many_come_at_once(paying):
    async with paying(daily(7, "requests")) as world:
        async with httpx2.AsyncClient(timeout=30) as http:
            url = world.url + "/chat/completions"
            answers = await asyncio.gather(*(http.post(url, json=ASKED) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [429] * 13
        assert (await settled(world))["spent"] == 7


async def test_every_user_has_an_amount_of_its_own(paying):
    async with paying(daily(1, "requests", scope={"user": "*"})) as world:
        told = [(await ask(world, user=user)).status_code for user in ("ann", "bob", "ann", "bob")]
        assert told == [200, 200, 429, 429]
        assert (await ask(world, headers={"x-sidestep-user": "cid"}, user="ann")).status_code == 200


async def test_a_spent_budget_gives_way_to_the_cheaper_model_and_the_headers_say_so(paying):
    async with paying(daily(100_000, when_spent="downgrade", downgrade_to="cheap")) as world:
        answer = await ask(world, max_tokens=100)
        assert answer.status_code == 200
        assert answer.headers["x-sidestep-model"] == "demo-small"
        assert answer.headers["x-sidestep-budget"] == "daily;downgraded"
        assert (await settled(world))["spent"] == dollars(bill(answer.json()["usage"], SMALL))


async def test_what_has_no_price_is_refused_where_money_is_limited(paying):
    async with paying(daily(1_000_000_000), prices={}) as world:
        answer = await ask(world, model="solo")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "unpriced_model")
        assert '[prices."alpha/demo-large"]' in answer.json()["error"]["message"]


async def test_a_request_may_cost_so_much_at_most(paying):
    async with paying(max_cost_per_request=5_000_000) as world:
        answer = await ask(world, max_tokens=1000)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "request_too_costly")
        assert (await ask(world, max_tokens=1)).status_code == 200


async def test_embeddings_cost_their_input_and_give_way_to_no_other_model(paying):
    async with paying(daily(3_000, when_spent="downgrade", downgrade_to="cheap")) as world:
        async with httpx2.AsyncClient() as http:
            asked = {"model": "vectors", "input": "hello"}
            answer = await http.post(world.url + "/embeddings", json=asked)
            assert answer.status_code == 200
            assert (await settled(world))["spent"] == dollars(answer.json()["usage"]["prompt_tokens"])
            refused = await http.post(world.url + "/embeddings", json={**asked, "input": "hello " * 1000})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")


async def test_who_leaves_is_charged_and_leaves_nothing_reserved(paying):
    async with paying(daily(1_000_000_000)) as world:
        world.alpha.script = hold()
        asking = asyncio.create_task(ask(world))
        async with asyncio.timeout(5):
            while not world.alpha.requests:
                await SystemClock().sleep(0.001)
        assert Decimal(balances(world)["daily"]["reserved"]) > 0
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert Decimal((await settled(world))["spent"]) * NANOS >= 10 * LARGE.output // MILLION


async def test_counting_tokens_costs_nothing(paying):
    async with paying(daily(100)) as world, httpx2.AsyncClient() as http:
        body = {"model": "claude", "messages": ASKED["messages"]}
        answer = await http.post(world.url + "/messages/count_tokens", json=body)
        assert answer.status_code == 200, answer.text


async def test_what_passes_through_costs_its_fee_and_is_refused_where_it_has_none():
    for fee, told in ((1000, 200), (None, 403)):
        spending = Spending((daily(1_500),), ledger=LedgerSettings("memory:"), passthrough_fee=fee)
        async with a_shelf(spending=spending) as (shelf, running, _), httpx2.AsyncClient() as http:
            url = running.data_url + "/v1/files"
            answer = await http.get(url)
            assert answer.status_code == told, answer.text
            if fee is None:
                assert "[passthrough] fee_usd" in answer.json()["error"]["message"]
            else:
                (found,) = running.app.budgets()["budgets"]
                assert found["spent"] == dollars(1000)
                assert (await http.get(url)).status_code == 429, "what is left does not pay for another"
            assert len(shelf.asked) == (0 if fee is None else 1)


@pytest.mark.parametrize("fee", [None, 1000])
async def test_tokens_that_an_answer_passed_through_tells_are_counted_once_it_is_there(fee):
    """Nothing bounds them, so that a budget may be exceeded by one answer: no fault of anybody's."""

    async def painted(asked) -> None:
        await asked.take()
        await asked.json({"data": [], "usage": {"input_tokens": 700, "output_tokens": 800}})

    limits = (Budget("hourly", "tokens", 1_000, "hour"), Budget("calls", "requests", 10, "day"))
    spending = Spending(limits, ledger=LedgerSettings("memory:"), passthrough_fee=fee)
    async with a_shelf(spending=spending) as (shelf, running, _), httpx2.AsyncClient() as http:
        shelf.script = painted
        answer = await http.post(running.data_url + "/v1/images/generations", json={"prompt": "a cat"})
        assert answer.status_code == 200, answer.text
        async with asyncio.timeout(5):
            while (found := {one["budget"]: one["spent"] for one in running.app.budgets()["budgets"]})["hourly"] == 0:
                await SystemClock().sleep(0.001)
        assert found == {"hourly": 1_500, "calls": 1}
        metrics = await http.get(running.admin_url + "/metrics")
        assert "budget_overrun" not in metrics.text
        answer = await http.post(running.data_url + "/v1/images/generations", json={"prompt": "another"})
        assert (answer.status_code, len(shelf.asked)) == (429, 1), "nothing is left of the hour's tokens"
        answer = await http.get(running.data_url + "/v1/images/generations")
        assert answer.status_code == 200, "what is only looked at makes no tokens"


async def test_what_passes_through_and_tells_no_tokens_leaves_them_all():
    spending = Spending((Budget("hourly", "tokens", 1, "hour"),), ledger=LedgerSettings("memory:"))
    async with a_shelf(spending=spending) as (_, running, _), httpx2.AsyncClient() as http:
        for _ in range(3):
            answer = await http.post(running.data_url + "/v1/files", content=b"x")
            assert answer.status_code == 200, answer.text
            async with asyncio.timeout(5):
                while running.app.budgets()["budgets"][0]["reserved"]:
                    await SystemClock().sleep(0.001)
        assert running.app.budgets()["budgets"][0]["spent"] == 0


async def test_the_records_sum_to_what_was_spent_to_the_nano_dollar(paying, tmp_path):
    """Whatever became of the requests: answered, streamed, failed over, broken off, left by their client, refused."""
    ledger = LedgerSettings(f"sqlite:///{tmp_path / 'ledger.db'}")
    async with paying(daily(1_000_000_000), ledger=ledger) as world:
        await ask(world)
        await ask(world, stream=True)
        world.alpha.script = status(503)
        await ask(world)
        world.alpha.script = cut(2)
        with suppress(httpx2.HTTPError):
            await ask(world, stream=True)
        world.alpha.script = hold()
        asked = world.calls()["alpha"]
        asking = asyncio.create_task(ask(world))
        async with asyncio.timeout(5):
            while world.calls()["alpha"] == asked:
                await SystemClock().sleep(0.001)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert (await ask(world, max_tokens=10_000_000)).status_code == 429
        spent = (await settled(world))["spent"]
    source = SqliteSource(str(tmp_path / "ledger.db"))
    kept = await asyncio.to_thread(lambda: [*source.records(None, None)])
    assert sorted(one.outcome for one in kept) == ["cancelled", "ok", "ok", "ok", "protocol", "refused"]
    assert dollars(sum(one.cost or 0 for one in kept)) == spent
