"""Records of usage through a whole process: asked for, summed up, exported, queried, and never in a request's way."""

import asyncio
import csv
import io
import resource
import signal
import sqlite3
from contextlib import AsyncExitStack, closing
from urllib.request import urlopen

import orjson
import pytest

from proxy.cli import main
from proxy.config.spending import NANOS
from proxy.drill.provider import ScriptedProvider
from tests.e2e.process import models, provider, serving
from translators.ir import Dialect

PRICE = '[prices."alpha/demo-large"]\ninput = 3\noutput = "12.5"'


@pytest.fixture
async def written(tmp_path):
    """A configuration over a scripted provider, whose section `[ledger]` is given."""
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha:

        def write(ledger=f'[ledger]\nurl = "sqlite:///{tmp_path}/state/ledger.db"'):
            path = tmp_path / "config.toml"
            path.write_text("\n".join([provider(alpha), models(m="alpha/demo-large", n="alpha/other"), PRICE, ledger]))
            return path

        yield write


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def sidestep(capsys):
    """What a command prints."""

    async def run(config, *words):
        capsys.readouterr()
        code = await asyncio.to_thread(main, [*words, "--config", str(config)])
        told = capsys.readouterr()
        assert code == 0, told.err
        return told.out

    return run


def asked(url):
    with urlopen(url, timeout=10) as answer:
        return orjson.loads(answer.read())


def rows(ledger, query="SELECT * FROM usage_records ORDER BY at"):
    with closing(sqlite3.connect(ledger)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(query)]


async def kept(ledger, count):
    """All records, once there are so many."""

    def looked():
        return rows(ledger) if ledger.exists() else []

    async with asyncio.timeout(10):
        while len(found := await asyncio.to_thread(looked)) < count:
            pass
    return found


async def test_what_was_asked_is_summed_up_exported_and_found_by_reports(written, ledger, sidestep):
    config = written()
    async with serving(config) as process:
        for _ in range(3):
            assert (await process.ask()).status == 200
        assert (await process.ask("n")).status == 200
        assert (await process.ask("nobody's")).status == 404
        await kept(ledger, 5)
        page = await asyncio.to_thread(asked, f"{process.admin}/usage?by=model,provider&since=1h")
        process.signal(signal.SIGTERM)
        assert await process.ended() == 0
    records = await asyncio.to_thread(rows, ledger)
    large = [one for one in records if one["model"] == "demo-large"]
    [tokens] = {(one["input"], one["output"]) for one in large}
    each = tokens[0] * 3000 + tokens[1] * 12_500
    assert [one["cost"] for one in large] == [each] * 3
    assert [(one["outcome"], one["status"], one["code"]) for one in records if not one["provider"]] == [
        ("refused", 404, "model_not_found")
    ]

    told = orjson.loads(await sidestep(config, "usage", "--by", "model,provider", "--json"))
    assert told["rows"] == page["rows"]
    assert [(row["model"], row["requests"], row["ok"]) for row in told["rows"]] == [
        ("demo-large", 3, 3), ("nobody's", 1, 0), ("other", 1, 1),
    ]  # fmt: skip
    assert (told["all"]["requests"], told["all"]["unpriced"]) == (5, 1)
    assert "demo-large" in await sidestep(config, "usage", "--by", "model,day")

    table = list(csv.DictReader(io.StringIO(await sidestep(config, "usage", "export"))))
    lines = [
        orjson.loads(line) for line in (await sidestep(config, "usage", "export", "--format", "jsonl")).splitlines()
    ]
    assert [one["id"] for one in table] == [one["id"] for one in lines] == [one["id"] for one in records]
    cents = [
        int(whole) * NANOS + int(rest.ljust(9, "0"))
        for one in lines
        if one["cost_usd"]
        for whole, _, rest in [one["cost_usd"].partition(".")]
    ]
    assert sum(cents) == 3 * each

    [metric] = await asyncio.to_thread(
        rows, ledger, "SELECT DISTINCT model_name, cost_usd, success FROM model_performance_metrics WHERE cost_usd > 0"
    )
    assert metric == {"model_name": "demo-large", "cost_usd": each / NANOS, "success": 1}
    costs = await asyncio.to_thread(
        rows, ledger, "SELECT model_name, generation_count FROM model_cost_tracking WHERE total_cost_usd > 0"
    )
    assert costs == [{"model_name": "demo-large", "generation_count": 3}]


async def test_processes_of_one_machine_keep_theirs_in_one_file(written, ledger):
    config = written()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(serving(config, "--reuse-port"))
        port = first.url.removesuffix("/v1").rpartition(":")[2]
        second = await stack.enter_async_context(serving(config, "--reuse-port", ports=(port, "127.0.0.1:0")))
        answers = [await first.ask() for _ in range(40)]
        assert {one.status for one in answers} == {200}
        found = await kept(ledger, 40)
        assert {await process.metric("sidestep_usage_dropped_total") for process in (first, second)} == {0}
    assert len({one["id"] for one in found}) == 40


async def test_a_killed_process_leaves_a_file_that_can_be_read_and_goes_on_with(written, ledger, sidestep):
    """What the last quarter of a second brought may be gone, and nothing else."""
    config = written()
    async with serving(config) as process:
        for _ in range(3):
            assert (await process.ask()).status == 200
        await kept(ledger, 3)
        asking = asyncio.gather(*(process.ask() for _ in range(200)), return_exceptions=True)
        await kept(ledger, 20)
        process.signal(signal.SIGKILL)
        await process.ended()
        await asking
    assert await asyncio.to_thread(rows, ledger, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    before = len(await asyncio.to_thread(rows, ledger))
    assert (await sidestep(config, "usage", "export")).count("\n") == before + 1
    async with serving(config) as process:
        assert (await process.ask()).status == 200
        await kept(ledger, before + 1)


async def test_another_file_takes_over_by_a_reload_and_nothing_is_lost(written, ledger, tmp_path):
    config = written()
    async with serving(config) as process:
        assert (await process.ask()).status == 200
        text = config.read_text().replace("/state/ledger.db", "/state/other.db")
        assert (await process.reloaded(text))["applied"]
        assert (await process.ask()).status == 200
        await kept(tmp_path / "state" / "other.db", 1)
        await kept(ledger, 1)
        assert await process.metric("sidestep_usage_dropped_total") == 0


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
async def test_a_full_disk_loses_records_and_no_request(written, ledger):
    async with serving(written()) as process:
        assert (await process.ask()).status == 200
        await kept(ledger, 1)
        full = ledger.with_name("ledger.db-wal").stat().st_size
        resource.prlimit(process.child.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
        assert (await process.ask()).status == 200
        told = await process.told("usage_dropped")
        assert told["reason"].startswith(str(ledger))
        assert (told["level"], told["so_far"]) == ("warning", 1)
        assert await process.metric("sidestep_usage_dropped_total") == 1
        resource.prlimit(process.child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert (await process.ask()).status == 200
        await kept(ledger, 2)


async def test_a_place_that_cannot_be_used_is_told_at_the_start_and_keeps_nobody_from_serving(written, tmp_path):
    (tmp_path / "state").write_text("a file where a folder should be")
    async with serving(written()) as process:
        told = await process.told("usage_dropped")
        assert (told["so_far"], str(tmp_path / "state") in told["reason"]) == (0, True)
        assert (await process.ask()).status == 200
        async with asyncio.timeout(5):
            while await process.metric("sidestep_usage_dropped_total") < 1:
                pass


async def test_what_all_machines_did_is_read_from_redis_and_what_this_one_did_from_its_file(
    written, redis_server, sidestep, tmp_path
):
    config = written(f'[ledger]\nurl = "{redis_server.url}"\nfile = "{tmp_path}/here.db"')
    async with serving(config) as process:
        assert (await process.ask()).status == 200
        await kept(tmp_path / "here.db", 1)
        process.signal(signal.SIGTERM)
        assert await process.ended() == 0
    everywhere = orjson.loads(await sidestep(config, "usage", "--by", "model", "--json"))
    here = orjson.loads(await sidestep(config, "usage", "--by", "model", "--json", "--here"))
    assert everywhere["rows"] == here["rows"]
    assert [row["model"] for row in here["rows"]] == ["demo-large"]
    assert (everywhere["place"].split(",")[0], here["place"]) == (
        f"Redis at 127.0.0.1:{redis_server.port}", f"{tmp_path}/here.db",
    )  # fmt: skip
    assert await sidestep(config, "usage", "export") == await sidestep(config, "usage", "export", "--here")
