"""Names and scopes, as budgets and rates have them."""

import pytest

from proxy.config.errors import Problems
from proxy.config.scopes import check_scope, read_name, read_scope
from proxy.config.table import Table


def table(**content) -> Table:
    return Table(content, "budgets[1]", Problems("c.toml"))


def told(one: Table) -> list[str]:
    return [str(error) for error in one.problems.errors]


@pytest.mark.parametrize("name", ["a", "team-a.daily_2", "9" * 64])
def test_a_name_is_read(name):
    assert read_name(table(name=name)) == name


@pytest.mark.parametrize("name", ["-a", "a b", "x" * 65, "a|b", "\u00e4"])
def test_a_name_that_could_not_be_a_label_is_refused(name):
    one = table(name=name)
    assert read_name(one) == ""
    assert told(one) == ["c.toml: budgets[1].name: must be at most 64 letters, digits, and - _ . between them"]


def test_a_scope_has_its_parts_in_one_order():
    assert list(read_scope(table(scope={"user": "*", "client": "app"})).items()) == [("client", "app"), ("user", "*")]
    assert read_scope(table()) == {}


def test_a_value_has_at_most_128_characters():
    one = table(scope={"user": "x" * 129})
    read_scope(one)
    assert told(one) == ["c.toml: budgets[1].scope.user: must have at most 128 characters"]


def test_what_nobody_is_called_is_a_mistake_where_the_names_are_known():
    one = table(scope={"client": "ap", "team": "any", "model": "*"})
    check_scope(one, read_scope(one), {"client": ["app"], "model": ["m"]})
    assert told(one) == ['c.toml: budgets[1].scope.client: there is no client "ap"; did you mean "app"?']
