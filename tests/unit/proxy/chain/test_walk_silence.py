"""A silent primary whose clients all leave it less time than the configuration does."""

import pytest

from translators.faults import Kind

PING = b": ping\n\n"
WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'
OPENED = [("alpha/large", "CLOSED", "OPEN")]


def silent(lab):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script[0] = "stall"
    return alpha


def opens_after(lab, alpha, **asked) -> int:
    """How many requests pay for it."""
    for _ in range(40):
        assert lab.ask(**asked).headers["x-sidestep-provider"] == "beta"
    assert lab.changes[:1] == OPENED
    return len([at for at in alpha.times if at < lab.opened_at])


@pytest.fixture
def lab(lab):
    tell = lab.registry._on_change

    def changed(name, before, after, *more):
        tell(name, before, after)
        if not hasattr(lab, "opened_at"):
            lab.opened_at = lab.clock.now()

    lab.registry._on_change = changed
    return lab


@pytest.mark.parametrize(
    ("headers", "stream", "calls"),
    [
        ({"x-stainless-read-timeout": "60"}, False, 13),
        ({"x-stainless-timeout": "60"}, False, 13),
        ({"x-stainless-read-timeout": "19"}, True, 12),
        ({"x-request-timeout": "9"}, True, 20),
    ],
)
def test_its_breaker_opens_by_waits_that_add_up(lab, headers, stream, calls):
    """The whole of the granted time first, then a third of it for each of the five failures but the first."""
    assert opens_after(lab, silent(lab), headers=headers, stream=stream) == calls


def test_a_model_that_reasons_is_given_more(lab):
    alpha, _ = lab.chain("alpha", "beta", models={"large": {"reasons": True}})
    alpha.script[0] = "stall"
    assert opens_after(lab, alpha, headers={"x-stainless-read-timeout": "180"}) == 12


def hurried(lab, count: int, **more) -> None:
    for _ in range(count):
        lab.ask(headers={"x-stainless-read-timeout": "60"}, **more)


@pytest.mark.parametrize("answer", ["ok", 400, 404, (429, {}, {})])
def test_any_answer_begins_the_sum_anew(lab, answer):
    alpha = silent(lab)
    for _ in range(5):
        alpha.script[0] = "stall"
        hurried(lab, 4)
        alpha.script[0] = answer
        lab.ask()
    assert lab.changes == []


def test_so_does_the_first_content_of_a_stream_however_it_ends(lab):
    alpha = silent(lab)
    for _ in range(6):
        alpha.script[0] = "stall"
        hurried(lab, 4)
        alpha.script[0] = [b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n', "stall"]
        task = lab.begin(stream=True)
        lab.wait(2)
        lab.end(task)
    assert lab.changes == []


def test_calls_side_by_side_prove_no_more_than_one(lab):
    """A hundred clients who leave it four seconds have not shown more than four seconds of silence."""
    silent(lab)
    tasks = [lab.begin(headers={"x-stainless-read-timeout": "9"}) for _ in range(100)]
    for task in tasks:
        lab.run(task)
    assert lab.changes == []


def test_a_probe_of_a_hurried_client_fails_as_any_other(lab):
    alpha = silent(lab)
    opens_after(lab, alpha, headers={"x-stainless-read-timeout": "60"})
    while lab.changes[-1][-1] != "PROBE":
        lab.wait(400)
        hurried(lab, 1)
    hurried(lab, 1)
    assert lab.changes[-2:] == [("alpha/large", "OPEN", "PROBE"), ("alpha/large", "PROBE", "OPEN")]


# -- clients that tell no time, and leave


def leave(lab, count: int, wait_s: float, **asked) -> None:
    for _ in range(count):
        task = lab.begin(**asked)
        lab.wait(wait_s)
        lab.cancel(Kind.CANCELLED)
        lab.run(task)


def test_clients_that_leave_after_a_long_silence_open_the_breaker_too(lab):
    silent(lab)
    leave(lab, 5, 60)
    assert lab.changes == []
    leave(lab, 1, 60)
    assert lab.changes == OPENED
    assert lab.ask().headers["x-sidestep-provider"] == "beta"


def test_clients_that_leave_soon_do_not(lab):
    """Not even where the silence is known: whoever changes his mind within a second says nothing."""
    silent(lab)
    leave(lab, 2, 60)
    leave(lab, 39, 1.0)
    assert lab.changes == []
    assert lab.breaker("alpha").snapshot(lab.clock.now()).failures == 1


def test_whoever_leaves_a_target_that_has_sent_a_head_says_nothing_of_it(lab):
    """It may be reasoning, unseen by the client."""
    alpha = silent(lab)
    alpha.script[0] = [PING, "stall"]
    leave(lab, 9, 60)
    assert lab.changes == []


def test_clients_that_leave_a_stream_silent_in_its_middle_open_the_breaker(lab):
    """After a third of the time that it had, or more."""
    alpha = silent(lab)
    alpha.script[0] = [WORD, "stall"]
    leave(lab, 5, 9.9, stream=True)
    assert lab.changes == []
    leave(lab, 5, 10.1, stream=True)
    assert lab.changes == OPENED


def test_so_do_those_of_a_whole_answer_that_is_read_as_a_stream(lab):
    lab.provider("alpha", profile={"upstream_stream": True}).script[0] = [WORD, "stall"]
    lab.route("m", "alpha")
    leave(lab, 5, 25)
    assert lab.changes == OPENED


@pytest.mark.parametrize("piece", [WORD, PING], ids=["words", "pings"])
def test_whoever_leaves_a_stream_that_goes_on_says_nothing_of_its_target(lab, piece):
    alpha = silent(lab)
    alpha.script[0] = [WORD, 8.0, piece, 8.0, piece, "stall"]
    leave(lab, 6, 20, stream=True)
    assert lab.changes == []
    assert lab.breaker("alpha").snapshot(lab.clock.now()).failures == 0
