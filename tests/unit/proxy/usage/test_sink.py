"""What a sink says of records that it did not keep."""

from proxy.usage.sink import NotKept


def test_unless_it_is_told_otherwise_there_is_no_use_in_trying_again():
    assert not NotKept("the disk is full").passing
    assert NotKept("it is busy", passing=True).passing
