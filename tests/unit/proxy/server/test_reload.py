"""When a reload is made, and how its outcome is told."""

import asyncio
import os
from contextlib import asynccontextmanager

import pytest

from proxy.clock import SystemClock
from proxy.config.followed import Followed
from proxy.server import reload
from proxy.server.reload import Reloader
from tests.unit.proxy.edge.loopback import SOON, Log, hello, served

FILE = (
    '[providers.a]\ndialect = "openai-chat"\nbase_url = "https://a.test/v1"\nkeys = []\n[models.m]\nchain = ["a/x"]\n'
)
WATCHING = FILE + "[server]\nwatch = true\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def followed(file):
    one = Followed(str(file), {})
    one.load()
    return one


class Scene:
    """A proxy, what asks it to reload, and what it says of it."""

    def __init__(self, running, log):
        self.running = running
        self.asked = asyncio.Event()
        self._log = log
        self._seen = 0

    def ask(self):
        self.asked.set()

    async def told(self):
        """The log's next line about a reload."""
        async with asyncio.timeout(SOON):
            while True:
                self.running.app.writer.flush()
                lines = [line for line in self._log.lines() if line["event"] == "reload"]
                if len(lines) > self._seen:
                    self._seen += 1
                    return lines[self._seen - 1]
                await asyncio.to_thread(os.sched_yield)


@asynccontextmanager
async def reloading(followed, **server):
    log = Log()
    async with served(hello, log=log, **server) as running:
        scene = Scene(running, log)
        task = asyncio.create_task(Reloader(running, followed, scene.asked, SystemClock()).run())
        try:
            yield scene
        finally:
            task.cancel()


async def test_what_was_applied_is_told_in_the_log_the_state_and_the_metrics(followed, file):
    async with reloading(followed) as scene:
        assert scene.running.state()["reload"] is None
        file.write_text(FILE.replace("a/x", "a/y"))
        scene.ask()
        line = await scene.told()
        assert {key: line[key] for key in ("level", "trigger", "applied", "errors", "source")} == {
            "level": "info",
            "trigger": "signal",
            "applied": True,
            "errors": [],
            "source": str(file),
        }
        state = scene.running.state()["reload"]
        assert (state["trigger"], state["applied"], list(state["errors"])) == ("signal", True, [])
        applied, at = scene.running.app.metrics.configured
        assert applied
        assert at == pytest.approx(state["at"].timestamp(), abs=1e-3)
        assert scene.running.config.models["m"].chain[0].model == "y"


async def test_an_operators_reload_takes_keys_back_into_use_whatever_the_file_says(followed):
    async with reloading(followed) as scene:
        scene.ask()
        await scene.told()
        assert scene.running.app.freed == 1


async def test_a_reload_that_is_refused_takes_none_back(followed, file):
    async with reloading(followed) as scene:
        file.write_text("wrong = 1\n" + FILE)
        scene.ask()
        await scene.told()
        assert scene.running.app.freed == 0


async def test_a_budget_of_dollars_over_a_target_without_a_price_is_told(followed, file):
    async with reloading(followed) as scene:
        file.write_text(
            FILE + '[ledger]\nurl = "memory:"\n[[budgets]]\nname = "day"\nunit = "usd"\namount = 5\nwindow = "day"\n'
        )
        scene.ask()
        line = await scene.told()
        assert line["applied"]
        assert any("no price is known for a/x" in warning and 'budget "day"' in warning for warning in line["warnings"])


async def test_what_was_refused_is_told_with_every_error_and_the_next_one_is_tried_anew(followed, file):
    async with reloading(followed) as scene:
        before = scene.running.config
        file.write_text("wrong = 1\n" + FILE)
        scene.ask()
        line = await scene.told()
        assert (line["level"], line["applied"], line["warnings"]) == ("error", False, [])
        (error,) = line["errors"]
        assert error.startswith(f"{file}: wrong: is not a known key")
        assert scene.running.config is before
        assert scene.running.app.metrics.configured[0] is False
        file.write_text(FILE)
        scene.ask()
        assert (await scene.told())["applied"]
        assert scene.running.app.metrics.configured[0] is True


async def test_a_fault_of_ours_ends_neither_what_serves_nor_later_reloads(followed, file, monkeypatch):
    """It is told by type and place, never by its text, which may quote a file."""

    def reread(current):
        monkeypatch.undo()
        raise LookupError("sk-canary")

    async with reloading(followed) as scene:
        monkeypatch.setattr(followed, "reload", reread)
        scene.ask()
        line = await scene.told()
        (error,) = line["errors"]
        assert error.startswith("internal error: LookupError at ")
        assert "canary" not in str(line)
        scene.ask()
        assert (await scene.told())["applied"]


async def test_whoever_asks_during_a_reload_gets_another_one(followed, monkeypatch):
    """The file may have changed since it was read."""
    reread = followed.reload
    loop = asyncio.get_running_loop()
    async with reloading(followed) as scene:

        def slowly(current):
            monkeypatch.undo()
            loop.call_soon_threadsafe(scene.ask)
            loop.call_soon_threadsafe(scene.ask)
            return reread(current)

        monkeypatch.setattr(followed, "reload", slowly)
        scene.ask()
        assert (await scene.told())["applied"]
        assert (await scene.told())["applied"]


async def test_a_process_without_a_configuration_says_that_it_has_none():
    """And its metrics raise no alarm."""
    async with reloading(None) as scene:
        scene.ask()
        line = await scene.told()
        assert (line["level"], line["applied"], line["errors"]) == ("warning", False, [reload.NOTHING])
        assert scene.running.app.metrics.configured[0] is True
        assert scene.running.state()["reload"] is None


async def test_a_file_is_looked_at_only_where_it_is_watched(followed, file, monkeypatch):
    """A reload may turn the watching on, and off again."""
    monkeypatch.setattr(reload, "LOOK_S", 0.01)
    async with reloading(followed) as scene:
        file.write_text(WATCHING)
        scene.ask()
        assert (await scene.told())["trigger"] == "signal"
        file.write_text(WATCHING.replace("a/x", "a/y"))
        assert (await scene.told())["trigger"] == "watch"
        assert scene.running.app.freed == 1, "a file is no operator who has paid"
        file.write_text(FILE)
        assert (await scene.told())["trigger"] == "watch"
        looked = []
        monkeypatch.setattr(followed, "changed", lambda: looked.append(1))
        scene.ask()
        assert (await scene.told())["trigger"] == "signal"
        assert looked == []
