"""A real process takes another configuration while it serves: what follows, what stays, and what is refused."""

import asyncio
import gc
import os
import pty
import signal
import sys
import weakref
from hashlib import sha256
from itertools import cycle

import orjson
import pytest

from proxy.app import build
from proxy.cli import main
from proxy.config.values import Config, ModelRoute, Provider, ServerSettings, Step
from proxy.drill import script
from proxy.drill.load import once
from proxy.drill.provider import ScriptedProvider
from proxy.server import serving as running
from tests.e2e.process import ASKING, ENTRY, PATIENCE_S, ROOT, Stream, models, provider, serving
from translators.ir import Dialect

STORM = 50
BREAKER = "[breaker]\nconsecutive_failures = 1\n[retry]\nattempts_per_target = 1"


@pytest.fixture
def file(tmp_path, alpha, beta):
    path = tmp_path / "config.toml"
    path.write_text(text(alpha, beta))
    return path


def text(*providers, chain="alpha/demo-large beta/demo-claude", more=""):
    return "\n".join([more, *map(provider, providers), models(m=chain)])


async def served_by(process, **headers):
    return (await process.ask(**headers)).headers.get("x-sidestep-provider")


class Load:
    """Eight clients that ask all the time. An answer that is lost is an error of the test."""

    def __init__(self, process):
        self.seen = set()
        self._process = process
        self._count = 0
        self._over = False
        self._news = asyncio.Event()
        self._tasks = [asyncio.create_task(self._ask()) for _ in range(8)]

    async def _ask(self):
        while not self._over:
            answer = await self._process.ask()
            assert answer.status == 200
            self.seen.add(answer.headers["x-sidestep-provider"])
            self._count += 1
            self._news.set()

    async def more(self, answers):
        """Once so many more have come."""
        wanted = self._count + answers
        while self._count < wanted and not any(task.done() for task in self._tasks):
            self._news.clear()
            await self._news.wait()

    async def end(self):
        self._over = True
        await asyncio.gather(*self._tasks)


async def test_new_requests_follow_and_those_under_way_end_as_they_began(file, alpha, beta):
    """The provider that is gone finishes what it began; then its target and its connections are gone as well."""
    async with serving(file) as process:
        alpha.script = script.hold(after=2)
        open_ones = [await Stream.begun(process, dialect) for dialect in ASKING]
        told = await process.reloaded(text(beta, chain="beta/demo-claude"))
        assert (told["trigger"], told["applied"], told["errors"], told["warnings"]) == ("signal", True, [], [])
        assert told["source"] == str(file)
        assert await served_by(process) == "beta"
        state = await process.state()
        assert [target["target"] for target in state["targets"]] == ["alpha/demo-large", "beta/demo-claude"]
        assert state["in_flight_before_reload"] == len(ASKING)
        assert {**state["reload"], "at": ""} == {"at": "", **{key: told[key] for key in state["reload"] if key != "at"}}
        alpha.release()
        for one in open_ones:
            await one.end()
            assert one.complete
        await alpha.wait_until(lambda: alpha.open_connections == 0)
        assert [target["target"] for target in (await process.state())["targets"]] == ["beta/demo-claude"]


async def test_what_was_learned_survives_and_unchanged_providers_keep_their_connections(file, alpha, beta):
    file.write_text(text(alpha, beta, more=BREAKER))
    async with serving(file) as process:
        alpha.script = script.status(500)
        assert await served_by(process) == "beta"
        before, connection = await process.state(), set(beta._connections)
        assert before["targets"][0]["breaker"]["state"] == "OPEN"
        counted = (await process.page("/metrics")).count(b'sidestep_requests_total{code="",model="demo-claude"')
        await process.reloaded(text(alpha, beta, more=f"{BREAKER}\n[timeouts]\nprogress_s = 7"))
        alpha.script = script.ok()
        assert await served_by(process) == "beta", "alpha's breaker is as open as it was"
        after = await process.state()
        assert after["targets"][0]["breaker"]["state"] == "OPEN"
        assert (await process.page("/metrics")).count(b'sidestep_requests_total{code="",model="demo-claude"') == counted
        assert alpha.request_count == 1
        assert beta._connections == connection, "the second request went over the first one's connection"


async def test_what_is_under_way_is_settled_in_the_ledger_that_goes_on(file, alpha, beta, tmp_path):
    """A stream that began before the reload, by the price that it began with; what was spent before stays spent."""
    prices = "\n".join(
        f'[prices."{one}"]\ninput = 0\noutput = {{output}}' for one in ("alpha/demo-large", "beta/demo-claude")
    )
    ledger = f'[ledger]\nurl = "sqlite:///{tmp_path / "ledger.db"}"'
    budget = '[[budgets]]\nname = "all"\nunit = "usd"\namount = 9\nwindow = "month"'

    def at(output):
        return text(alpha, beta, more="\n".join([budget, prices.format(output=output), ledger]))

    file.write_text(at(1))
    async with serving(file) as process:
        first = await process.ask()
        alpha.script = script.hold(after=2)
        under_way = await Stream.begun(process, "chat")
        assert (await process.reloaded(at(3)))["applied"] is True
        alpha.script = script.ok()
        last = await process.ask()
        alpha.release()
        await under_way.end()
        assert under_way.complete
        costs = [float(one.headers["x-sidestep-cost-usd"]) for one in (first, last)]
        assert costs[1] == pytest.approx(3 * costs[0]) != 0
        streamed = (await process.told("exchange", 3))["cost_usd"]
        assert streamed == pytest.approx(costs[0])
        [told] = orjson.loads(await process.page("/budgets"))["budgets"]
        assert float(told["spent"]) == pytest.approx(streamed + sum(costs))


async def test_who_made_a_stored_answer_is_still_known(tmp_path):
    """Without that nobody could tell which of the two to ask for the rest of the conversation."""
    one = ScriptedProvider("one", Dialect.OPENAI_RESPONSES)
    two = ScriptedProvider("two", Dialect.OPENAI_RESPONSES)
    async with one, two:
        chain = text(one, two, chain="one/demo-large two/demo-large")
        (tmp_path / "config.toml").write_text(chain)
        async with serving(tmp_path / "config.toml") as process:
            path, body = "/responses", {"model": "m", "input": "a"}
            first = orjson.loads((await once(process.url, path, body)).body)
            await process.reloaded(f"{chain}\n[timeouts]\nidle_s = 9")
            assert (await once(process.url, path, body | {"previous_response_id": first["id"]})).status == 200
            assert (await once(process.url, path, body | {"previous_response_id": "resp_unknown"})).status == 400


async def test_nothing_is_left_of_a_configuration_that_is_done_with(alpha):
    """However often it is reloaded."""
    config = Config(
        {"alpha": Provider("alpha", alpha.dialect, alpha.base_url)},
        {"m": ModelRoute("m", (Step("alpha", "x"),))},
        server=ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0"),
    )
    async with running(config, build) as proxy:
        first = weakref.ref(proxy.app._serving.router)
        assert (await once(f"{proxy.data_url}/v1", "/models")).status == 200
        for _ in range(3):
            await proxy.adopt(config)
        async with asyncio.timeout(PATIENCE_S):
            while proxy._retiring:
                await asyncio.wait(proxy._retiring)
        gc.collect()
        assert first() is None
        assert len(proxy.app._living) == 1


async def test_an_invalid_file_changes_nothing_and_every_error_is_told_as_check_tells_it(file, alpha, beta, capsys):
    async with serving(file) as process:
        wrong = text(alpha, chain="alpha/demo-large gone/x", more="[server]\ndrain_s = -1\nlistn = 4")
        told = await process.reloaded(wrong)
        assert await asyncio.to_thread(main, ["check", "--config", str(file)]) == 1
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 3
        assert [f"sidestep: {error}" for error in told["errors"]] == lines
        assert (told["level"], told["applied"]) == ("error", False)
        assert await served_by(process) == "alpha"
        assert (await process.state())["reload"]["errors"] == told["errors"]
        assert await process.metric("sidestep_config_reload_success") == 0
        told = await process.reloaded(text(beta, chain="beta/demo-claude"))
        assert told["applied"]
        assert await served_by(process) == "beta"
        assert await process.metric("sidestep_config_reload_success") == 1


async def test_clients_and_admin_tokens_follow_and_what_only_a_new_start_changes_is_told(file, beta):
    async with serving(file) as process:
        digest = sha256(b"sk-new").hexdigest()
        more = f"""
            [server]
            engine = "httpx2"
            [clients.app]
            key_sha256 = ["{digest}"]
            [admin]
            token_sha256 = ["{digest}"]"""
        told = await process.reloaded(text(beta, chain="beta/demo-claude", more=more))
        assert told["applied"]
        assert told["warnings"] == [f"{file}: server.engine: stays native until a new start"]
        assert (await process.ask()).status == 401
        assert await served_by(process, authorization="Bearer sk-new") == "beta"
        assert b"invalid_api_key" in await process.page("/state")


async def test_a_watched_file_is_followed_through_its_links(file, alpha, beta, tmp_path):
    """As Kubernetes updates a volume: a link to a folder is switched, and the file's own name never changes."""
    for name, chain in (("one", "alpha/demo-large"), ("two", "beta/demo-claude")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").write_text(text(alpha, beta, chain=chain, more="[server]\nwatch = true"))
        os.utime(tmp_path / name / "config.toml", (1e9, 1e9))
    (tmp_path / "data").symlink_to("one")
    file.unlink()
    file.symlink_to("data/config.toml")
    async with serving(file) as process:
        assert await served_by(process) == "alpha"
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").replace(tmp_path / "data")
        told = await process.told("reload")
        assert (told["trigger"], told["applied"]) == ("watch", True)
        assert await served_by(process) == "beta"


async def test_a_storm_of_reloads_under_load_costs_no_client_anything(file, alpha, beta):
    """Providers come and go with every one of them, and nobody's answer is lost."""
    ways = cycle([text(alpha, beta), text(beta, chain="beta/demo-claude"), text(alpha, chain="alpha/demo-large")])
    async with serving(file) as process, asyncio.timeout(PATIENCE_S):
        alpha.script = script.hold(after=2)
        streams = [await Stream.begun(process, dialect) for dialect in ASKING]
        alpha.script = script.ok()
        load = Load(process)
        for _ in range(STORM):
            process.write(next(ways))
            process.signal()
            await load.more(8)
        process.write(text(beta, chain="beta/demo-claude"))
        process.signal()
        while await served_by(process) != "beta":
            pass
        await load.end()
        alpha.release()
        for stream in streams:
            await stream.end()
            assert stream.complete
        assert load.seen == {"alpha", "beta"}
        await alpha.wait_until(lambda: alpha.open_connections == 0)
        state = await process.state()
        assert (state["in_flight"], state["in_flight_before_reload"]) == (0, 0)
        assert [target["target"] for target in state["targets"]] == ["beta/demo-claude"]
        process.signal(signal.SIGTERM)
        assert await process.ended() == 0
    reloads = [line["applied"] for line in process.log if line["event"] == "reload"]
    assert all(reloads)
    assert len(reloads) >= STORM / 5, "signals that come while one is read are answered by one more"
    assert {line["status"] for line in process.log if line["event"] == "exchange"} == {200}


async def told_without_a_file(*words, **env):
    """What the log says when a process that has no configuration file is asked to reload."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ENTRY, "serve", "--port", "0", "--admin", "127.0.0.1:0", *words),
        env={"PYTHONPATH": str(ROOT), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_S):
        while b"try:" not in await child.stderr.readline():
            pass
        child.send_signal(signal.SIGHUP)
        line = await child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        assert await child.wait() == 0
    return line.decode()


async def test_without_a_file_a_reload_says_that_there_is_nothing_to_read():
    demo, environment = await asyncio.gather(
        told_without_a_file("--demo-without-keys"), told_without_a_file(OPENAI_API_KEY="sk-canary")
    )
    assert "these are scripted providers" in demo
    assert "no configuration file is in use" in environment
    assert "canary" not in environment


async def test_a_process_whose_terminal_has_gone_ends(file):
    """Nobody could end it any more with a key, and its port would stay taken."""
    controller, terminal = pty.openpty()
    takes = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", takes + ENTRY, "serve", "--config", str(file)),
        *("--port", "0", "--admin", "127.0.0.1:0"),
        env={"PYTHONPATH": str(ROOT)},
        stdin=terminal,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    os.close(terminal)
    async with asyncio.timeout(PATIENCE_S):
        while b"try:" not in await child.stderr.readline():
            pass
        os.close(controller)
        assert await child.wait() == 0
