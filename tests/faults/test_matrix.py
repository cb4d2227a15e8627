"""Every fault, whole and streamed, in every state of the breaker, alone and with a second target, at every pair of
dialects: what the client gets, the calls that are made, the breaker, and that nothing is left behind.

Some 1,500 of the cells; `make matrix` plays all of them.
"""

import gc
import tracemalloc
from itertools import product

import pytest

from proxy.drill import script
from tests.faults import __main__ as whole
from tests.faults.asking import ASKED, ask
from tests.faults.cells import PAIRS, WAYS, every, spread
from tests.faults.expected import STATES, STATES_AFTER
from tests.faults.playing import Played
from tests.faults.rows import ROWS
from tests.faults.world import MODELS, SECOND, Cell

GROWTH_BYTES = 64 * 1024
"""What a round of a hundred exchanges may leave, as it is measured; an exchange that stayed would be ten times that."""
BOUNDED = {"late", "nothing but pings", "drip too slow", "10 MiB event", "content type"}
"""What a client that minds neither time nor size nor type would take as an answer, and Sidestep does not."""
ENDLESS = {"endless headers", "1-byte segments"}
"""Costly, and shown above."""
LARGE = ENDLESS | {"10 MiB event", "gzip bomb"}


@pytest.fixture(scope="module")
def played():
    with Played() as made:
        yield made


@pytest.mark.parametrize("fault", ROWS)
def test_a_fault_ends_as_the_specification_says_and_leaves_nothing_behind(played, fault):
    assert played.wrong(spread(fault)) == {}
    assert played.held().beyond(played.before) == {}


def test_what_is_played_here_meets_every_combination():
    cells = [cell for fault in ROWS for cell in spread(fault)]
    assert {(one.client, one.provider, *one[3:]) for one in cells} == {(*pair, *way) for pair in PAIRS for way in WAYS}
    for fault in ROWS:
        assert {one[1:3] for one in spread(fault)} == set(PAIRS)
        assert {one[3:] for one in spread(fault)} == set(WAYS)
    assert len(list(every("ok"))) == len(PAIRS) * len(WAYS)


@pytest.mark.parametrize("fault", sorted(set(ROWS) - BOUNDED - ENDLESS))
def test_a_provider_alone_is_never_worse_than_without_a_proxy(played, fault):
    """Whoever would be answered directly is answered, in any state of the breaker."""
    world = played.world

    async def direct(client, *, stream):
        world.forget()
        provider = world.providers[client]
        provider.script = ROWS[fault].script
        model = MODELS[client][2]
        headers = {"anthropic-version": "2023-06-01"}
        try:
            return await ask(
                provider.base_url, client, model, stream=stream, headers=headers, clock=world.clock, timeout_s=9
            )
        except (OSError, TimeoutError, ValueError, KeyError, TypeError):
            return None

    for client in ("chat", "responses", "messages"):
        for stream in (False, True):
            seen = played.runner.run(direct(client, stream=stream))
            if seen is None or seen.view != "whole":
                continue
            for state in ("open", "held back"):
                cell = Cell(fault, client, client, stream, state, alone=True)
                assert cell.wanted.view == "whole", cell
                assert played.wrong([cell]) == {}


@pytest.mark.parametrize("first", [script.status(500), script.cut_before_headers(), script.status(429), script.html()])
def test_alone_a_fault_that_a_second_try_mends_is_none(played, first):
    async def asked():
        world = played.world
        world.forget()
        world.providers["chat"].script = first.then(script.ok())
        return await ask(world.url, "chat", "chat", stream=True, headers={}, clock=world.clock)

    seen = played.runner.run(asked())
    assert (seen.view, seen.kinds[1:]) == ("whole", ("ok",))


@pytest.mark.parametrize("fault", sorted(ROWS))
def test_a_client_that_repeats_as_its_sdk_does_makes_six_calls_at_most(played, fault):
    """Two targets that both fail, asked as an SDK with its usual two retries asks: again unless it is told not to, each
    time with its count, and after the wait that it is told."""
    world = played.world

    async def asked():
        world.forget()
        for name in ("chat", SECOND):
            world.providers[name].script = ROWS[fault].script
        before = sum(one.request_count for one in world.providers.values())
        for count in range(3):
            headers = {"x-stainless-retry-count": str(count)}
            seen = await ask(world.url, "chat", "chat and second", stream=False, headers=headers, clock=world.clock)
            if seen.status < 400 or seen.headers.get("x-should-retry") == "false":
                break
            await world.clock.sleep(min(8.0, float(seen.headers.get("retry-after", 0.5 * 2**count))))
        return sum(one.request_count for one in world.providers.values()) - before

    assert played.runner.run(asked()) <= 6


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("window", ["blackhole", "silence after headers", "stall"])
def test_a_client_that_leaves_ends_the_call_at_once_and_says_nothing_of_the_provider(played, window, stream):
    """Before the answer, before its content and in the middle of it; a probe gives its place back."""
    for state, (client, provider) in product(STATES, PAIRS[::5]):
        cell = Cell(window, client, provider, stream, state, alone=True)
        told = "PROBE" if state == "open" and window == "stall" and stream else STATES_AFTER[state]
        assert played.runner.run(played.world.leaving(cell)) == (1, told), cell
        breaker = played.world.breaker(provider)
        assert breaker.next_admit(played.world.clock.now()) <= played.world.clock.now() or told == "OPEN", cell
    assert played.held().beyond(played.before) == {}


def test_no_memory_is_kept_of_what_failed(played):
    """Two rounds to fill what is kept on purpose, and then none may add to it. What a Responses client was answered is
    kept for an hour, within bounds of its own, and is left out."""
    pairs = [pair for pair in PAIRS if pair[0] != "responses"]
    cells = [
        Cell(fault, *pairs[at % len(pairs)], at % 2 == 0, "closed", alone=False)
        for at, fault in enumerate(ROWS)
        if fault not in LARGE
    ]
    sizes = []
    tracemalloc.start()
    try:
        for _ in range(4):
            assert played.wrong(cells) == {}
            assert played.held().beyond(played.before) == {}
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[3] - sizes[1] < GROWTH_BYTES, sizes


def test_when_all_is_closed_nothing_is_left_open():
    with Played() as made:
        outside = made.held()
        assert (
            made.wrong([Cell("cut", client, "chat", stream=True, state="closed", alone=True) for client in ASKED]) == {}
        )
        assert made.held().beyond(outside) == {}


@pytest.mark.parametrize(("wanted", "code"), [("expected", 0), ("something else", 1)])
def test_the_whole_matrix_says_what_is_wrong(monkeypatch, capsys, wanted, code):
    """As `make matrix` does, with a few cells for all of them."""
    if wanted != "expected":
        monkeypatch.setattr("tests.faults.world.STORY", wanted)
    monkeypatch.setattr(whole, "every", spread)
    assert bool(whole.play(["cut"])) is bool(code)
    told = capsys.readouterr().out
    assert f"{len(WAYS)} cells, " in told
    assert ("the text is" in told) is bool(code)
