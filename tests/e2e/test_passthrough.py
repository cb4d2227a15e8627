"""OpenAI's other paths, by its own SDK, through a real proxy to the one provider that has them."""

import asyncio
import hashlib
from pathlib import Path

import httpx2
import openai
import pytest

from proxy.config.values import LimitSettings, PassthroughSettings
from proxy.edge.client import Memory
from proxy.upstream.connection import Connection
from tests.e2e.shelf import FILE, KEY, SPEECH, a_shelf

MB = 1024 * 1024


@pytest.fixture(params=["native", "httpx2"])
async def world(request):
    async with a_shelf(request.param) as made:
        yield made


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.jsonl"
    path.write_bytes(b"0123456789abcdef" * (5 * MB // 16))
    return path


async def test_a_file_of_several_megabytes_is_uploaded_as_it_is(world, big):
    shelf, _, client = world
    created = await client.files.with_raw_response.create(file=big, purpose="batch")
    asked = shelf.asked[-1]
    assert created.parse().id == "file-1"
    assert (asked.method, asked.target) == ("POST", "/v1/files")
    boundary = asked.headers["content-type"].removeprefix("multipart/form-data; boundary=")
    assert asked.start.startswith(b"--" + boundary.encode())
    assert 5 * MB < asked.size < 5 * MB + 1000
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert created.headers["x-sidestep-provider"] == "shelf"
    assert created.headers["x-sidestep-attempts"].startswith("shelf/passthrough;ok;200;")


async def test_a_file_comes_back_byte_for_byte_with_its_length(world):
    _, _, client = world
    answer = await client.files.with_raw_response.content("file-1")
    assert answer.content == FILE
    assert answer.headers["content-length"] == str(len(FILE))
    assert answer.headers["content-disposition"] == 'attachment; filename="f"'


async def test_speech_is_streamed(world):
    _, _, client = world
    said = b""
    async with client.audio.speech.with_streaming_response.create(model="tts", voice="alloy", input="hi") as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        async for piece in answer.iter_bytes():
            said += piece
    assert said == SPEECH


async def test_moderations_images_and_the_files_own_methods_work(world):
    shelf, _, client = world
    assert (await client.moderations.create(input="hi")).results[0].flagged is False
    assert (await client.images.generate(prompt="a cat", model="i")).data[0].b64_json == "aGk="
    assert [one.id for one in (await client.files.list(limit=2)).data] == ["file-1"]
    assert shelf.asked[-1].target == "/v1/files?limit=2"
    assert (await client.files.delete("file-1")).deleted
    assert shelf.asked[-1].target == "/v1/files/file-1"
    assert shelf.connections == 1, "the connection serves again"


async def test_a_recording_is_written_down(world):
    shelf, _, client = world
    recording = ("talk.wav", bytes(range(256)) * 8000, "audio/wav")
    answer = await client.audio.transcriptions.create(file=recording, model="whisper", prompt="names", language="de")
    assert answer.text == f"{shelf.asked[-1].size} bytes" and shelf.asked[-1].size > 2_048_000
    assert b'name="language"\r\n\r\nde' in shelf.asked[-1].start


async def test_a_provider_that_dies_in_a_download_is_an_error_of_the_sdk_never_a_short_file(world):
    shelf, _, client = world

    async def script(asked):
        await asked.take()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: %d\r\n\r\n" % len(SPEECH)
        await asked.send(head + SPEECH[:1000])
        begun.set()
        await heard.wait()
        asked.reset()

    shelf.script, begun, heard = script, asyncio.Event(), asyncio.Event()
    heard.set()
    with pytest.raises((openai.APIConnectionError, httpx2.HTTPError)):
        await client.files.content("file-1")
    heard.clear()
    said = b""
    async with client.audio.speech.with_streaming_response.create(model="tts", voice="alloy", input="hi") as answer:
        heard.set()
        with pytest.raises((openai.APIConnectionError, httpx2.HTTPError)):
            said = await answer.read()
    assert said == b""


async def test_a_provider_that_dies_in_an_upload_is_a_status_and_it_is_not_sent_again(world, big):
    shelf, _, client = world

    async def script(asked):
        await asked.reader.readexactly(1000)
        asked.reset()

    shelf.script = script
    with pytest.raises(openai.InternalServerError) as caught:
        await client.files.create(file=big, purpose="batch")
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_invalid_response")
    assert len(shelf.asked) == 1


async def test_a_client_that_leaves_a_download_in_the_middle_takes_the_upstream_call_with_it(world):
    shelf, running, client = world
    left = asyncio.Event()

    async def script(asked):
        await asked.take()
        await asked.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n"
        )
        await asked.left()
        left.set()

    shelf.script = script
    async with client.audio.speech.with_streaming_response.create(model="tts", voice="alloy", input="hi") as answer:
        assert await anext(answer.iter_bytes(2)) == b"hi"
    async with asyncio.timeout(5):
        await left.wait()
        await running.edge.drained()
    assert running.app.state()["providers"]["shelf"][0]["in_flight"] == 0


async def test_an_upload_without_a_length_is_passed_on_without_one(world):
    shelf, _, client = world

    async def body():
        for _ in range(100):
            yield b"x" * 10_000

    answer = await client.post("/files", cast_to=object, content=body(), options={"headers": {"content-type": "a/b"}})
    assert answer["bytes"] == 1_000_000
    assert shelf.asked[-1].headers["transfer-encoding"] == "chunked"


async def test_a_hundred_megabytes_pass_through_a_few_pieces_of_memory(monkeypatch):
    held, unsent = [], []
    take, given = Memory.take, Connection._given

    def watched_take(memory, size):
        take(memory, size)
        held.append(memory.held)

    async def watched_given(connection, piece):
        wanted = await given(connection, piece)
        unsent.append(connection._transport.get_write_buffer_size())
        return wanted

    monkeypatch.setattr(Memory, "take", watched_take)
    monkeypatch.setattr(Connection, "_given", watched_given)
    piece = bytes(range(256)) * 256

    async def body():
        for _ in range(100 * 16):
            yield piece

    async with a_shelf() as (shelf, running, client):
        headers = {"content-type": "a/b", "content-length": str(100 * MB)}
        await client.post("/files", cast_to=object, content=body(), options={"headers": headers})
        assert shelf.asked[-1].size == 100 * MB
        assert shelf.asked[-1].digest == hashlib.sha256(piece * 1600).hexdigest()
        assert running.edge.buffered == 0
    assert 0 < max(held) <= 2 * MB
    assert max(unsent) <= MB


async def test_a_body_over_its_own_limit_is_refused_and_over_the_questions_limit_is_not():
    async with a_shelf(limits=LimitSettings(body_bytes=1024, passthrough_bytes=MB)) as (shelf, _, client):
        assert await client.post("/files", cast_to=object, content=b"x" * MB)
        for content in (b"x" * (MB + 1), _unmeasured()):
            with pytest.raises(openai.APIStatusError) as caught:
                await client.post("/files", cast_to=object, content=content)
            assert (caught.value.status_code, caught.value.code) == (413, "body_too_large")
        assert len(shelf.asked) == 2, "a length that is told is refused before anybody is asked"


async def _unmeasured():
    for _ in range(200):
        yield b"x" * 10_000


async def test_the_providers_refusal_passes_as_it_came(world):
    shelf, _, client = world

    async def script(asked):
        await asked.take()
        await asked.json({"error": {"message": "No such File", "type": "t", "param": "id", "code": "c"}}, 404)

    shelf.script = script
    with pytest.raises(openai.NotFoundError) as caught:
        await client.files.retrieve("file-9")
    error = caught.value
    assert error.body == {"message": "No such File", "type": "t", "param": "id", "code": "c"}
    assert error.response.headers["x-sidestep-attempts"].startswith("shelf/passthrough;refused;404;")


async def test_a_key_that_is_refused_is_not_told_as_the_clients(world):
    shelf, running, client = world

    async def script(asked):
        await asked.take()
        await asked.json({"error": {"message": "Incorrect API key: sk-sh...", "code": "invalid_api_key"}}, 401)

    shelf.script = script
    with pytest.raises(openai.InternalServerError) as caught:
        await client.files.list()
    assert (caught.value.status_code, caught.value.code) == (503, "upstream_auth_error")
    assert "sk-sh" not in caught.value.response.text
    assert running.app.state()["providers"]["shelf"][0]["off"] == "auth"


async def test_paths_that_are_not_named_are_not_passed():
    async with a_shelf(passthrough=PassthroughSettings("shelf", ("/v1/files/*",))) as (shelf, _, client):
        with pytest.raises(openai.NotFoundError) as caught:
            await client.moderations.create(input="hi")
        assert "[passthrough]" in caught.value.message
        assert shelf.asked == []
