"""The order of a chain, and who stays with whom."""

import pytest

from proxy.config.orders import Free, Ordering

CHAIN = 'chain = ["alpha/x", "beta/y", "alpha/*"]'


def ordering(load_text, lines):
    return load_text(f"[models.m]\n{CHAIN}\n{lines}").config.models["m"].ordering


@pytest.mark.parametrize("lines", ["", 'order = "priority"', 'affinity = "none"', 'weights = {"alpha/x" = 3}'])
def test_the_chains_own_order_asks_for_nothing(load_text, lines):
    assert ordering(load_text, lines) is None


@pytest.mark.parametrize("order", ["weighted", "latency", "cost", "least_busy"])
def test_an_order_needs_one_line(load_text, order):
    assert ordering(load_text, f'order = "{order}"') == Ordering(order)


@pytest.mark.parametrize("affinity", ["user", "session", "cache_key"])
def test_staying_needs_one_line(load_text, affinity):
    assert ordering(load_text, f'affinity = "{affinity}"') == Ordering(affinity=affinity)


def test_weights_and_allowances_are_by_the_chains_entries(load_text):
    lines = """
order = "free_first"
affinity = "session"
weights = {"alpha/x" = 3, "alpha/*" = 0.5}
[models.m.free]
"alpha/x" = {requests_per_minute = 30, tokens_per_day = 1_000_000}
"alpha/*" = {requests_per_day = 50, tokens_per_minute = 7}
"""
    assert ordering(load_text, lines) == Ordering(
        "free_first",
        {"alpha/x": 3.0, "alpha/*": 0.5},
        {"alpha/x": Free(30, 0, 0, 1_000_000), "alpha/*": Free(0, 50, 7, 0)},
        "session",
    )


def test_embeddings_are_ordered_in_the_same_words(load_text):
    text = '[embeddings.docs]\nchain = ["alpha/e", "other/e"]\norder = "weighted"\nweights = {"other/e" = 2}\n'
    other = '[providers.other]\ndialect = "openai-chat"\nbase_url = "https://other.example/v1"\n'
    found = load_text(text + other).config.embeddings["docs"].ordering
    assert found == Ordering("weighted", {"other/e": 2.0})


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('order = "fastest"', 'order: "fastest" is not known; known: priority, weighted, latency, cost'),
        ('order = "leastbusy"', 'order: "leastbusy" is not known'),
        ("order = 3", "order: must be text, not a whole number"),
        ('affinity = "users"', 'affinity: "users" is not known; known: none, user, session and cache_key'),
        ("weights = [1, 2]", "weights: must be a table, not a list"),
        ('weights = {"alpha/z" = 1}', 'weights."alpha/z": is no target of this chain; did you mean "alpha/x"?'),
        ('weights = {"alpha/x" = -1}', 'weights."alpha/x": must be at least 0 and at most 1000000, not -1'),
        ('weights = {"alpha/x" = "3"}', 'weights."alpha/x": must be a number, not text'),
        ('weights = {"alpha/x" = nan}', 'weights."alpha/x": must be at least 0'),
        (
            'order = "weighted"\nweights = {"alpha/x" = 0, "beta/y" = 0, "alpha/*" = 0}',
            "weights: must give at least one target more than 0",
        ),
        ('order = "free_first"', 'free: is missing: order = "free_first" needs what is free, as in free = {'),
        ('free = {"beta/z" = {}}', 'free."beta/z": is no target of this chain; did you mean "beta/y"?'),
        ('free = {"beta/y" = 3}', 'free."beta/y": must be a table, not a whole number'),
        ('free = {"beta/y" = {}}', 'free."beta/y": must say how much is free, by requests_per_minute, '),
        ('free = {"beta/y" = {requests_per_day = -1}}', 'free."beta/y".requests_per_day: must be at least 0'),
        ('free = {"beta/y" = {requests_per_day = 1.5}}', 'free."beta/y".requests_per_day: must be a whole number'),
        ('free = {"beta/y" = {tokens_per_day = 1, per_hour = 2}}', 'free."beta/y".per_hour: is not a known key'),
    ],
)  # fmt: skip
def test_every_mistake_has_its_path(mistakes, line, told):
    one = mistakes(f"[models.m]\n{CHAIN}\n{line}")[0]
    assert one.startswith(f"config.toml: models.m.{told}"), one
