"""Which strategy is active: over switches, reloads and restarts."""

import asyncio
import json

import pytest

from proxy.config.selection import Levels, Selection, Strategy
from proxy.selection.active import Active

ONE = Levels("m", "m", "m")


def switch(active, name, by):
    asyncio.run(active.switch(name, by))


@pytest.fixture
def told():
    return []


@pytest.fixture
def active(tmp_path, told):
    """`active("a", "b c")`: what it is where the configuration says so; as after a restart each time."""

    def made(says="a", has="a b c", folder=tmp_path):
        return Active(chooses(says, has, folder), lambda *facts: told.append(facts), lambda: 1_800_000_000.5)

    return made


def chooses(says="a", has="a b c", folder=""):
    return Selection(says, strategies={name: Strategy(name, ONE) for name in has.split()}, folder=str(folder))


def test_it_is_what_the_configuration_says(active, told):
    found = active()
    assert (found.name, found.available, told) == ("a", ("a", "b", "c"), [])


def test_a_switch_counts_at_once_and_is_told_with_who_made_it(active, told):
    found = active()
    switch(found, "b", "ops")
    assert (found.name, found.kept, told) == ("b", True, [("b", "a", "ops", "")])


def test_what_is_not_configured_cannot_be_switched_to(active, told, tmp_path):
    found = active()
    with pytest.raises(ValueError, match=r"there is no strategy 'bb'; known: a, b and c; did you mean .b.\?$"):
        switch(found, "bb", "ops")
    assert (found.name, told, list(tmp_path.iterdir())) == ("a", [], [])
    with pytest.raises(ValueError, match="known: none"):
        switch(active("", ""), "a", "ops")


def test_a_switch_outlives_a_restart(active, told, tmp_path):
    switch(active(), "b", "ops")
    assert json.loads((tmp_path / "strategy.json").read_text()) == {
        "strategy": "b",
        "instead_of": "a",
        "by": "ops",
        "at": 1_800_000_000,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["strategy.json"]
    told.clear()
    assert active().name == "b"
    assert told == [("b", "a", "ops", "it was switched before this process began")]


def test_what_the_configuration_says_anew_outranks_an_older_switch(active):
    switch(active(), "b", "ops")
    assert active("c").name == "c"


def test_a_switch_to_what_is_configured_no_more_is_forgotten_with_a_word(active, told):
    switch(active(), "b", "ops")
    told.clear()
    assert active(has="a c").name == "a"
    assert told == [("a", "b", "the configuration", "it has no [strategies.b] any more")]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"strategy": 7}', '{"strategy": "b"}', "\udc80", "9" * 9_999])
def test_a_file_that_nobody_can_read_counts_for_nothing(active, tmp_path, content):
    (tmp_path / "strategy.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert active().name == "a"


@pytest.mark.parametrize("folder", ["", "/dev/null/state"])
def test_a_switch_that_cannot_be_kept_counts_all_the_same_and_says_so(active, told, folder):
    found = active(folder=folder)
    switch(found, "b", "ops")
    assert (found.name, found.kept) == ("b", False)
    assert told[-1][-1] == "it could not be kept and ends with this process"
    found.follow(chooses("c"))
    assert (found.name, found.kept) == ("c", True), "what the configuration says is so after a restart"


def test_a_reload_that_says_nothing_new_leaves_a_switch_alone(active, told, tmp_path):
    found = active()
    switch(found, "b", "ops")
    told.clear()
    found.follow(chooses(has="a b"))
    assert (found.name, found.available, told) == ("b", ("a", "b"), [])


def test_a_reload_that_names_another_strategy_is_followed(active, told):
    found = active()
    switch(found, "b", "ops")
    found.follow(chooses("c"))
    assert (found.name, told[-1]) == ("c", ("c", "b", "the configuration", "the configuration says so"))


def test_a_reload_without_the_active_strategy_falls_back_to_the_one_that_it_names(active, told):
    found = active()
    switch(found, "b", "ops")
    found.follow(chooses(has="a c"))
    assert (found.name, told[-1][-1]) == ("a", "the configuration has no [strategies.b] any more")


def test_nothing_may_be_active(active):
    found = active("", "a b")
    assert found.name == ""
    switch(found, "a", "ops")
    assert active("", "a b").name == "a"


def test_a_switch_that_the_configuration_ended_does_not_come_back(active):
    """Neither by another reload nor by a restart, though the file says again what it said at the switch."""
    found = active()
    switch(found, "b", "ops")
    found.follow(chooses("c"))
    found.follow(chooses("a"))
    assert (found.name, active().name) == ("a", "a")


def test_a_reload_without_anything_kept_is_no_fault(active, tmp_path):
    found = active()
    found.follow(chooses("c"))
    assert (found.name, list(tmp_path.iterdir())) == ("c", [])
