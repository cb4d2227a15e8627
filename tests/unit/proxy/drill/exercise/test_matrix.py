"""The table of all faults."""

import pytest
from msgspec import structs

from proxy.drill.exercise.choice import choose
from proxy.drill.exercise.judging import judge
from proxy.drill.exercise.matrix import Cell, matrix, opening, table
from proxy.drill.exercise.menu import CASES
from proxy.drill.exercise.pace import pace
from tests import virtual


@pytest.fixture
def cell(seen, outcome):
    def made(fault, kind, *during, calls=10, **more):
        exercise = seen(during or [outcome(12.0)], fault=fault, marks=[(11.0, "X"), (24.0, ".")], calls=calls, **more)
        return Cell(CASES[fault], kind, exercise, judge(exercise))

    return made


def test_a_row_is_a_fault_for_whole_answers_and_for_streams(cell, outcome):
    told = [outcome(11.0, "told", by="alpha/large", kind="stream"), outcome(12.0)]
    cells = [
        cell("503", "unary"),
        cell("503", "stream", outcome(12.0, "error")),
        cell("cut", "unary"),
        cell("cut", "stream", *told),
    ]
    assert list(table(cells)) == [
        "fault     whole answers                      streams",
        "503       held, 0 errors, +0 ms p99          NOT held, 1 errors",
        "cut       held, 0 errors, +0 ms p99          held, 0 errors, 1 told, +0 ms p99",
        "why: 503, stream: 1 client error though another target is in the chain: status 503: no",
        "the chain held in 3 of 4",
    ]


def test_what_will_be_done_is_said_first_and_its_cost_is_that_of_all(chain):
    choice = choose(chain(), None)
    paces = [pace(choice.target, case, rate=10, seconds=1.5, offline=False) for case in CASES.values()]
    lines = list(opening(choice, paces, source="my.toml", offline=False))
    assert lines[0] == "alpha/large fails in 13 ways, each for 1.5 s or until it shows"
    assert lines[1] == "chain gpt: alpha/large -> beta/claude, configured by my.toml"
    assert f"at most {2 * sum(one.most_requests for one in paces)} requests" in lines[-1]


def test_what_to_change_for_the_clients_is_said_with_the_cell_it_is_for(cell, outcome):
    bad = cell("stall", "stream", structs.replace(outcome(12.0, "error"), left=True))
    bad = structs.replace(bad, found=structs.replace(bad.found, change="set this to that"))
    assert list(table([bad]))[-2:] == ["change: stall, stream: set this to that", "the chain held in 0 of 1"]


def test_what_the_clients_do_is_said_once_for_all(chain):
    choice = choose(chain(), None)
    paces = [pace(choice.target, case, rate=10, seconds=1.5, offline=True, client_s=20) for case in CASES.values()]
    lines = list(opening(choice, paces, source="my.toml", offline=True))
    assert sum(line.startswith("clients: they leave when nothing has come for 20 s") for line in lines) == 1
    assert sum("the client's 20 -> 1, " in line for line in lines) == 1


def test_each_cell_has_a_proxy_of_its_own_and_its_place(starting, chain):
    """Side by side, so that the breaker of one would be seen by the others."""
    cases, config = [CASES["auth"], CASES["slow"]], chain()
    choice = choose(config, None)

    async def all_of_them():
        clock = virtual.VirtualClock()
        start = starting(clock)
        return await matrix(start, config, choice, rate=1, seconds=20, offline=True, clock=clock, cases=cases)

    cells = virtual.played(all_of_them())
    assert [(cell.case.name, cell.kind) for cell in cells] == [
        ("auth", "unary"),
        ("auth", "stream"),
        ("slow", "unary"),
        ("slow", "stream"),
    ]
    assert [cell.found.why for cell in cells] == [()] * 4
    assert all(set(cell.found.served) == {"alpha/large"} for cell in cells[2:])
    assert cells[0].found.calls >= 1
