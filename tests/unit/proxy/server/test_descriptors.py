"""The limit of open files, raised and judged."""

import resource

import pytest

from proxy.server import descriptors


@pytest.fixture
def limits(monkeypatch):
    """The process's limits, soft and hard, as a list that is changed in place."""
    held = [1024, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(held))
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: held.__setitem__(slice(None), wanted))
    return held


def test_the_soft_limit_is_raised_to_the_hard_one(limits):
    descriptors.raise_descriptors()
    assert limits == [4096, 4096]


def test_a_system_that_refuses_keeps_its_limit(limits, monkeypatch):
    def refuse(*_):
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    descriptors.raise_descriptors()
    assert limits == [1024, 4096]


@pytest.mark.parametrize(("soft", "enough"), [(300, True), (299, False), (resource.RLIM_INFINITY, True)])
def test_two_descriptors_an_exchange_and_some_to_spare_are_wanted(limits, soft, enough):
    limits[0] = soft
    told = descriptors.too_few(100)
    assert (told == "") is enough
    assert enough or "limits.in_flight = 100 can need 300" in told
