"""What is known of a file of SQLite beside its tables, by whoever keeps something in one."""

import sqlite3
from pathlib import Path

PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
"""Codes that say that somebody else has it at the moment."""


def identity_of(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file that is there now, None where there is none: whoever has another one open is to
    open it anew. Looks at names alone, for to open and close a file drops the locks that this process holds on it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def code_of(error: Exception) -> int:
    """SQLite's own, without its refinements; 0 for what is none of its errors."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
