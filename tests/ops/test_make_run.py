"""`make run` in a folder where everything is installed: what it starts, and with which environment."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
STAND_IN = """#!/bin/sh
echo "$@"
echo "key ${OPENAI_API_KEY-none}, fallback ${AI_FALLBACK_PROVIDER-none}"
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")


@pytest.fixture
def run(tmp_path):
    """`run(*words)`: what the command that `make run` starts was given, by a stand-in for it."""
    shutil.copy(MAKEFILE, tmp_path)
    for name in ("requirements/run.txt", "pyproject.toml", ".venv/.run", ".venv/bin/sidestep"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    command = tmp_path / ".venv/bin/sidestep"
    command.write_text(STAND_IN)
    command.chmod(0o755)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def made(*words: str) -> list[str]:
        told = subprocess.run(
            ["make", "run", *words], cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=30, check=True
        )
        return told.stdout.splitlines()

    return made


def test_it_serves_made_up_answers_where_there_is_no_key(run):
    assert run() == ["serve --demo-without-keys", "key none, fallback none"]


def test_it_loads_the_env_file_and_hands_it_on(run, tmp_path):
    """The variables reach the command without an `export` in the file."""
    (tmp_path / ".env").write_text("# a comment\nOPENAI_API_KEY=sk-1\nAI_FALLBACK_PROVIDER=\n")
    assert run() == ["serve --demo-without-keys", "key sk-1, fallback "]


def test_options_are_passed_on(run):
    assert run("ARGS=--port 4700 --host ::1")[0] == "serve --demo-without-keys --port 4700 --host ::1"
