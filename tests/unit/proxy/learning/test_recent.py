"""The latest requests are known by their ids, and no more than so many."""

from proxy.learning import recent
from proxy.learning.recent import Recent


def test_the_latest_are_found_and_older_ones_go(monkeypatch, record):
    monkeypatch.setattr(recent, "KEPT", 2)
    known = Recent()
    for number in (1, 2, 3):
        known.note(record(number))
    assert [known.find(f"req_{number:04}") for number in (1, 2, 3)] == [None, record(2), record(3)]
