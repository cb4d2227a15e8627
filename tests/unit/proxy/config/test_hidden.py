"""Secrets do not print."""

import copy
import json
import pickle

import pytest

from proxy.config.hidden import Secret
from proxy.config.values import ProviderKey

CANARY = "sk-canary"


def test_no_way_of_printing_shows_a_secret():
    secret = Secret(CANARY)
    key = ProviderKey("env:X", secret)
    for text in (repr(secret), str(secret), f"{secret}", f"{secret:>20}", "%s" % secret, repr(key), repr([secret])):  # noqa: UP031 - one more way
        assert CANARY not in text
        assert "***" in text
    assert CANARY not in json.dumps({"key": secret}, default=str)
    assert not hasattr(secret, "__dict__")


def test_a_secret_is_revealed_only_when_asked():
    assert Secret(CANARY).reveal() == CANARY


def test_a_secret_is_not_pickled():
    with pytest.raises(TypeError):
        pickle.dumps(Secret(CANARY))
    with pytest.raises(TypeError):
        copy.copy(Secret(CANARY))


def test_secrets_compare_by_value():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
