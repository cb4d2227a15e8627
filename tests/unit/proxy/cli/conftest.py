"""Running the command as a process, in a clean environment."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).parents[4]
ENTRY = "import sys; from proxy.cli import main; sys.exit(main())"


@pytest.fixture
def sidestep(tmp_path: Path) -> Run:
    """Runs `sidestep ARGS` in an empty folder with `env` and nothing else that could configure it."""

    def run(*args: str, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", ENTRY, *args],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **(env or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
