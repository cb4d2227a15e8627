"""A provider may send anything: the client gets the next provider's answer, or a clear error that quotes nothing."""

import httpx2
import orjson
import pytest

from proxy.drill import script

HELLO = {"messages": [{"role": "user", "content": "hello"}]}
RUDE = {
    "html": script.html(200),
    "html 502": script.html(502),
    "half a json": script.half_json(),
    "invalid event": script.invalid_event(),
    "invalid utf-8": script.invalid_utf8(),
    "endless headers": script.endless_headers(),
    "wrong content type": script.wrong_content_type(),
    "error in 200": script.error_in_200(),
    "redirect": script.redirect(),
    "gzip bomb": script.gzip_bomb(),
    "cut in headers": script.cut_in_headers(),
    "reset": script.cut_before_headers(reset=True),
}
LENIENT_UNARY = {"wrong content type"}
"""A unary body that reads as an answer is one, whatever its label."""


async def ask(world, model: str, *, stream: bool) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        return await client.post(world.url + "/chat/completions", json=HELLO | {"model": model, "stream": stream})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", RUDE)
async def test_garbage_from_the_primary_fails_over(world, name, stream):
    world.alpha.script = RUDE[name]
    answer = await ask(world, "duo", stream=stream)
    assert answer.status_code == 200
    served = "alpha" if name in LENIENT_UNARY and not stream else "beta"
    assert answer.headers["x-sidestep-provider"] == served


@pytest.mark.parametrize("name", RUDE)
@pytest.mark.parametrize("model", ["solo", "claude"])
async def test_garbage_from_the_only_target_is_a_clear_error_and_nothing_leaks(world, name, model):
    world.alpha.script = world.beta.script = RUDE[name]
    answer = await ask(world, model, stream=True)
    error = answer.json()["error"]
    assert answer.status_code in (502, 503), error
    assert error["code"] in ("upstream_invalid_response", "all_targets_failed", "overloaded")
    for leak in ("<html", "canary", "sk-", "Traceback", "not json", "127.0.0.1:9/"):
        assert leak not in answer.text
    world.reset()
    assert (await ask(world, model, stream=True)).status_code == 200, "the proxy goes on"


@pytest.mark.parametrize("model", ["solo", "claude"])
async def test_the_same_finish_said_twice_leaves_the_answer_whole(world, model):
    """Some vendors repeat it; a second, different one is a fault, which the dialects' own tests show."""
    world.alpha.script = world.beta.script = script.duplicate_finish()
    answer = await ask(world, model, stream=True)
    assert text_of(answer.text).endswith("hello")
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_one_byte_segments_give_the_same_answer(world):
    whole = (await ask(world, "solo", stream=True)).text
    world.alpha.script = script.trickle()
    trickled = (await ask(world, "solo", stream=True)).text
    assert text_of(trickled) == text_of(whole) != ""


def text_of(stream: str) -> str:
    chunks = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: {")]
    return "".join(
        choice["delta"].get("content") or "" for chunk in map(orjson.loads, chunks) for choice in chunk["choices"]
    )


async def test_a_ten_megabyte_event_does_not_pass(world):
    world.alpha.script = script.big_event()
    answer = await ask(world, "duo", stream=True)
    assert answer.headers["x-sidestep-provider"] == "beta"


@pytest.mark.parametrize(("vendor", "status"), [("insufficient_quota", 429), (None, 401)])
async def test_a_billing_or_key_error_is_ours_and_its_text_stays_here(world, vendor, status):
    world.alpha.script = script.status(status, vendor, message="Your card ending 4242 was declined; key sk-abc")
    answer = await ask(world, "solo", stream=False)
    assert answer.status_code == 503
    assert "4242" not in answer.text and "sk-abc" not in answer.text
