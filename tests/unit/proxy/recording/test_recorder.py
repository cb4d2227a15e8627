"""The filter notes what is asked of models, and what it cannot write is counted and told once."""

import asyncio

import orjson
import pytest
from anyio.lowlevel import checkpoint

from proxy.config.values import Provider, RecordSettings
from proxy.flow import Exchange
from proxy.recording import recorder as module
from proxy.recording.recorder import FULL, TOO_LONG, Recorder
from proxy.recording.tape import TAPE, Room
from proxy.recording.taping import TapingEngine
from translators.catalog import codec
from translators.faults import Fault, Kind
from translators.ir import Dialect


class Clock:
    def now(self):
        return 5.0

    def wall(self):
        return 1_800_000_000.0


class Out:
    started = False

    async def answer(self, status, headers, body):
        self.started = True


def exchange(route="chat", body=b'{"model": "m"}', **more):
    async def read():
        return body

    return Exchange(
        id="req_1", route=route, method="POST", path="/v1/chat/completions",
        headers={"authorization": "Bearer canary-key", "accept": "*/*"}, read=read, peer="", out=Out(),
        codec=codec(Dialect.OPENAI_CHAT), started=4.0, **more,
    )  # fmt: skip


@pytest.fixture
def lab(tmp_path):
    class Lab:
        def __init__(self):
            self.told = []
            self.path = tmp_path / "exchanges.jsonl"
            self.before = {}

        def recorder(self, path=None, size=1 << 20):
            settings = RecordSettings(str(path or self.path), size)
            return Recorder(settings, Clock(), lambda: self.before, self.told.append)

        def lines(self):
            return [orjson.loads(line) for line in self.path.read_bytes().splitlines()]

    return Lab()


async def serve(one):
    await one.read()
    assert TAPE.get() is not None
    one.status = 200
    await one.out.answer(200, [("content-type", "application/json")], b"{}")


async def settled(recorder):
    await recorder.close()
    await checkpoint()
    await checkpoint()


async def test_an_exchange_is_written_once_it_has_ended(lab):
    lab.before = {"targets": [{"target": "a/b"}]}
    recorder = lab.recorder()
    recorder.open()
    await recorder(exchange(), serve)
    assert TAPE.get() is None
    await settled(recorder)
    [line] = lab.lines()
    assert (line["id"], line["status"], line["response_body"], line["at"], line["ms"]) == (
        "req_1", 200, "{}", 1_800_000_000.0, 1000.0,
    )  # fmt: skip
    assert line["before"] == lab.before
    assert line["request_headers"] == {"accept": "*/*"}
    assert (lab.told, recorder.dropped, recorder._room.held) == ([], 0, 0)


async def test_an_exchange_that_raises_is_written_and_goes_on_raising(lab):
    async def fail(one):
        await one.read()
        one.fault = Fault(kind=Kind.SERVER, message="m", code="c")
        raise ValueError("own")

    recorder = lab.recorder()
    recorder.open()
    with pytest.raises(ValueError, match="own"):
        await recorder(exchange(), fail)
    await settled(recorder)
    assert [(line["kind"], line["code"]) for line in lab.lines()] == [("server", "c")]


async def test_who_left_is_written_with_the_moment_and_a_deadline_is_not(lab):
    async def leave(one):
        await one.read()

    recorder = lab.recorder()
    recorder.open()
    await recorder(exchange(cancelled=Fault(kind=Kind.CANCELLED, message="left")), leave)
    await recorder(exchange(cancelled=Fault(kind=Kind.DEADLINE, message="late")), leave)
    await settled(recorder)
    assert [line.get("stopped", {}).get("message") for line in lab.lines()] == ["left", None]
    assert lab.lines()[0]["stopped"]["ms"] == 1000.0


async def test_what_is_asked_of_no_model_or_was_never_read_is_not_recorded(lab):
    async def plain(one):
        assert TAPE.get() is None
        assert isinstance(one.out, Out)

    async def refused(one):
        """Nobody reads its body."""

    recorder = lab.recorder()
    recorder.open()
    await recorder(exchange("passthrough"), plain)
    await recorder(exchange("models"), plain)
    await recorder(exchange(), refused)
    await settled(recorder)
    assert (lab.path.read_bytes(), recorder._room.held, recorder.dropped) == (b"", 0, 0)


async def test_without_room_in_memory_the_exchange_is_served_and_lost(lab):
    recorder = lab.recorder()
    recorder._room = Room(5000)
    recorder.open()
    one = exchange(body=b"x" * 2000)
    await recorder(one, serve)
    await recorder(exchange(body=b"x" * 2000), serve)
    assert (one.status, recorder.dropped, lab.told) == (200, 2, [FULL])
    await recorder(exchange(), serve)
    await settled(recorder)
    assert [line["lost"] for line in lab.lines()] == [2]


async def test_a_line_longer_than_the_file_may_be_is_lost(lab):
    recorder = lab.recorder(size=2000)
    recorder.open()
    await recorder(exchange(body=b"x" * 2000), serve)
    await settled(recorder)
    assert (recorder.dropped, lab.told) == (1, [TOO_LONG])


async def test_a_file_that_cannot_be_written_is_told_at_once_and_once(lab, tmp_path):
    recorder = lab.recorder(tmp_path / "nowhere" / "x")
    recorder.open()
    recorder.open()
    await recorder(exchange(), serve)
    await recorder(exchange(), serve)
    await settled(recorder)
    assert recorder.dropped == 2
    assert [f"{tmp_path}/nowhere/x: no such file or directory"] == lab.told


async def test_what_works_again_is_told_again_when_it_fails(lab, tmp_path):
    place = tmp_path / "later"
    recorder = lab.recorder(place / "x")
    recorder.open()
    await recorder(exchange(), serve)
    await settled(recorder)
    place.mkdir()
    await asyncio.to_thread(recorder._attempt, None)
    await checkpoint()
    assert recorder._trouble == ""
    recorder._lost("else")
    assert len(lab.told) == 2
    recorder._file.close()


async def test_an_exchange_that_cannot_be_told_does_not_end_the_recording(lab, monkeypatch):
    recorder = lab.recorder()
    recorder.open()
    with monkeypatch.context() as patched:
        patched.setattr(module, "line_of", lambda *_, **__: 1 / 0)
        await recorder(exchange(), serve)
        recorder._queue.put(None)
        await asyncio.to_thread(recorder._thread.join)
    await checkpoint()
    assert lab.told == ["internal error: ZeroDivisionError; please report it"]
    assert (recorder.dropped, recorder._room.held) == (1, 0)


async def test_one_that_was_never_opened_closes_at_once(lab):
    await lab.recorder().close()


def test_engines_are_listened_to(lab):
    engine = lab.recorder().engine(Provider("a", Dialect.OPENAI_CHAT, "https://a.test"), object())
    assert isinstance(engine, TapingEngine)
