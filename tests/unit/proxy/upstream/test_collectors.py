"""Which collector a configuration's spans go to, and what is counted when another one takes its place."""

import asyncio

import pytest

from proxy.config.hidden import Secret
from proxy.config.values import Config, ServerSettings, TelemetrySettings
from proxy.upstream import collectors as module
from proxy.upstream.collectors import Collectors
from proxy.upstream.seam import Unreachable

ONE = TelemetrySettings("https://one.test/v1/traces", {"api-key": Secret("k")}, {"service.name": "a"})
SAME = TelemetrySettings("https://one.test/v1/traces", {"api-key": Secret("k")}, {"service.name": "a"})
OTHERS = [
    TelemetrySettings("https://two.test/v1/traces", {"api-key": Secret("k")}, {"service.name": "a"}),
    TelemetrySettings("https://one.test/v1/traces", {"api-key": Secret("l")}, {"service.name": "a"}),
    TelemetrySettings("https://one.test/v1/traces", {"api-key": Secret("k")}, {"service.name": "a"}, ratio=0.5),
]
SPAN = b"\x12\x05\x2a\x03abc"


class Lab:
    """Its engines reach nobody, and answer only while `open`."""

    def __init__(self):
        self.closed, self.warned, self.kinds = 0, [], []
        self.open = asyncio.Event()
        self.open.set()
        self.it = Collectors(self, lambda why, so_far: self.warned.append(so_far))

    def engine_for(self, kind, provider, *, connections):
        self.kinds.append((kind, provider.base_url, connections))
        return self

    def made(self, settings, before=None):
        return self.it.collector_for(Config({}, {}, telemetry=settings), before)

    def now(self):
        return 1000.0

    def wall(self):
        return 1.7e9

    def uniform(self):
        return 0.0

    async def sleep(self, seconds):
        pass

    async def send(self, call):
        await self.open.wait()
        raise Unreachable("connection refused")

    async def close(self):
        self.closed += 1


@pytest.fixture
async def lab(monkeypatch):
    made = Lab()
    monkeypatch.setattr(module, "engine_for", made.engine_for)
    return made


async def test_without_an_address_there_is_none(lab):
    assert lab.made(TelemetrySettings()) is None
    assert lab.made(TelemetrySettings(), lab.made(ONE)) is None


async def test_it_is_kept_for_as_long_as_its_settings_are_the_same(lab):
    first = lab.made(ONE)
    assert lab.made(SAME, first) is first
    assert all(lab.made(other, first) not in (None, first) for other in OTHERS)


async def test_its_connection_is_its_own_and_of_the_configured_kind(lab):
    lab.it.collector_for(Config({}, {}, telemetry=ONE, server=ServerSettings(engine="httpx2")), None)
    assert lab.kinds == [("httpx2", ONE.otlp, 1)]


async def test_it_begins_once_however_often_it_is_adopted(lab):
    first = lab.made(ONE)
    lab.it.open(first)
    task = first._task
    lab.it.open(first)
    assert first._task is task
    lab.it.end(first)
    await lab.it.close()


async def test_losses_stay_counted_when_their_collector_has_ended(lab):
    for settings in (ONE, *OTHERS):
        one = lab.made(settings)
        lab.it.open(one)
        one.take([SPAN, SPAN])
        lab.it.end(one)
    lab.it.end(None)
    await lab.it.close()
    assert (lab.it.dropped, lab.closed) == (8, 4)
    assert lab.warned == [2, 4, 6, 8], "each tells how many were lost in all"


async def test_an_end_waits_for_nothing_and_closing_waits_for_every_end(lab):
    lab.open.clear()
    first = lab.made(ONE)
    lab.it.open(first)
    first.take([SPAN])
    lab.it.end(first)
    closing = asyncio.create_task(lab.it.close())
    while not first._ending.is_set():
        await asyncio.wait([closing], timeout=0)
    assert not closing.done()
    lab.open.set()
    await closing
    assert lab.closed == 1
