"""The parts of the benchmark that are not measuring: what it reads, what it writes, and that its load is honest."""

import asyncio
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from proxy.config.load import load as load_config
from proxy.drill import script as scripts
from proxy.drill.load import once
from proxy.drill.provider import ScriptedProvider
from proxy.selection.complexity import complexity
from tests.bench import (
    failover,
    figures,
    generator,
    instructions,
    load,
    machine,
    orders,
    pairs,
    provider,
    relay,
    report,
    selection,
    servers,
)
from translators.catalog import codec
from translators.ir import Dialect

OPENAI = Dialect.OPENAI_CHAT
HALF = report.Speed(0.5, 0.25)
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
    assert report.table(rows, HALF).splitlines()[2:] == [
        "| a | 1 |  |  |  |  |",
        "| b | 2 | < 3 | pass |  |  |",
        "| c | 4 | < 3 | **FAIL** |  |  |",
    ]


@pytest.mark.parametrize(
    ("bar", "absolute", "here"),
    [
        (report.Bar("rate", 8_000, 5_000, "&ge; {:,.0f}/s"), "&ge; 8,000/s | **FAIL**", "&ge; 4,000/s | pass"),
        (report.Bar("rate", 8_000, 3_999, "&ge; {:,.0f}/s"), "&ge; 8,000/s | **FAIL**", "&ge; 4,000/s | **FAIL**"),
        (report.Bar("rate", 8_000, 9_000, "&ge; {:,.0f}/s"), "&ge; 8,000/s | pass", "&ge; 4,000/s | pass"),
        (report.Bar("time", 0.3, 0.5, "&le; {:.1f} ms"), "&le; 0.3 ms | **FAIL**", "&le; 1.2 ms | pass"),
        (report.Bar("time", 0.3, 1.3, "&le; {:.1f} ms"), "&le; 0.3 ms | **FAIL**", "&le; 1.2 ms | **FAIL**"),
        (
            report.Bar("rate", 1, 2, "{:g}/s and more", also=False),
            "1/s and more | **FAIL**",
            "0.5/s and more | **FAIL**",
        ),
    ],
)
def test_a_bar_of_speed_is_told_as_it_is_and_at_this_machines_speed(bar, absolute, here):
    assert report.table([report.Row("a", "x", bar)], HALF).splitlines()[2] == f"| a | x | {absolute} | {here} |"


def test_the_absolute_bar_alone_decides_whether_a_run_failed():
    assert report.Row("a", "x", report.Bar("rate", 8_000, 5_000, "{}")).verdict is False
    told = "28,500 in a second here and 14,250 in a second of the processor, 0.50 and 0.25 of the 57,000"
    assert told in report.section([], ["m"], HALF)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("'--prefix=/usr/local' '--enable-optimizations' '--with-lto'", ", --enable-optimizations)"),
        ("'--prefix=/usr'", ", tells no --enable-optimizations)"),
        (None, ", tells no --enable-optimizations)"),
    ],
)
def test_the_interpreter_is_named_with_how_it_was_built(monkeypatch, settings, told):
    monkeypatch.setattr(machine.sysconfig, "get_config_var", {"CONFIG_ARGS": settings}.get)
    assert machine.interpreter().endswith(told)


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
    served = provider.scripts(1.0) | provider.pair_scripts()
    urls = {name: f"http{'s' * tls}://127.0.0.1:1/v1" for name, (_, _, tls) in served.items()}
    path = tmp_path / "bench.toml"
    path.write_text(servers.config(urls, certificate, engine, "127.0.0.1:4600", "127.0.0.1:4601"))
    config = load_config(str(path), {"BENCH_PROVIDER_KEY": "k"}).config
    assert config.server.engine == engine
    assert set(config.models) == set(urls)
    assert list(config.clients) == ["bench"]
    assert {one: config.providers[f"pair-{one}"].dialect for one in provider.SPOKEN} == provider.SPOKEN


def test_the_chains_of_the_failover_figure_are_ones_the_proxy_loads(tmp_path):
    """Each has a target that is well behind one that is not."""
    certificate, _ = servers.make_certificate(tmp_path)
    urls = dict.fromkeys(provider.scripts(1.0), "http://127.0.0.1:1/v1")
    path = tmp_path / "bench.toml"
    more = failover.chains(9, urls["failing"])
    path.write_text(servers.config(urls, certificate, "native", "127.0.0.1:4600", "127.0.0.1:4601") + more)
    models = load_config(str(path), {"BENCH_PROVIDER_KEY": "k"}).config.models
    chains = {name: [step.provider for step in models[name].chain] for name in ("past-open", "past-failing")}
    assert chains == {"past-open": ["dead", "unary"], "past-failing": ["lacking", "unary"]}


@pytest.mark.parametrize("name", [name for name, one in instructions.FIGURES.items() if one.more is not None])
def test_the_configurations_whose_instructions_are_counted_are_ones_the_proxy_loads(tmp_path, name):
    figure = instructions.FIGURES[name]
    urls = dict.fromkeys(instructions.PROVIDERS, "http://127.0.0.1:1/v1")
    path = tmp_path / "counted.toml"
    path.write_text(
        servers.config(urls, tmp_path, "native", "127.0.0.1:4600", "127.0.0.1:4601")
        + figure.more.replace("{folder}", str(tmp_path)).replace("{name}", name)
    )
    config = load_config(str(path), {"BENCH_PROVIDER_KEY": "k"}).config
    assert figure.model in {*config.models, *(["auto"] if config.selection.strategies else [])}
    assert (config.spending.ledger.url != "") == ("usage" in name or "budgets" in name)
    assert (len(config.spending.budgets) > 0) == ("budgets" in name)


def test_instructions_are_read_from_callgrinds_profile():
    assert instructions.total("events: Ir\nfn=(1) main\n1 5\ntotals: 524717181\n") == 524_717_181
    with pytest.raises(ValueError, match="no total"):
        instructions.total("events: Ir\n")


async def test_as_many_are_asked_as_are_counted_and_an_answer_that_is_none_is_no_measurement():
    async with ScriptedProvider("a", OPENAI, scripts.ok().times(7).then(scripts.status(500))) as upstream:
        endpoint = generator.Endpoint(f"{upstream.base_url}/chat/completions", load.body("m"))
        await instructions.asked(endpoint, 7, 3)
        assert upstream.request_count == 7
        with pytest.raises(RuntimeError, match="1 of 1 answers"):
            await instructions.asked(endpoint, 1, 1)
        endpoint.close()


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


async def test_open_streams_are_counted_whole_only_with_their_end():
    script = scripts.ok(deltas=4, every_s=0.01).times(3).then(scripts.truncated())
    async with ScriptedProvider("a", OPENAI, script) as upstream:
        url = f"{upstream.base_url}/chat/completions"
        told = await generator.streams(url, load.body("m", stream=True), "4", "0.01", "[DONE]")
    assert told["whole"] == 3
    assert told["longest_gap_s"] > 0.005
    assert told["pieces"] >= 4 * 4


@pytest.mark.parametrize("client", pairs.CLIENTS)
async def test_the_end_of_a_stream_is_known_in_every_dialect_of_clients(client):
    path, end = pairs.CLIENTS[client]
    dialect = {"responses": Dialect.OPENAI_RESPONSES, "messages": Dialect.ANTHROPIC_MESSAGES}.get(client, OPENAI)
    asked = pairs.question(client, "m", stream=True)
    headers = {"anthropic-version": "2023-06-01"}
    async with ScriptedProvider("a", dialect, scripts.ok(deltas=3)) as upstream:
        whole = await once(upstream.base_url, path, json.loads(asked), headers)
        upstream.script = scripts.truncated()
        broken = await once(upstream.base_url, path, json.loads(asked), headers)
    assert end.encode() in whole.body
    assert end.encode() not in broken.body


async def test_the_relay_hands_on_every_byte_both_ways():
    loop = asyncio.get_running_loop()
    async with ScriptedProvider("a", OPENAI, scripts.ok(deltas=3)) as upstream:
        server = await loop.create_server(lambda: relay.Front(urlsplit(upstream.url).port), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        asked = json.loads(load.body("m", stream=True))
        direct = await once(upstream.base_url, "/chat/completions", asked)
        async with asyncio.timeout(5):
            relayed = await once(f"http://127.0.0.1:{port}/v1", "/chat/completions", asked)
        server.close()
    assert relayed.body == direct.body
    assert relayed.headers == direct.headers


class Spending:
    """A process that has used so many seconds of the processor each time it is asked."""

    def __init__(self, *seconds):
        self._seconds = iter(seconds)

    def cpu_s(self):
        return next(self._seconds)


def spent(monkeypatch, rounds=1, **told):
    chunks = pairs.STREAMS * provider.CHUNKS
    answer = json.dumps({"whole": pairs.STREAMS, "pieces": chunks, **told})
    monkeypatch.setattr(pairs, "run", lambda *_: answer)
    return pairs._spent(Spending(1.0, 1.0 + rounds * chunks * 50e-6), "http://p", "{}", "end", rounds)


@pytest.mark.parametrize("rounds", [1, 2])
def test_what_a_chunk_costs_is_processor_time_over_all_chunks(monkeypatch, rounds):
    assert str(spent(monkeypatch, rounds)) == "50 us"


def test_chunks_that_came_together_are_told_and_no_measurement_where_they_were_the_rule(monkeypatch):
    chunks = pairs.STREAMS * provider.CHUNKS
    assert str(spent(monkeypatch, pieces=chunks // 1.25)) == "50 us, 1.2 chunks a read"
    with pytest.raises(RuntimeError, match=r"2\.0 chunks came in a read"):
        spent(monkeypatch, pieces=chunks // 2)


def test_a_stream_that_was_not_whole_is_no_measurement(monkeypatch):
    with pytest.raises(RuntimeError, match="1 of 32 streams from http://p were not whole"):
        spent(monkeypatch, whole=pairs.STREAMS - 1)


def test_the_bare_server_counts_with_its_best_turn():
    bench = figures.Bench(
        folder=Path(),
        certificate=Path(),
        urls={},
        seconds=1,
        turns=1,
        latency_s=1,
        stream_s=1,
        counts=(),
        starts=1,
        pair_s=1,
        rounds=1,
        raws=[(3_000.0, 28_500.0), (5_700.0, 20_000.0), (4_000.0, 22_000.0)],
    )
    assert bench.speed() == report.Speed(0.1, 0.5)


@pytest.mark.parametrize("name", orders.ORDERINGS)
def test_every_order_is_measured_on_a_request_that_it_orders(name):
    assert orders.microseconds(orders.ORDERINGS[name], turns=1, calls=1) > 0


def test_the_score_is_measured_on_a_request_of_four_kilobytes_that_has_what_it_looks_for():
    assert 4_000 < len(json.dumps(selection.BODY, separators=(",", ":"))) < 4_300
    parts = dict(complexity(selection.BODY).parts)
    assert {"length", "code", "turns", "tools", "schema"} <= parts.keys()
    assert selection.score_us(turns=1, calls=1) > 0


@pytest.mark.parametrize("client", pairs.CLIENTS)
def test_the_questions_of_the_pairs_are_requests_of_their_dialect(client):
    dialect = {
        "chat": OPENAI,
        "responses": Dialect.OPENAI_RESPONSES,
        "messages": Dialect.ANTHROPIC_MESSAGES,
        "completions": Dialect.OPENAI_COMPLETIONS,
    }[client]
    for stream in (False, True):
        request = codec(dialect).parse_request(json.loads(pairs.question(client, "m", stream=stream)))
        assert (request.model, request.stream) == ("m", stream)


def test_the_questions_are_json_of_the_dialect():
    assert json.loads(load.body("m", stream=True))["stream"] is True
    assert "stream" not in json.loads(load.body("m"))
