"""Files of SQLite: which one is there, and what an error is."""

import sqlite3
from contextlib import closing

import pytest

from proxy.sqlite import PASSING, code_of, identity_of


def test_another_file_under_the_same_name_is_another(tmp_path):
    path = tmp_path / "x.db"
    assert identity_of(path) is None
    path.touch()
    first = identity_of(path)
    assert identity_of(path) == first
    path.rename(tmp_path / "old.db")
    path.touch()
    assert identity_of(path) not in (first, None)


def test_an_error_goes_by_its_code_without_refinements(tmp_path):
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as one:
        one.execute("BEGIN EXCLUSIVE")
        with (
            closing(sqlite3.connect(tmp_path / "x.db", timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError) as caught,
        ):
            other.execute("SELECT * FROM sqlite_master")
    assert code_of(caught.value) == sqlite3.SQLITE_BUSY
    assert code_of(caught.value) in PASSING
    refined = sqlite3.OperationalError()
    refined.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT
    assert code_of(refined) == sqlite3.SQLITE_BUSY
    assert code_of(OSError()) == 0
