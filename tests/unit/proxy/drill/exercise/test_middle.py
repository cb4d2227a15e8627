"""Calls for the failing target meet the fault, all others go where they were meant to go."""

from dataclasses import dataclass

import orjson
import pytest

from proxy.config.values import Provider
from proxy.drill.exercise.choice import choose
from proxy.drill.exercise.middle import Middle, readdressed
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import ok, status
from proxy.upstream.engines import engine_for
from proxy.upstream.seam import Call
from translators.ir import Dialect


def call(provider, path="/chat/completions", headers=(), **body):
    body = orjson.dumps(body)
    return Call("POST", provider.base_url + path, list(headers), body, stream=False, connect_s=1, pool_s=1, write_s=1)


@dataclass
class Stage:
    middle: Middle
    provider: Provider
    fault: ScriptedProvider
    other: ScriptedProvider

    async def ask(self, **body) -> int:
        engine = self.middle.engine_for("native", self.provider, connections=4)
        messages = [{"role": "user", "content": "Hi"}]
        answer = await engine.send(call(self.provider, **({"model": "large", "messages": messages} | body)))
        await answer.read(100_000)
        await answer.close()
        await engine.close()
        return answer.status


@pytest.fixture(params=["offline", "online"])
async def stage(request, chain):
    """alpha/large fails with 503; `other` is what stands for alpha offline, and alpha itself online."""
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, status(503)) as fault,
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, ok()) as other,
    ):
        config = chain() if request.param == "offline" else chain(base_url=other.base_url)
        well = {"alpha": other} if request.param == "offline" else {}
        middle = Middle(choose(config, None).target, fault, well, engine_for)
        yield Stage(middle, config.providers["alpha"], fault, other)


async def test_without_the_fault_every_call_goes_on(stage):
    assert await stage.ask() == 200
    assert (stage.fault.request_count, stage.other.request_count, stage.middle.calls) == (0, 1, 0)


async def test_under_the_fault_the_targets_calls_meet_it_and_are_counted(stage):
    stage.middle.failing = True
    assert await stage.ask() == 503
    assert (stage.fault.request_count, stage.other.request_count, stage.middle.calls) == (1, 0, 1)
    stage.middle.failing = False
    assert await stage.ask() == 200


async def test_another_model_of_the_same_provider_does_not_meet_it(stage):
    stage.middle.failing = True
    assert await stage.ask(model="small") == 200
    assert (stage.fault.request_count, stage.middle.calls) == (0, 0)


async def test_a_model_that_stands_in_the_path_alone_is_found_there(chain):
    target = choose(chain(), None).target
    middle = Middle(target, None, {}, engine_for)
    middle.failing = True
    assert middle.place(target.provider, call(target.provider, "/models/small:generateContent")) is None
    middle.place(target.provider, call(target.provider, "/models/large:generateContent"))
    assert middle.calls == 1


ANTHROPIC = Dialect.ANTHROPIC_MESSAGES
HOSTS = [
    (Dialect.OPENAI_CHAT, "/chat/completions", "/v1/chat/completions"),
    (Dialect.OPENAI_CHAT, "/responses", "/v1/responses"),
    (Dialect.OPENAI_CHAT, "/deployments/x/chat/completions?api-version=1", "/v1/chat/completions"),
    (Dialect.OPENAI_RESPONSES, "/responses", "/v1/responses"),
    (ANTHROPIC, "/messages", "/v1/messages"),
    (ANTHROPIC, "/publishers/anthropic/models/c:streamRawPredict", "/v1/messages"),
    (Dialect.GEMINI, "/models/g:generateContent", "/v1beta/models/g:generateContent"),
    (Dialect.GEMINI, "/models/g:streamGenerateContent?alt=sse", "/v1beta/models/g:streamGenerateContent?alt=sse"),
    (Dialect.GEMINI, "/publishers/google/models/g:generateContent", "/v1beta/models/g:generateContent"),
]


@pytest.mark.parametrize(("dialect", "path", "heard"), HOSTS)
async def test_a_hosts_own_paths_become_the_dialects(dialect, path, heard):
    provider = Provider("alpha", dialect, "https://alpha.example/base")
    async with ScriptedProvider("alpha", dialect) as place:
        made = readdressed(call(provider, path, max_tokens=5), provider, place)
        assert made.url == place.url + heard


async def test_what_a_host_keeps_elsewhere_is_added_for_a_scripted_provider():
    """Vertex has Anthropic's model in the path and the version in the body."""
    provider = Provider("alpha", ANTHROPIC, "https://alpha.example/base")
    asked = call(provider, "/models/c:rawPredict", max_tokens=5, messages=[{"role": "user", "content": "Hi"}])
    async with ScriptedProvider("alpha", ANTHROPIC) as place:
        engine = engine_for("native", Provider("alpha", ANTHROPIC, place.base_url))
        answer = await engine.send(readdressed(asked, provider, place))
        assert answer.status == 200
        await answer.read(100_000)
        await engine.close()


async def test_a_header_that_is_there_is_not_added_again():
    provider = Provider("alpha", ANTHROPIC, "https://alpha.example/v1")
    async with ScriptedProvider("alpha", ANTHROPIC) as place:
        made = readdressed(call(provider, "/messages", [("Anthropic-Version", "2023-06-01")]), provider, place)
    assert made.headers == [("Anthropic-Version", "2023-06-01")]


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "x-goog-api-key", "api-key", "X-Own-Key"])
@pytest.mark.parametrize("dialect", [Dialect.OPENAI_CHAT, ANTHROPIC, Dialect.GEMINI])
async def test_a_scripted_provider_is_given_no_key(dialect, header):
    """Whichever header carries it: a real one has no business outside the real call."""
    provider = Provider("alpha", dialect, "https://alpha.example/v1")
    async with ScriptedProvider("alpha", dialect) as place:
        made = readdressed(call(provider, headers=[(header, "sk-canary-77"), ("accept", "*/*")]), provider, place)
    assert "canary" not in str(made)
    assert ("accept", "*/*") in made.headers
