"""A real process records what its providers do to it; what it recorded is played again offline."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.clock import SystemClock
from proxy.drill import script
from proxy.drill.load import once
from proxy.replay.reading import read
from tests.e2e.process import ASKING, PATIENCE_S, Stream, models, provider, serving

KEY, CLIENT = "sk-canary-of-the-provider", "sk-canary-of-the-client"
QUICK = """
[breaker]
consecutive_failures = BEARABLE
[retry]
attempts_per_target = 2
base_s = 0.001
cap_s = 0.002
budget_min_per_s = 1000
[timeouts]
progress_s = 0.3
progress_unary_s = 0.3
idle_s = 0.3
"""
FAULTS = {
    "unavailable": script.status(503),
    "refused": script.status(400),
    "an error in a good answer": script.error_in_200(),
    "garbage": script.html(),
    "no JSON": script.half_json(),
    "no UTF-8": script.invalid_utf8(),
    "cut before its head": script.cut_before_headers(),
    "cut before its content": script.cut_before_commit(),
    "cut after its content": script.cut(after=1),
    "cut in an event": script.cut(after=1, in_event=True),
    "not ended": script.truncated(),
    "silent": script.silence(),
    "silent after its content": script.stall(),
    "not there": script.refuse(),
    "well": script.ok(),
    "throttled": script.status(429, retry_after=60),
}


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.write_text(KEY)
    return f'["file:{path}"]'


@pytest.fixture
def config(tmp_path, alpha, beta, key):
    """`config(chain, record)` writes the file and gives its path."""

    def write(chain="alpha/demo-large beta/demo-claude", *, name="config.toml", bearable=3, **record):
        told = "".join(f"{key} = {json.dumps(value)}\n" for key, value in record.items())
        blocks = [
            QUICK.replace("BEARABLE", str(bearable)),
            provider(alpha, keys=key),
            provider(beta, keys=key),
            models(m=chain),
        ]
        path = tmp_path / name
        path.write_text("\n".join([*blocks, f"[record]\n{told}" if told else ""]))
        return path

    return write


@pytest.fixture
def file(tmp_path):
    return tmp_path / "exchanges.jsonl"


async def asked(process, dialect="chat", *, stream=False, **more):
    """A request whose client says who it is, and that quotes what must not be kept."""
    path, body = ASKING[dialect]
    if stream:
        told = await Stream.begun(process, dialect)
        await told.end()
        return told
    return await once(process.url, path, body | {"model": "m"} | more, {"authorization": f"Bearer {CLIENT}"})


def size(path):
    """0 while one file takes the other's place."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


async def ended(process):
    process.signal(signal.SIGTERM)
    assert await process.ended() == 0


async def replayed(capsys, path, *files, code=0):
    """What `sidestep replay` prints; in a thread, for it has a loop of its own."""
    capsys.readouterr()
    got = await asyncio.to_thread(main, ["replay", *map(str, files), "--config", str(path)])
    told = capsys.readouterr()
    assert got == code, told
    return told


@pytest.mark.parametrize(
    ("texts", "dialects"), [(False, ["chat", "messages"]), (True, ["responses"])], ids=["blanked", "texts"]
)
async def test_whatever_a_provider_does_is_played_again_without_a_difference(
    config, file, alpha, capsys, texts, dialects
):
    path = config(file=str(file), texts=texts, bearable=1000)
    async with serving(path) as process:
        for fault in FAULTS.values():
            for dialect in dialects:
                alpha.script = fault
                await asked(process, dialect)
                await asked(process, dialect, stream=True)
        await ended(process)
    count = 2 * len(FAULTS) * len(dialects)
    lines = read([str(file)]).lines
    assert len(lines) == count
    assert {call.end for line in lines for call in line.calls} == {"whole", "failed", "closed"}
    assert (await replayed(capsys, path, file)).out == f"{count} exchanges: {count} the same, 0 different\n"


async def test_another_configuration_shows_what_it_would_have_done(config, file, alpha, capsys):
    alpha.script = script.status(503)
    async with serving(config(), str(file), command="record") as process:
        for _ in range(3):
            await asked(process)
        await ended(process)
    turned = config("beta/demo-claude alpha/demo-large", name="turned.toml")
    told = (await replayed(capsys, turned, file, code=1)).out
    assert (
        "  calls       alpha/demo-large, alpha/demo-large, beta/demo-claude\n           -> beta/demo-claude\n" in told
    )
    assert "  skipped     alpha/demo-large (its breaker is open)\n           -> none\n" in told
    assert told.endswith("3 exchanges: 0 the same, 3 different\n")
    alone = config("alpha/demo-large", name="alone.toml")
    assert "-> alpha/demo-large (not recorded)" in (await replayed(capsys, alone, file, code=1)).out


@pytest.mark.parametrize("texts", [False, True], ids=["blanked", "texts"])
async def test_no_key_is_ever_written_and_texts_only_where_they_are_asked_for(config, file, alpha, texts):
    """The provider says our key, the client's and what it was asked; it refuses, too."""
    alpha.script = script.status(401, message=f"no {KEY}").then(script.ok())
    async with serving(config(file=str(file), texts=texts)) as process:
        for _ in range(2):
            said = [{"role": "user", "content": f"Tell Bob of {KEY} and {CLIENT}"}]
            await asked(process, messages=said, user="bob@example.test")
        await ended(process)
    written = file.read_text()
    assert "canary" not in written
    assert ("Bob" in written, "bob@" in written) == (texts, texts)
    assert file.stat().st_mode & 0o777 == 0o600


async def test_the_disk_it_takes_is_bounded_and_the_newest_is_kept(config, file):
    path = config(file=str(file), bytes=65536, texts=True)
    earlier = Path(f"{file}.1")
    async with serving(path) as process:
        for place in range(60):
            said = [{"role": "user", "content": f"request {place} {'x' * 1000}"}]
            await asked(process, messages=said)
            assert size(file) + size(earlier) <= 65536
        await ended(process)
    kept = read([str(earlier), str(file)]).lines
    assert 5 < len(kept) < 60
    assert [line.request_body["messages"][0]["content"].split()[1] for line in kept] == [
        str(place) for place in range(60 - len(kept), 60)
    ]


async def test_what_a_killed_process_leaves_can_be_played(config, file, alpha, capsys):
    path = config(file=str(file))
    async with serving(path) as process:
        for _ in range(3):
            await asked(process)
        alpha.script = script.hold(after=1)
        await Stream.begun(process, "chat")
        async with asyncio.timeout(PATIENCE_S):
            while not file.exists() or file.read_bytes().count(b"\n") < 3:
                await SystemClock().sleep(0.01)
        process.signal(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL
    assert (await replayed(capsys, path, file)).out == "3 exchanges: 3 the same, 0 different\n"
    file.write_bytes(file.read_bytes()[:-200])
    told = await replayed(capsys, path, file)
    assert told.out == "2 exchanges: 2 the same, 0 different\n"
    assert told.err == f"sidestep: {file}:3: the line breaks off; the exchange is passed over\n"
    alpha.script = script.ok()
    async with serving(path) as process:  # which adds to what is there
        await asked(process)
        await ended(process)
    told = await replayed(capsys, path, file)
    assert told.out == "3 exchanges: 3 the same, 0 different\n"
    assert f"{file}:3: the line breaks off" in told.err


async def test_a_file_that_cannot_be_written_keeps_nobody_from_serving(config, tmp_path):
    async with serving(config(file=str(tmp_path / "nowhere" / "exchanges.jsonl"))) as process:
        told = await process.told("not_recorded")
        assert "no such file" in told["reason"]
        assert (await asked(process)).status == 200
        assert (await process.told("not_recorded", 1))["so_far"] == 0


async def test_a_reload_begins_and_ends_a_recording(config, file, capsys):
    path = config()
    async with serving(path) as process:
        await asked(process)
        assert (await process.reloaded(config(file=str(file)).read_text()))["applied"]
        await asked(process)
        await asked(process)
        assert (await process.reloaded(config().read_text()))["applied"]
        await asked(process)
        await ended(process)
    assert len(read([str(file)]).lines) == 2
    assert (await replayed(capsys, path, file)).out == "2 exchanges: 2 the same, 0 different\n"


async def test_a_recording_that_begins_in_the_middle_begins_where_breakers_stood(config, file, alpha, capsys):
    path = config()
    alpha.script = script.status(503)
    async with serving(path) as process:
        for _ in range(3):
            await asked(process)
        assert (await process.reloaded(config(file=str(file)).read_text()))["applied"]
        await asked(process)
        await ended(process)
    [line] = read([str(file)]).lines
    assert line.skipped == [("alpha/demo-large", "its breaker is open")]
    assert (await replayed(capsys, path, file)).out == "1 exchange: 1 the same, 0 different\n"
