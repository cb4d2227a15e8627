"""The configuration that a running process follows: where it came from, to be read again.

A file has changed when its time, size or inode has: a Kubernetes volume is updated by switching a link, which leaves
the file's own time as old as it likes. A change counts once it looks the same twice, so that a file that is being
written is waited for. Looking costs one system call and no thread.

A running process cannot follow everything: what it listens on and which engine its connections have stays until a new
start. Such a change is a warning, and the rest of the file serves. What stays is checked with what is new: an open
address still needs its clients.

Without a file there is the environment alone, which nobody can change under a process. Reading it again gives the same.
"""

import os
from collections.abc import Mapping
from typing import Final

from msgspec import structs

from proxy.config.errors import Problems
from proxy.config.listeners import Overrides, check_exposure
from proxy.config.load import Loaded, load, named_file
from proxy.config.values import Config

FIXED: Final = ("listen", "admin", "engine")
"""Of `[server]`: what only a new start changes."""
NO_FILE: Final = "no configuration file is in use, and a process' environment does not change: start anew to change it"

_Signature = tuple[int, int, int]


class Followed:
    """A file's path, or the environment; and what the command line says in either case."""

    def __init__(self, path: str | None, env: Mapping[str, str], overrides: Overrides | None = None) -> None:
        self.file = named_file(path, env)
        """Empty where there is none."""
        self._path = path
        self._env = env
        self._overrides = overrides or Overrides()
        self._read: _Signature | None = None
        self._seen: _Signature | None = None

    def load(self) -> Loaded:
        """The configuration. Raises ConfigErrors (NoKeys)."""
        self._read = self._seen = self._signature()  # before it is read: what changes meanwhile is another change
        return load(self._path, self._env, self._overrides)

    def reload(self, current: Config) -> Loaded:
        """The configuration as a process that serves `current` can take it. Raises ConfigErrors."""
        loaded = self.load()
        problems = Problems(loaded.config.source)
        if not self.file:
            problems.warnings.append(NO_FILE)
        config = _kept(loaded.config, current, problems)
        check_exposure(config, self._overrides, problems)
        problems.stop()
        return Loaded(config, (*loaded.warnings, *problems.warnings))

    def changed(self) -> bool:
        """Whether there is something else to read than what was read last. To be asked every second or so."""
        if not self.file:
            return False
        before, self._seen = self._seen, self._signature()
        return self._seen == before != self._read

    def _signature(self) -> _Signature | None:
        """None where there is no such file."""
        if not self.file:
            return None
        try:
            found = os.stat(self.file)  # noqa: PTH116 - as short, and follows the links that orchestrators switch
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _kept(config: Config, current: Config, problems: Problems) -> Config:
    fixed = {name: getattr(current.server, name) for name in FIXED}
    for name, value in fixed.items():
        if getattr(config.server, name) != value:
            problems.warn(f"server.{name}", f"stays {value} until a new start")
    return structs.replace(config, server=structs.replace(config.server, **fixed))
