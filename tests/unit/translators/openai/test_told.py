"""How much of a text was told."""

import pytest

from translators.faults import ProtocolFault
from translators.openai.told import Told


@pytest.fixture
def told():
    one = Told()
    one.add("Hé")
    one.add("😀l")
    return one


@pytest.mark.parametrize(("whole", "rest"), [("Hé😀llo", "lo"), ("Hé😀l", ""), ("", "")])
def test_of_a_whole_text_only_the_rest_is_left_to_tell(told, whole, rest):
    assert told.rest(whole) == rest


@pytest.mark.parametrize("whole", ["Hé", "He😀llo", "other text"])
def test_a_whole_text_that_begins_otherwise_is_a_fault(told, whole):
    with pytest.raises(ProtocolFault, match="does not begin"):
        told.rest(whole)


def test_where_nothing_was_told_all_is_left():
    assert Told().rest("a") == "a"
