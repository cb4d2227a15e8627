"""The right model for each request: real SDKs that leave it open, and a real proxy that chooses."""

import asyncio
import hashlib
from itertools import cycle

import anthropic
import httpx2
import openai
import pytest

from proxy.config.selection import Experiment, Levels, Selection, Strategy, Task
from proxy.config.spending import Price, Spending
from proxy.config.values import Client, ModelRoute, Step
from proxy.drill.script import ok, status
from proxy.selection.splitting import arm_of

HELLO = [{"role": "user", "content": "hello"}]
MILLION = 1_000_000
SMALL, LARGE, CLAUDE = ("alpha", "demo-small"), ("alpha", "demo-large"), ("beta", "demo-claude")


def one(model: str) -> Levels:
    return Levels(model, model, model)


STRATEGIES = {
    "cost_optimized": Strategy("cost_optimized", one("alpha/demo-small"), {"letters": one("solo")}),
    "balanced": Strategy(
        "balanced",
        Levels("alpha/demo-small", "solo", "claude"),
        {"letters": one("claude")},
        {"default": "vectors", "search": "gamma/demo-embed"},
        fallback="claude",
    ),
    "quality_optimized": Strategy("quality_optimized", one("claude"), {"parsing": one("solo")}, fallback="duo"),
}
TASKS = {"letters": Task("letters"), "parsing": Task("parsing")}
SELECTION = Selection("cost_optimized", tasks=TASKS, strategies=STRATEGIES)
SERVED = {
    ("cost_optimized", "auto"): SMALL,
    ("cost_optimized", "auto/letters"): LARGE,
    ("cost_optimized", "auto/parsing"): SMALL,
    ("balanced", "auto"): SMALL,
    ("balanced", "auto/letters"): CLAUDE,
    ("balanced", "auto/parsing"): SMALL,
    ("quality_optimized", "auto"): CLAUDE,
    ("quality_optimized", "auto/letters"): CLAUDE,
    ("quality_optimized", "auto/parsing"): LARGE,
}
REASON = "strategy balanced (active) has alpha/demo-small for simple requests (0) without a task"


@pytest.fixture
def choosing(make_world, configured):
    """`async with choosing(selection, **fields) as (world, client)`: a world that chooses so, and an SDK."""

    class Both:
        def __init__(self, selection=SELECTION, **fields):
            self._world = make_world(lambda *scripted: configured(*scripted, selection=selection, **fields))

        async def __aenter__(self):
            world = await self._world.__aenter__()
            self._client = openai.AsyncOpenAI(base_url=world.url, api_key="k", max_retries=0)
            return world, self._client

        async def __aexit__(self, *raised):
            await self._client.close()
            return await self._world.__aexit__(*raised)

    return Both


async def served(client, model="auto", **more):
    raw = await client.chat.completions.with_raw_response.create(model=model, messages=HELLO, **more)
    return raw.headers["x-sidestep-provider"], raw.headers["x-sidestep-model"]


async def test_each_strategy_serves_each_task_by_its_own_model(choosing):
    async with choosing() as (world, client):
        for (strategy, model), by in SERVED.items():
            await world.app.strategy.switch(strategy, "a test")
            assert await served(client, model) == by, (strategy, model)
            assert await served(client, model, extra_headers={"x-sidestep-strategy": strategy}) == by


async def test_a_strategy_is_switched_while_traffic_runs_without_an_error(choosing):
    """What each answer says of itself is what that strategy has for its task, streamed or whole."""
    async with choosing() as (world, client):
        seen, news, over = set(), asyncio.Event(), False

        async def asking(stream):
            for model in cycle(("auto", "auto/letters", "auto/parsing")):
                if over:
                    return
                raw = await client.chat.completions.with_raw_response.create(model=model, messages=HELLO, stream=stream)
                if stream:
                    assert [chunk async for chunk in raw.parse()]
                told = dict(part.split("=") for part in raw.headers["x-sidestep-selection"].split("; ")[1:])
                by = raw.headers["x-sidestep-provider"], raw.headers["x-sidestep-model"]
                assert SERVED[told["strategy"], model] == by
                seen.add((told["strategy"], model))
                news.set()

        async def switching():
            nonlocal over
            for strategy in (*STRATEGIES, *STRATEGIES):
                await world.app.strategy.switch(strategy, "a test")
                seen.clear()
                while sum(one == strategy for one, _ in seen) < 3:
                    news.clear()
                    await news.wait()
            over = True

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(switching())
            for number in range(6):
                group.create_task(asking(number % 2 == 0))


async def test_hard_work_goes_to_the_strong_model_and_simple_work_to_the_cheap_one(choosing):
    selection = Selection("balanced", tasks=TASKS, strategies=STRATEGIES)
    async with choosing(selection) as (_, client):
        assert await served(client) == SMALL
        assert await served(client, reasoning_effort="medium") == LARGE
        assert await served(client, reasoning_effort="high") == CLAUDE


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_tells_how_its_model_was_chosen_and_what_it_took(choosing, stream):
    prices = Spending(prices={"alpha/demo-small": Price(input=MILLION, output=MILLION)})
    selection = Selection("balanced", tasks=TASKS, strategies=STRATEGIES)
    headers = {"x-sidestep-metadata": "1"}
    async with choosing(selection, spending=prices) as (_, client):
        asked = {"model": "auto", "messages": HELLO, "extra_headers": headers, "stream": stream}
        answer = await client.chat.completions.create(**asked)
        told = [chunk async for chunk in answer][-1].sidestep if stream else answer.sidestep
        assert (
            told.items()
            >= {
                "model_used": "demo-small",
                "provider": "alpha",
                "strategy": "balanced",
                "complexity_score": 0.0,
                "fallback_used": False,
                "selection_reason": REASON,
            }.items()
        )
        assert told["tokens_used"] > 0
        assert told["cost_usd"] > 0
        assert 0 <= told["processing_time_ms"] < 10_000
        assert [one["target"] for one in told["attempts"]] == ["alpha/demo-small"]


async def test_a_strategys_fallback_serves_where_the_chosen_one_fails(choosing):
    selection = Selection("balanced", tasks=TASKS, strategies=STRATEGIES)
    async with choosing(selection) as (world, client):
        world.alpha.script = status(503)
        answer = await client.chat.completions.create(
            model="auto", messages=HELLO, extra_headers={"x-sidestep-metadata": "1"}
        )
        assert (answer.sidestep["provider"], answer.sidestep["fallback_used"]) == ("beta", True)
        world.alpha.script = ok()
        world.beta.script = status(503)
        with pytest.raises(openai.InternalServerError) as raised:
            await served(client, "auto/letters")
        assert raised.value.response.headers["x-sidestep-selection"].startswith("claude; strategy=balanced")


async def test_a_strategys_limit_of_cost_passes_over_who_is_too_dear(choosing):
    dear = Strategy("dear", one("solo"), fallback="claude", max_cost_per_request=1_000_000)
    prices = {
        "alpha/demo-large": Price(input=0, output=MILLION * MILLION),
        "beta/demo-claude": Price(input=1, output=1),
    }
    selection = Selection("dear", strategies={"dear": dear})
    async with choosing(selection, spending=Spending(prices=prices)) as (_, client):
        assert await served(client, max_tokens=50) == CLAUDE
        assert await served(client, "solo", max_tokens=50) == LARGE, "another model's requests are under no limit"


@pytest.mark.parametrize(
    ("model", "headers", "error", "told"),
    [
        ("auto/mail", {}, openai.NotFoundError, "There is no task 'mail' here; known: letters and parsing."),
        ("auto", {"x-sidestep-strategy": "best"}, openai.BadRequestError, "known: cost_optimized, balanced and"),
        ("solo", {"x-sidestep-strategy": "best"}, openai.BadRequestError, "known: cost_optimized, balanced and"),
        ("auto", {"x-sidestep-task": "letter"}, openai.BadRequestError, 'did you mean "letters"?'),
    ],
)
async def test_what_is_not_configured_is_refused_in_words_and_nobody_is_asked(choosing, model, headers, error, told):
    async with choosing() as (world, client):
        with pytest.raises(error, match="known") as raised:
            await served(client, model, extra_headers=headers)
        assert told in raised.value.body["message"]
        assert set(world.calls().values()) == {0}


async def test_vectors_are_refused_for_a_strategy_that_there_is_not(choosing):
    async with choosing() as (world, client):
        with pytest.raises(openai.BadRequestError, match="x-sidestep-strategy names no strategy"):
            await client.embeddings.create(model="vectors", input="a", extra_headers={"x-sidestep-strategy": "best"})
        assert set(world.calls().values()) == {0}


async def test_without_strategies_auto_is_no_model_and_no_provider_is_asked_for_one(make_world, configured):
    """As it is without a configuration file."""
    star = {"*": ModelRoute("*", (Step("alpha", "*"),))}
    async with (
        make_world(lambda *scripted: configured(*scripted, models=star)) as world,
        openai.AsyncOpenAI(base_url=world.url, api_key="k", max_retries=0) as client,
    ):
        for model in ("auto", "auto/letters"):
            with pytest.raises(openai.NotFoundError, match="leaves it open which model serves") as raised:
                await served(client, model)
            assert raised.value.code == "model_not_found"
        assert set(world.calls().values()) == {0}


async def test_an_experiment_gives_each_user_one_arm_all_the_time(choosing):
    arms = (("cost_optimized", 2500), ("balanced", 5000), ("quality_optimized", 2500))
    rollout = Experiment("rollout", arms)
    newer = Experiment("newer", (("solo", 5000), ("claude", 5000)), "solo")
    selection = Selection(
        "balanced", tasks=TASKS, strategies=STRATEGIES, experiments={"rollout": rollout, "newer": newer}
    )
    async with choosing(selection) as (_, client):
        for number in range(60):
            user = f"user-{number // 2}"
            raw = await client.chat.completions.with_raw_response.create(model="auto", messages=HELLO, user=user)
            arm = arm_of(rollout, user)
            assert raw.headers["x-sidestep-selection"].endswith(f"experiment=rollout; arm={arm}")
            assert f"strategy={arm};" in raw.headers["x-sidestep-selection"]
            by = await served(client, "solo", user=user)
            assert by == (LARGE if arm_of(newer, user) == "solo" else CLAUDE)


async def test_every_dialects_client_may_leave_it_open(choosing):
    selection = Selection("quality_optimized", tasks=TASKS, strategies=STRATEGIES)
    async with choosing(selection) as (world, client):
        base = world.url.removesuffix("/v1")
        answer = await client.responses.create(model="auto", input="hello")
        assert "hello" in answer.output_text
        assert (await client.completions.create(model="auto/parsing", prompt="hello")).choices[0].text
        async with anthropic.AsyncAnthropic(base_url=base, api_key="k", max_retries=0) as messages:
            said = await messages.messages.create(model="auto", max_tokens=50, messages=HELLO)
            assert said.content[0].text.endswith("hello")
            assert (await messages.messages.count_tokens(model="auto", messages=HELLO)).input_tokens > 0
        listed = [model.id async for model in client.models.list()]
        assert {"auto", "auto/letters", "auto/parsing"} <= set(listed)


async def test_vectors_are_chosen_by_their_use(choosing):
    selection = Selection("balanced", tasks=TASKS, strategies=STRATEGIES)
    async with choosing(selection) as (world, client):
        assert (await client.embeddings.create(model="auto", input="hello")).data
        assert world.calls()["gamma"] == 0
        assert (await client.embeddings.create(model="auto/search", input="hello")).data
        assert world.calls()["gamma"] == 1
        with pytest.raises(openai.NotFoundError, match="no model for vectors of the use 'letters'"):
            await client.embeddings.create(model="auto/letters", input="hello")


async def test_a_tool_loop_goes_on_where_it_began_though_the_strategy_was_switched(choosing):
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
    selection = Selection("quality_optimized", tasks=TASKS, strategies=STRATEGIES)
    async with choosing(selection) as (world, client):
        world.beta.script = ok(reasoning=True)
        asked = {"model": "auto", "tools": tools, "reasoning_effort": "high"}
        first = await client.chat.completions.create(messages=HELLO, **asked)
        turn = first.choices[0].message.model_dump(include={"role", "content", "tool_calls"}, exclude_none=True)
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "rain"} for call in turn["tool_calls"]]
        await world.app.strategy.switch("cost_optimized", "a test")
        raw = await client.chat.completions.with_raw_response.create(messages=[*HELLO, turn, *results], **asked)
        assert (raw.headers["x-sidestep-provider"], raw.headers["x-sidestep-model"]) == CLAUDE
        assert raw.headers["x-sidestep-selection"].startswith("beta/demo-claude; strategy=cost_optimized")
        assert await served(client) == SMALL


async def test_a_client_reaches_only_its_own_providers_whatever_is_chosen(choosing):
    key = "the-key"
    digest = hashlib.sha256(key.encode()).hexdigest()
    mine = Client("mine", (digest,), models=("auto",), providers=("beta",))
    selection = Selection("balanced", tasks=TASKS, strategies=STRATEGIES)
    async with choosing(selection, clients={"mine": mine}) as (world, _):
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}, trust_env=False) as http:
            answer = await http.post(world.url + "/chat/completions", json={"model": "auto", "messages": HELLO})
            assert answer.headers["x-sidestep-provider"] == "beta", "the fallback's target is the client's"
            refused = await http.post(
                world.url + "/chat/completions",
                json={"model": "auto", "messages": HELLO},
                headers={"x-sidestep-strategy": "quality_optimized"},
            )
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "strategy_refused")
            await world.app.strategy.switch("cost_optimized", "a test")
            refused = await http.post(world.url + "/chat/completions", json={"model": "auto", "messages": HELLO})
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "provider_refused")
            other = await http.post(world.url + "/chat/completions", json={"model": "claude", "messages": HELLO})
            assert other.status_code == 404
        assert world.calls()["alpha"] == 0
