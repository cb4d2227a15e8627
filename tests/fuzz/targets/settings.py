"""The configuration: a file, and the environment beside it.

Invariant: any file is a configuration, which can be described, or ConfigErrors; each of them is one printable line
with its place, all of them are told at once, and reading twice comes to the same. No value that could be a secret is
repeated in what is told or shown.

Lines that begin with `#!NAME=VALUE` are a variable of the environment.
"""

import json
import tempfile
from functools import cache
from pathlib import Path

from proxy.cli.check import lines
from proxy.cli.describe import describe
from proxy.config.errors import ConfigErrors
from proxy.config.load import Loaded, load

SECRET = "sk-canary-0a1b2c3d4e5f"
LINE = 2_000


@cache
def _file() -> Path:
    return Path(tempfile.mkdtemp(prefix="sidestep-fuzz-"), "config.toml")


def check(data: bytes) -> None:
    """See the module."""
    _file().write_bytes(data)
    env = {"KEY": SECRET, "OPENAI_API_KEY": SECRET}
    for line in data.split(b"\n"):
        name, _, value = line.removeprefix(b"#!").decode("latin-1").partition("=")
        if line.startswith(b"#!") and name.isidentifier():
            env[name] = value
    told, found = _loaded(str(_file()), env)
    assert _loaded(str(_file()), env)[0] == told
    if found is not None:
        told += [json.dumps(stack := describe(found.config, found.warnings)), *lines(stack), repr(found.config)]
    assert not any(SECRET in line for line in told)
    if not data.strip():
        _loaded(None, env)


def _loaded(path: str | None, env: dict[str, str]) -> tuple[list[str], Loaded | None]:
    """What is told, and the configuration."""
    try:
        loaded = load(path, env)
    except ConfigErrors as wrong:
        told = [str(error) for error in wrong.errors]
        assert told and len(told) == len(set(told))
        assert all(line.isprintable() and 0 < len(line) <= LINE for line in told), told
        return told, None
    assert all(line.isprintable() for line in loaded.warnings)
    return list(loaded.warnings), loaded
