"""How fast requests may come, as a file says it."""

import pytest

from proxy.config.spending import Rate

CLIENT = f'[clients.app]\nkey_sha256 = ["{"ab" * 32}"]\n'


def test_rates_are_read_in_their_order(load_text):
    text = f"""
[[rates]]
name = "whole"
requests_per_minute = 600
[[rates]]
name = "users-of.app_1"
scope = {{client = "app", user = "*", model = "gpt-4o", team = "any at all"}}
tokens_per_minute = 1000
concurrent = 2
{CLIENT}"""
    assert load_text(text).config.spending.rates == (
        Rate("whole", {}, 600),
        Rate(
            "users-of.app_1",
            {"client": "app", "team": "any at all", "user": "*", "model": "gpt-4o"},
            tokens_per_minute=1000,
            concurrent=2,
        ),
    )


def test_without_any_there_are_none(load_text):
    assert load_text("").config.spending.rates == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "requests_per_minute: is missing, and so are tokens_per_minute and concurrent: say at least one"),
        ("requests_per_minute = 0", "requests_per_minute: must be at least 1 and at most 1000000000, not 0"),
        ("concurrent = 1.5", "concurrent: must be a whole number, not a number"),
        ('concurrent = 1\nscope = {provider = "alpha"}', "scope.provider: is not known when a rate is looked at"),
        ('concurrent = 1\nscope = {client = "ap"}', 'scope.client: there is no client "ap"; did you mean "app"?'),
        ('concurrent = 1\nscope = {model = "gpt-4"}', 'scope.model: there is no model "gpt-4"; did you mean "gpt-4o"?'),
        ('concurrent = 1\nscope = {users = "*"}', 'scope.users: is not a known key; did you mean "user"?'),
        ("concurent = 1", 'concurent: is not a known key; did you mean "concurrent"?'),
    ],
)
def test_every_mistake_of_a_rate_has_its_place(mistakes, line, message):
    found = mistakes(f'[[rates]]\nname = "r"\n{line}\n{CLIENT}')
    assert any(one.startswith(f"config.toml: rates[1].{message}") for one in found), found


def test_a_rate_needs_a_name_of_its_own(mistakes):
    assert mistakes("[[rates]]\nconcurrent = 1")[0].startswith("config.toml: rates[1].name: is missing")
    twice = '[[rates]]\nname = "r"\nconcurrent = 1\n' * 2
    assert mistakes(twice) == ['config.toml: rates[2].name: "r" is the name of another rate too']


def test_there_may_be_a_hundred(mistakes):
    many = "".join(f'[[rates]]\nname = "r{n}"\nconcurrent = 1\n' for n in range(101))
    [one] = mistakes(many)
    assert one.startswith("config.toml: rates: must be at most 100, not 101")


def test_where_any_model_may_be_asked_for_a_scope_may_name_any(load_text):
    text = '[[rates]]\nname = "r"\nconcurrent = 1\nscope = {model = "o3"}\n[models."*"]\nchain = ["alpha/*"]\n'
    assert load_text(text).config.spending.rates[0].scope == {"model": "o3"}
