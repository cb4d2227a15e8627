"""Amounts of money are read exactly."""

import tomllib

import pytest

from proxy.config.dollars import read_dollars
from proxy.config.errors import Problems
from proxy.config.spending import AMOUNT_MAX
from proxy.config.table import Table, Written


def read(value):
    problems = Problems("config.toml")
    content = tomllib.loads(f"fee = {value}", parse_float=Written)
    return read_dollars(Table(content, "passthrough", problems), "fee"), [str(one) for one in problems.errors]


@pytest.mark.parametrize(
    ("text", "nanos"),
    [("1", 10**9), ("0.000000001", 1), ("0.1", 10**8), ("9000000", AMOUNT_MAX), ('"2.5"', 25 * 10**8)],
)
def test_a_dollar_has_nine_decimals(text, nanos):
    assert read(text) == (nanos, [])


@pytest.mark.parametrize("text", ["0", "-1", "0.0000000001", "9000000.1", "true", '"much"', "inf"])
def test_what_is_no_amount_is_named_by_its_place(text):
    nanos, errors = read(text)
    assert nanos is None
    assert len(errors) == 1 and "passthrough.fee" in errors[0]


def test_what_is_absent_is_no_mistake():
    problems = Problems("config.toml")
    assert read_dollars(Table({}, "limits", problems), "fee") is None
    assert not problems.errors
