"""A client that waits for a whole answer, of a provider that is asked for a stream: it cannot tell."""

import httpx2
import pytest

from proxy.config.profiles import profile_for
from proxy.config.values import ModelRoute, Step
from proxy.drill import script
from proxy.drill.script import Script
from proxy.drill.wire import LAST_CHUNK, Wait, chunk, chunked_head
from translators.ir import Dialect

HELLO = [{"role": "user", "content": "one two three"}]
FUNCTION = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": FUNCTION}} for name in ("weather", "news")]
ASKED = {
    "text": {},
    "a tool": {"tools": TOOLS[:1], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
    "parallel tools": {"tools": TOOLS, "messages": [{"role": "user", "content": "two at once, in parallel"}]},
    "a schema": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "s", "schema": FUNCTION | {"required": ["city"], "additionalProperties": False}},
        }
    },
}
FAULTS = {
    "silence": script.silence(),
    "silence after a word": script.stall(1),
    "an overloaded event": script.overloaded_event(),
    "an overloaded event after words": script.overloaded_event(2),
    "a cut": script.cut(1),
    "a cut before the first word": script.cut_before_commit(),
    "no end": script.truncated(2),
    "an error in a 200": script.error_in_200(),
    "nonsense": script.invalid_event(),
}


@pytest.fixture
async def folding(make_world, configured, provider):
    """A world whose alpha and beta are asked for streams, whatever the client wants; `NAME-whole` are not."""

    def configure(alpha, beta, gamma):
        streamed = {"profile": {"upstream_stream": True}}
        chains = {
            "duo": ("alpha/demo-large", "beta/demo-claude"),
            "alpha": ("alpha/demo-large",),
            "beta": ("beta/demo-claude",),
            "back": ("beta/demo-claude", "alpha/demo-large"),
        }
        routes = {
            name: ModelRoute(name, tuple(Step(*one.split("/")) for one in chain)) for name, chain in chains.items()
        }
        return configured(provider(alpha, **streamed), provider(beta, **streamed), gamma, models=routes)

    async with make_world(configure) as made:
        yield made


async def ask(world, model: str, **more) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        return await client.post(world.url + "/chat/completions", json={"model": model, "messages": HELLO, **more})


def streams(scripted) -> list[bool]:
    """Whether each call asked for a stream."""
    return [bool(request.body.get("stream")) for request in scripted.requests]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(("name", "model"), [("alpha", "solo"), ("beta", "claude")])
async def test_the_answer_is_the_one_that_a_whole_answer_would_have_been(world, folding, name, model, asked):
    whole, folded = (await ask(world, model, **ASKED[asked])), (await ask(folding, name, **ASKED[asked]))
    assert streams(getattr(world, name)) == [False] and streams(getattr(folding, name)) == [True]
    assert folded.headers["content-type"] == "application/json"
    ours, theirs = folded.json(), whole.json()
    assert ours["choices"][0]["finish_reason"] == theirs["choices"][0]["finish_reason"]
    said, wanted = ours["choices"][0]["message"], theirs["choices"][0]["message"]
    assert said["content"] == wanted["content"]
    assert [one["function"] for one in said.get("tool_calls", ())] == [
        one["function"] for one in wanted.get("tool_calls", ())
    ]
    assert len(said.get("tool_calls", ())) == {"a tool": 1, "parallel tools": 2}.get(asked, 0)
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    assert [ours["usage"][name] for name in counts] == [theirs["usage"][name] for name in counts]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("model", "first", "second"), [("duo", "alpha", "beta"), ("back", "beta", "alpha")])
async def test_whatever_breaks_upstream_costs_the_client_nothing_but_time(folding, model, first, second, fault):
    getattr(folding, first).script = FAULTS[fault]
    answer = await ask(folding, model)
    assert (answer.status_code, answer.headers["x-sidestep-provider"]) == (200, second)
    assert answer.json()["choices"][0]["message"]["content"] == f"demo answer from {second}: one two three"
    assert len(getattr(folding, second).requests) == 1


async def test_a_claude_is_asked_for_a_stream_where_its_answer_may_be_long_and_not_otherwise(world):
    for bound in (1000, 30_000):
        answer = await ask(world, "claude", max_completion_tokens=bound)
        assert answer.json()["choices"][0]["message"]["content"].startswith("demo answer from beta")
    assert streams(world.beta) == [False, True]


def test_current_claudes_may_write_so_long_that_they_are_streamed_by_default(provider):
    """A client that names no bound leaves the model its largest."""

    class Scripted:
        name, dialect, base_url = "beta", Dialect.ANTHROPIC_MESSAGES, "https://beta.test"

    assert profile_for(provider(Scripted, vendor="anthropic"), "claude-sonnet-5").max_output > 21_333


# -- where a stream ends


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["alpha", "beta"])
async def test_a_stream_that_says_its_end_is_whole_though_its_body_never_ends(folding, name, stream):
    scripted = getattr(folding, name)
    scripted.script = script.unclosed()
    answer = await ask(folding, name, stream=stream)
    assert answer.status_code == 200
    assert "three" in answer.text and "error" not in answer.text
    assert answer.text.endswith("data: [DONE]\n\n") is stream
    assert answer.headers["x-sidestep-attempts"].count(";ok;") == 1
    await scripted.wait_for_cancelled(1)


@pytest.mark.parametrize("late_s", [0.0, 0.02])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["alpha", "beta"])
async def test_a_connection_serves_again_though_its_body_ends_a_little_after_its_stream(
    folding, monkeypatch, name, stream, late_s
):
    def plan(scene):
        answer = scene.answer()
        return [chunked_head(answer), *(chunk(event.data) for event in answer.events), Wait(late_s), LAST_CHUNK]

    scripted = getattr(folding, name)
    scripted.script = Script((script.Step("late end", plan),))
    met, joined = [], scripted.joined
    monkeypatch.setattr(scripted, "joined", lambda connection: met.append(connection) or joined(connection))
    for _ in range(3):
        assert (await ask(folding, name, stream=stream)).status_code == 200
    assert (len(met), scripted.cancelled) == (1, 0)
