"""The Gemini dialect of a scripted provider: its paths, its answers, and streams that add up to them."""

import httpx2
import orjson
import pytest

from proxy.drill import gemini_voice
from proxy.drill.gemini_ears import continuation, signature
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import overloaded_event, pauses, status
from proxy.drill.speech import Question, Tool, speak
from translators.ir import Dialect

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": SCHEMA}, {"name": "clock"}]}]
MODEL = "gemini-3.6-flash"


async def ask(method, body, *, script=None, model=MODEL, headers=(("x-goog-api-key", "k"),), query=""):
    async with (
        ScriptedProvider("delta", Dialect.GEMINI, script) as provider,
        httpx2.AsyncClient(trust_env=False) as http,
    ):
        url = f"{provider.base_url}/models/{model}:{method}{query}"
        return await http.post(url, json=body, headers=dict(headers))


def said(text, **more):
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def answers(stream):
    assert stream.count("\r\n\r\n") == stream.count("data: ") == stream.count("\n") // 2, "lines end in CR LF"
    return [orjson.loads(event.removeprefix("data: ")) for event in stream.split("\r\n\r\n") if event]


ASKED = [
    said("how are you"),
    said("both in parallel", tools=TOOLS),
    said("think", generationConfig={"thinkingConfig": {"includeThoughts": True}}),
    said("think", generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}}, tools=TOOLS),
    said("a long story", generationConfig={"maxOutputTokens": 2}),
]


@pytest.mark.parametrize("model", [MODEL, "gemini-2.5-pro"])
@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_a_stream_adds_up_to_the_unary_answer(asked, model):
    if model == "gemini-2.5-pro" and "thinkingLevel" in str(asked):
        pytest.skip("older models have no levels")
    unary = (await ask("generateContent", asked, model=model)).json()
    whole = answers((await ask("streamGenerateContent", asked, model=model, query="?alt=sse")).text)
    parts = [part for one in whole for part in one["candidates"][0]["content"].get("parts", ())]
    for kind in (True, False):
        texts = [
            "".join(part.get("text", "") for part in told if part.get("thought", False) is kind)
            for told in (parts, unary["candidates"][0]["content"]["parts"])
        ]
        assert texts[0] == texts[1]
    calls = [part for part in unary["candidates"][0]["content"]["parts"] if "functionCall" in part]
    assert [part for part in parts if "functionCall" in part] == calls
    assert whole[-1]["candidates"][0]["finishReason"] == unary["candidates"][0]["finishReason"]
    assert whole[-1]["usageMetadata"] == unary["usageMetadata"]
    assert all("finishReason" not in one["candidates"][0] for one in whole[:-1])


async def test_the_first_of_parallel_calls_is_signed_and_all_have_ids():
    parts = (await ask("generateContent", ASKED[1])).json()["candidates"][0]["content"]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [signature("delta", parts[0]), None]
    assert len({part["functionCall"]["id"] for part in parts}) == 2


async def test_older_models_give_neither_ids_nor_signatures():
    parts = (await ask("generateContent", ASKED[1], model="gemini-2.5-pro")).json()["candidates"][0]["content"]["parts"]
    assert [set(part) | set(part["functionCall"]) for part in parts] == [{"functionCall", "name", "args"}] * 2


def test_usage_keeps_thoughts_apart():
    question = Question("k", "delta", MODEL, stream=False, text="x", heard=8, reasoning="hidden")
    reply = speak(question)
    used = orjson.loads(gemini_voice.body(question, reply))["usageMetadata"]
    assert used.pop("totalTokenCount") == sum(used.values())
    assert used["thoughtsTokenCount"] == reply.reasoning_tokens > 0


def test_several_candidates_have_their_index():
    question = Question("k", "delta", "gemini-2.5-pro", stream=True, text="x", heard=1, n=2)
    told = orjson.loads(gemini_voice.body(question, speak(question)))["candidates"]
    assert [one["index"] for one in told] == [0, 1]


def test_a_call_comes_whole_and_then_an_empty_finish():
    question = Question("k", "delta", MODEL, stream=True, text="x", heard=1, tools=(Tool("weather", SCHEMA),))
    events = gemini_voice.events(question, speak(question))
    assert [event.kind for event in events] == ["delta", "finish"]
    assert orjson.loads(events[-1].data[6:])["candidates"][0]["content"] == {}


async def test_without_a_key_nothing_is_answered():
    for method, body in (("generateContent", said("x")), ("batchEmbedContents", {"requests": []})):
        answer = await ask(method, body, headers=())
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
        assert "API key not valid" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "query"), [("streamGenerateContent", ""), ("countTokens", ""), ("x/y:generateContent", "")]
)
async def test_other_paths_are_unknown(method, query):
    assert (await ask(method, said("x"), query=query)).status_code == 404


async def test_a_refusal_is_in_googles_shape():
    answer = await ask("generateContent", {**said("x"), "max_tokens": 1})
    assert answer.json()["error"]["code"] == answer.status_code == 400


async def test_an_error_within_a_stream_is_an_event():
    answer = await ask("streamGenerateContent", said("x y"), script=overloaded_event(after=1), query="?alt=sse")
    assert answers(answer.text)[-1]["error"]["status"] == "UNAVAILABLE"


async def test_faults_are_in_googles_shape():
    answer = await ask("generateContent", said("x"), script=status(429))
    assert (answer.status_code, answer.json()["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")


async def test_inputs_are_embedded_one_by_one():
    one = {"model": f"models/{MODEL}", "content": {"parts": [{"text": "a"}]}, "outputDimensionality": 4}
    told = (await ask("batchEmbedContents", {"requests": [one, one]})).json()
    assert [len(vector["values"]) for vector in told["embeddings"]] == [4, 4]


async def test_models_are_listed():
    async with ScriptedProvider("delta", Dialect.GEMINI) as provider, httpx2.AsyncClient(trust_env=False) as http:
        listed = (await http.get(f"{provider.base_url}/models")).json()["models"]
        assert [one["name"] for one in listed] == ["models/demo-large", "models/demo-embed"]
        assert (await http.get(f"{provider.base_url}/models/demo-large")).json() == listed[0]
        assert (await http.get(f"{provider.base_url}/models/other")).status_code == 404


@pytest.mark.parametrize(("method", "query"), [("generateContent", ""), ("streamGenerateContent", "?alt=sse")])
async def test_an_answer_that_pauses_ends_with_a_token_for_the_rest(method, query):
    answer = await ask(method, said("long"), script=pauses(1), query=query)
    last = answers(answer.text)[-1] if query else answer.json()
    (candidate,) = last["candidates"]
    assert (candidate["finishReason"], candidate["continuationToken"]) == ("CONTINUATION", continuation("delta"))
    going_on = await ask(method, said("long", continuationToken=continuation("delta")), query=query)
    assert going_on.status_code == 200 and "CONTINUATION" not in going_on.text
