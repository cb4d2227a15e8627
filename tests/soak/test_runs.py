"""The long runs, for some seconds: their parts, and that a whole one finds nothing where nothing is wrong."""

import json
from itertools import islice
from random import Random  # noqa: TID251 - seeded

import pytest

from proxy.config.load import load as load_config
from proxy.drill import script as scripts
from proxy.drill.load import Answered
from proxy.drill.provider import ScriptedProvider
from tests.soak import __main__ as command
from tests.soak import overload, soak, weather
from tests.soak.clients import Clients, asked, judged, mix
from tests.soak.load import PLAIN, Tally, closed, steady
from tests.soak.providers import played
from tests.soak.world import QUICK, config
from translators.ir import Dialect


def answered(status=200, body=b"{}", **headers):
    one = Answered()
    one.status, one.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
    one.pieces = [(0.0, body)]
    return one


TAKES_TIME = {"growth of memory", "memory in use, from rest to rest", "drift of the p99"}
"""What a soak of seconds can say nothing of."""
SHED = {"retry_after": "1", "x_should_retry": "true"}
CHAT = asked("http://h/v1", "chat", "m")
STREAM = asked("http://h/v1", "chat", "m", stream=True)


@pytest.mark.parametrize(
    ("one", "answer", "end"),
    [
        (CHAT, answered(), "ok"),
        (CHAT, answered(body=b"{"), "short"),
        (STREAM, answered(body=b"data: {}\n\ndata: [DONE]\n\n"), "ok"),
        (STREAM, answered(body=b"data: {}\n\n"), "short"),
        (STREAM, answered(body=b'data: {"error": {}}\n\n'), "told"),
        (CHAT, answered(503, b'{"code": "overloaded"}', **SHED), "shed"),
        (CHAT, answered(529, b'{"type": "overloaded_error"}', **SHED), "shed"),
        (CHAT, answered(503, b'{"code": "overloaded"}'), "error"),
        (CHAT, answered(503, b'{"code": "no_target_available"}', **SHED), "error"),
        (CHAT, answered(500), "error"),
    ],
)
def test_an_answer_is_judged_as_its_client_would(one, answer, end):
    assert judged(one, answer).end == end


@pytest.mark.parametrize(
    ("told", "first"), [("a/b;ok;200;5", True), ("a/b;server;503;1, c/d;ok;200;5", False), ("", False)]
)
def test_whether_the_first_call_did_it_is_read_from_the_answer(told, first):
    assert judged(CHAT, answered(x_sidestep_attempts=told)).first_try is first


@pytest.mark.parametrize(
    ("script", "end"),
    [
        (scripts.ok(), "ok"),
        (scripts.cut(1), "told"),
        (scripts.truncated(), "short"),
        (scripts.status(500), "error"),
        (scripts.cut_before_headers(), "error"),
    ],
)
async def test_what_a_socket_brings_has_its_end(script, end):
    async with ScriptedProvider("a", Dialect.OPENAI_CHAT, script) as provider:
        clients = Clients(provider.base_url)
        found = await clients.ask(asked(provider.base_url, "chat", "m", stream=True))
        clients.close()
    assert found.end == end


@pytest.mark.parametrize("manner", ["slow reader", "slow sender"])
async def test_slow_clients_get_their_answers(manner, monkeypatch):
    monkeypatch.setattr("tests.soak.clients.READ_PAUSE_S", 0.01)
    monkeypatch.setattr("tests.soak.clients.SEND_PAUSE_S", 0.01)
    async with ScriptedProvider("a", Dialect.OPENAI_CHAT) as provider:
        clients = Clients(provider.base_url)
        found = await clients.ask(asked(provider.base_url, "chat", "m", stream=True), manner)
        clients.close()
    assert (found.end, found.manner) == ("ok", manner)


async def test_a_client_that_leaves_hangs_up():
    async with ScriptedProvider("a", Dialect.OPENAI_CHAT, scripts.silence()) as provider:
        clients = Clients(provider.base_url)
        found = await clients.ask(asked(provider.base_url, "chat", "m"), "leaves", Random(1))
        await provider.wait_for_cancelled(1)
    assert found.end == "left"


async def test_a_steady_load_sends_what_falls_due_and_counts_what_it_could_not():
    async with ScriptedProvider("a", Dialect.OPENAI_CHAT) as provider:
        clients, one = Clients(provider.base_url), asked(provider.base_url, "chat", "m")
        tally, crowded = Tally(), Tally()
        await steady(clients, [one], lambda: 400.0, 0.25, tally, chance=Random(1), manners=PLAIN)
        await steady(clients, [one], lambda: 400.0, 0.05, crowded, chance=Random(1), manners=PLAIN, most=0)
        clients.close()
    assert sum(tally.ends.values()) == tally.ends["ok"] == provider.request_count > 10
    assert crowded.unsent


async def test_a_closed_load_keeps_its_workers_busy():
    async with ScriptedProvider("a", Dialect.OPENAI_CHAT) as provider:
        clients, tally = Clients(provider.base_url), Tally()
        await closed(clients, [asked(provider.base_url, "chat", "m")], 3, 0.2, tally)
        clients.close()
    assert tally.ends["ok"] >= 3
    assert provider.open_connections <= 3


def test_the_same_seed_is_the_same_weather():
    first, again, other = (
        [(spell.name, spell.seconds) for spell in islice(weather.spells(seed, "front-chat"), 50)] for seed in (1, 1, 2)
    )
    assert first == again != other
    assert {"calm", "now and then"} < {name for name, _ in first}


def test_every_fault_comes_in_time():
    met = {spell.name for spell in islice(weather.spells(1, "front-chat"), 2_000)}
    assert met == {"calm", "now and then", *weather.FAULTS}
    assert {name for name, script in weather.FAULTS.items() if script.refusing} == weather.SOLE


@pytest.mark.parametrize("more", [QUICK, *(scene.settings for scene in overload.SCENES)])
def test_the_configuration_under_test_is_one_the_proxy_loads(tmp_path, more):
    path = tmp_path / "soak.toml"
    urls = {name: f"http://127.0.0.1:{number}/v1" for number, name in enumerate(played(0), 1)}
    path.write_text(config(urls, "127.0.0.1:4600", "127.0.0.1:4601", more))
    loaded = load_config(str(path), {"BENCH_PROVIDER_KEY": "k"}).config
    wanted = {json.loads(one.request.partition(b"\r\n\r\n")[2])["model"] for one in mix("http://h/v1")}
    assert wanted == set(loaded.models) | set(loaded.embeddings)


def test_a_short_soak_of_a_real_process_breaks_no_claim_that_needs_no_time(monkeypatch, capsys):
    """No client sees an error, no answer is cut off in silence, and what was opened is closed again."""
    monkeypatch.setattr(soak, "CAPACITY_S", 0.6)
    monkeypatch.setattr(soak, "WORKERS", 16)
    monkeypatch.setattr(soak, "LOAD", 0.2)
    monkeypatch.setattr("proxy.drill.provider.WAIT_S", 5.0)
    command.main(["soak", "--minutes", "0.05", "--json"])
    told = json.loads(capsys.readouterr().out)
    held = {claim["name"]: claim["held"] for claim in told["claims"]}
    assert told["ends"]["ok"] > 5
    assert {name: held[name] for name in held if name not in TAKES_TIME} == {
        "errors that clients saw": True,
        "parts of answers that look whole": True,
        "open files, from rest to rest": True,
        "tasks, from rest to rest": True,
    }, told["why"]


def test_a_short_overload_of_a_real_process_sheds_as_it_says(monkeypatch, capsys):
    for name, seconds in (("PEAK_S", 0.8), ("CALM_S", 0.8), ("AFTER_S", 2.0)):
        monkeypatch.setattr(overload, name, seconds)
    command.main(["overload", "--minutes", "0.02", "--scene", "places", "--json"])
    told = json.loads(capsys.readouterr().out)
    over = told["scenes"][0]["overload"]["ends"]
    assert over["shed"]
    assert set(over) <= {"ok", "shed"}
