"""Looking again and again: while the proxy is away, in a terminal, and where there is none."""

import sys

import pytest

from proxy.cli import watching
from proxy.cli.options import Stop
from proxy.cli.watching import CLEAR, watch


def watched(monkeypatch, *found, plain=False, terminal=True):
    """What is printed of these, an exception among them raised, until nothing is left and somebody interrupts."""
    rest, pauses = list(found), []

    def look():
        if not rest:
            raise KeyboardInterrupt
        one = rest.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    monkeypatch.setattr(watching, "pause", pauses.append)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    with pytest.raises(KeyboardInterrupt):
        watch("first", look, str.upper, 2.0, plain=plain)
    return pauses


def test_each_look_takes_the_place_of_the_one_before(monkeypatch, capsys):
    assert watched(monkeypatch, "second") == [2.0, 2.0]
    assert capsys.readouterr().out == f"{CLEAR}FIRST\n{CLEAR}SECOND\n"


@pytest.mark.parametrize("how", [{"plain": True}, {"terminal": False}])
def test_without_a_terminal_or_where_it_is_not_wanted_nothing_is_cleared(monkeypatch, capsys, how):
    watched(monkeypatch, "second", **how)
    assert capsys.readouterr().out == "FIRST\nSECOND\n"


def test_a_proxy_that_is_away_is_told_of_and_waited_for(monkeypatch, capsys):
    watched(monkeypatch, Stop("no answer"), "third", plain=True)
    told = capsys.readouterr()
    assert (told.out, told.err) == ("FIRST\nTHIRD\n", "sidestep: no answer\n")


def test_a_pause_lasts():
    watching.pause(0.0)
