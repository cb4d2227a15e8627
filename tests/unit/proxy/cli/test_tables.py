"""Names stand to the left, numbers to the right."""

from proxy.cli.tables import table


def test_columns_are_as_wide_as_what_is_in_them():
    assert list(table([("model", "n"), ("m", "1000")], names=1)) == ["model     n", "m      1000"]
