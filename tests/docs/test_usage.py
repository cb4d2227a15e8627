"""What the page on usage says is what is kept, shown and lost."""

import sqlite3
from pathlib import Path

from proxy.admin import usage as admin
from proxy.cli.usage import BY
from proxy.usage import redis, writer
from proxy.usage.export import FIELDS
from proxy.usage.schema import MAKE

PAGE = "docs/usage.md"
TEXT = " ".join((Path(__file__).parents[2] / PAGE).read_text("utf-8").split())


def test_every_field_of_a_record_is_told_in_order(rows):
    told = [name for row in rows(PAGE, "Every request") for name in row["field"].split(", ")]
    assert tuple(told) == FIELDS


def test_every_key_that_requests_are_summed_by_is_told(rows):
    [by] = [row["meaning"] for row in rows(PAGE, "What it used") if row["option"] == "--by KEYS"]
    assert by.startswith(f"of each {', '.join(BY[:-1])} or {BY[-1]};")


def test_the_views_have_the_columns_that_are_told(rows):
    database = sqlite3.connect(":memory:")
    for statement in MAKE:
        database.execute(statement)
    for row in rows(PAGE, "Reports"):
        columns = [one[1] for one in database.execute(f"PRAGMA table_info({row['view']})")]
        assert row["columns"].split(", ") == columns
    database.close()


def test_the_bounds_are_told():
    assert f"At most {writer.WAITING:,} records wait" in TEXT
    assert f"asked again for {writer.PATIENCE_S:g} seconds" in TEXT
    assert f"keeps the newest {redis.LENGTH:,}" in TEXT
    assert f"the first {admin.MOST:,} rows" in TEXT
    assert (writer.BATCH_S, admin.KEYS_MOST, admin.LONGEST_S) == (0.25, 3, 10.0)
    assert all(word in TEXT for word in ("last quarter of a second", "at most three keys", "within ten seconds"))
