"""Shares of the tests, as `make test` runs them."""

import pytest

from tests import dealing


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_every_file_is_in_one_share_and_in_no_other(count):
    dealt = [path for number in range(count) for path in dealing.share(number, count)]
    assert sorted(dealt) == dealing.files()


def test_every_test_file_of_the_tree_is_dealt_out(tree, root):
    tests = [root / path for path in tree if path.parts[0] == "tests" and path.match("test_*.py")]
    assert dealing.files() == tests


def test_whoever_runs_all_shares_runs_them_with_the_plugin_that_deals(root):
    """A worker alone would run its share, and a run without workers everything."""
    [recipe] = [line for line in (root / "Makefile").read_text().splitlines() if "-m pytest -p" in line]
    assert "-p tests.dealing -n " in recipe
