"""A recording's file: lines are added, and it never takes more room on the disk than it was given.

Half of the room is for the file that is written, half for the one before it, `FILE.1`: a full one is moved there, over
the one that was there. So the newest exchanges are kept, at least half of the room full of them.

Rules
- Only what is a recording already is added to or moved: a path that was mistyped costs nobody a file. Links and what is
  no plain file are refused.
- Whoever else may read it is decided by nobody: mode 0600.
- A line is there whole or not at all, but for a process that is killed within it; what such a one left is ended, and a
  reader tells it (`proxy.replay.reading`).
- One process writes a file: it is locked.
"""

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

EARLIER: Final = ".1"
HEAD: Final = 64 * 1024 * 1024
"""Bytes in which a file's first line must end to be looked at."""


class NotOurs(OSError):
    """What is at the path is no recording, or another process writes it. The message says which."""


class _First(msgspec.Struct):
    """What tells a recording's line."""

    recording: int


def why_not(path: str, error: OSError) -> str:
    """Why the file at `path` cannot be written, for people."""
    return str(error) if isinstance(error, NotOurs) else f"{path}: {(error.strerror or str(error)).lower()}"


class Rotating:
    """The file at `path`; together with the one before it of at most `limit` bytes. Opened by the first line."""

    def __init__(self, path: str, limit: int) -> None:
        self._path = path
        self._half = limit // 2
        self._descriptor = -1
        self._size = 0

    def append(self, line: bytes) -> bool:
        """Adds a line, its end included; False where it is longer than a file may be. Raises OSError; then nothing was
        added."""
        if len(line) > self._half:
            return False
        if self._descriptor < 0:
            self._open()
        if self._size + len(line) > self._half:
            self._turn()
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(line)
        return True

    def open(self) -> None:
        """Opens it, where it is not open. Raises OSError (NotOurs)."""
        if self._descriptor < 0:
            self._open()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(self._path, flags, 0o600)
        try:
            self._take(descriptor)
        except BaseException:
            os.close(descriptor)
            self._descriptor = -1
            raise

    def _take(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotOurs(f"{self._path} is no plain file")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise NotOurs(f"another process records to {self._path}") from None
        _check(self._path)
        self._check_earlier()
        self._descriptor, self._size = descriptor, found.st_size
        if self._size and os.pread(descriptor, 1, self._size - 1) != b"\n":
            self._size += os.write(descriptor, b"\n")
        if self._size > self._half:
            self._turn()

    def _check_earlier(self) -> None:
        """The file before this one counts, so it must be ours; one from when there was more room goes."""
        earlier = Path(self._path + EARLIER)
        if not earlier.exists():
            return
        _check(str(earlier))
        if earlier.stat().st_size > self._half:
            earlier.unlink()

    def _turn(self) -> None:
        """The file becomes the one before, or goes where it is larger than that may be; another one begins."""
        if self._size > self._half:
            Path(self._path).unlink()
        else:
            Path(self._path).replace(self._path + EARLIER)
        self.close()
        self._open()


def _check(path: str) -> None:
    """Raises NotOurs for what is there and is no recording."""
    with Path(path).open("rb") as file:
        first = file.readline(HEAD)
        if not first.strip():
            if file.read(1):
                raise NotOurs(f"{path} is no recording")
            return
    try:
        msgspec.json.decode(first, type=_First)
    except msgspec.DecodeError:
        raise NotOurs(f"{path} is no recording; name another file") from None
