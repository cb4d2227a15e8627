"""The parts of the benchmark that are not measuring: what it reads, what it writes, and that its load is honest."""

import json

import pytest

from proxy.config.load import load as load_config
from proxy.drill import script as scripts
from proxy.drill.provider import ScriptedProvider
from tests.bench import generator, load, provider, report, servers
from translators.ir import Dialect

OPENAI = Dialect.OPENAI_CHAT
WRK = """Running 1s test @ http://127.0.0.1:1/
  140719 requests in 4.00s, 95.82MB read
  Socket errors: connect 0, read 2, write 0, timeout 1
  Non-2xx or 3xx responses: 4
Requests/sec:  35174.21
"""


def test_wrks_report_gives_rate_and_errors():
    assert load.read_wrk(WRK) == load.Rate(35174.21, 7, "wrk")


def test_a_report_without_a_rate_is_an_error():
    with pytest.raises(ValueError, match="no rate"):
        load.read_wrk("unable to connect")


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 51.0), (0.99, 100.0), (1.0, 100.0)])
def test_percentiles_are_by_rank(share, value):
    assert report.percentile([float(one) for one in range(1, 101)], share) == value


def test_the_table_says_which_bars_were_missed():
    rows = [report.Row("a", "1"), report.Row("b", "2", "< 3", passed=True), report.Row("c", "4", "< 3", passed=False)]
    assert report.table(rows).splitlines()[2:] == [
        "| a | 1 |  |  |",
        "| b | 2 | < 3 | pass |",
        "| c | 4 | < 3 | **FAIL** |",
    ]


def test_writing_replaces_the_marked_section_and_nothing_else(tmp_path):
    path = tmp_path / "docs" / "performance.md"
    report.write(path, "first")
    path.write_text(path.read_text() + "\nWhat follows stays.\n")
    report.write(path, "second")
    text = path.read_text()
    assert text.startswith("# Performance\n")
    assert "first" not in text
    assert text.count(report.BEGIN) == 1
    assert "\nsecond\n" in text
    assert text.endswith("What follows stays.\n")


@pytest.mark.parametrize("engine", ["native", "httpx2"])
def test_the_configuration_under_test_is_one_the_proxy_loads(tmp_path, engine):
    certificate, _ = servers.make_certificate(tmp_path)
    urls = {name: f"http{'s' * tls}://127.0.0.1:1/v1" for name, (_, _, tls) in provider.scripts(1.0).items()}
    path = tmp_path / "bench.toml"
    path.write_text(servers.config(urls, certificate, engine, "127.0.0.1:4600", "127.0.0.1:4601"))
    config = load_config(str(path), {"BENCH_PROVIDER_KEY": "k"}).config
    assert config.server.engine == engine
    assert set(config.models) == set(urls)
    assert list(config.clients) == ["bench"]


async def test_closed_loop_load_counts_whole_answers_alone():
    async with ScriptedProvider("a", OPENAI, scripts.status(500).times(2).then(scripts.ok())) as upstream:
        told = await generator.closed(f"{upstream.base_url}/chat/completions", load.body("m"), "0.1", "2")
    assert told["errors"] == 2
    assert told["answers"] + told["errors"] == upstream.request_count


async def test_latency_is_measured_in_pairs_and_a_broken_answer_is_an_error(monkeypatch):
    monkeypatch.setattr(generator, "WARM_UP", 2)
    script = scripts.ok().times(20).then(scripts.cut()).then(scripts.ok())
    async with ScriptedProvider("a", OPENAI, script) as one, ScriptedProvider("b", OPENAI) as two:
        urls = [f"{each.base_url}/chat/completions" for each in (one, two)]
        body = load.body("m", stream=True)
        told = await generator.latency(urls[0], body, urls[1], body, "100", "0.3", '"content":"demo"')
    assert len(told["proxied"]) == len(told["direct"]) == 30
    assert told["errors"] == told["proxied"].count(None) == 1


async def test_open_streams_are_counted_whole_only_with_their_end(monkeypatch):
    monkeypatch.setattr(generator, "SPREAD_S", 0.01)
    script = scripts.ok(deltas=4, every_s=0.01).times(3).then(scripts.truncated())
    async with ScriptedProvider("a", OPENAI, script) as upstream:
        told = await generator.streams(f"{upstream.base_url}/chat/completions", load.body("m", stream=True), "4")
    assert told["whole"] == 3
    assert told["longest_gap_s"] > 0.005


def test_the_questions_are_json_of_the_dialect():
    assert json.loads(load.body("m", stream=True))["stream"] is True
    assert "stream" not in json.loads(load.body("m"))
