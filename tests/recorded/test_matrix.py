"""A sample of the recorded exchanges across every pair of dialects, where a folder of them is named by
SIDESTEP_RECORDED; `make test-recorded` takes them all and prints the table of `docs/translation.md`."""

import pytest

from tests.recorded import exchanges, matrix
from translators.catalog import PROVIDERS

if not exchanges.exchanges():
    pytest.skip("SIDESTEP_RECORDED names no folder of recorded traffic", allow_module_level=True)

STEP = 7
"""Every so many of them: a prime, so that recordings of one kind, which lie side by side, are not passed over."""


@pytest.mark.parametrize(("dialect", "target"), matrix.REQUEST_PAIRS)
def test_recorded_requests_become_bodies_that_their_target_takes(dialect, target):
    tally = matrix.requests_in(target, dialect, step=STEP)
    assert tally.wrong == {}
    assert tally.right > 0


@pytest.mark.parametrize(("dialect", "client"), matrix.ANSWER_PAIRS)
def test_recorded_answers_say_to_every_client_what_they_said(dialect, client):
    """Text, calls, end and counts, streamed and whole, as the vendors' own SDKs read them."""
    tally = matrix.answers_in(client, dialect, step=STEP)
    assert tally.wrong == {}
    assert tally.right > 0


@pytest.mark.parametrize("dialect", PROVIDERS)
def test_recorded_streams_are_the_same_however_they_are_cut(dialect):
    tally = matrix.cuts_in(dialect, step=STEP)
    assert tally.wrong == {}
    assert tally.right > 0
