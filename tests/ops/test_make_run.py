"""`make run`: what it starts where everything is installed, with which environment; and what it says where the Python
of the machine does not do."""

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
def make(tmp_path):
    """`make(*words)`: runs `make run` in a folder that holds the Makefile and what it looks at."""
    shutil.copy(MAKEFILE, tmp_path)
    (tmp_path / "requirements").mkdir()
    for name in ("requirements/run.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def made(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["make", "run", *words], cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=30, check=False
        )

    return made


@pytest.fixture
def run(tmp_path, make):
    """`run(*words)`: what the command that `make run` starts was given, by a stand-in for it."""
    program(tmp_path / ".venv/bin/sidestep", STAND_IN)
    (tmp_path / ".venv/.run").touch()

    def ran(*words: str) -> list[str]:
        done = make(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return ran


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_it_serves_made_up_answers_where_there_is_no_key(run):
    assert run() == ["serve --demo-without-keys", "key none, fallback none"]


def test_it_loads_the_env_file_and_hands_it_on(run, tmp_path):
    """The variables reach the command without an `export` in the file."""
    (tmp_path / ".env").write_text("# a comment\nOPENAI_API_KEY=sk-1\nAI_FALLBACK_PROVIDER=\n")
    assert run() == ["serve --demo-without-keys", "key sk-1, fallback "]


def test_options_are_passed_on(run):
    assert run("ARGS=--port 4700 --host ::1")[0] == "serve --demo-without-keys --port 4700 --host ::1"


def test_an_old_python_is_told_before_anything_is_installed(make, tmp_path):
    program(tmp_path / "old", "#!/bin/sh\nexit 1\n")
    done = make("PYTHON=./old")
    assert done.returncode != 0
    assert done.stdout == "./old is not Python 3.11 or later: name one that is, as in make PYTHON=python3.12\n"
    assert not (tmp_path / ".venv").exists()


def test_an_environment_that_could_not_be_made_whole_is_not_taken_for_one_the_next_time(make, tmp_path):
    """A system whose Python lacks `ensurepip` leaves one without pip, and says what to install."""
    program(
        tmp_path / "bare", '#!/bin/sh\n[ "$1" = -c ] && exit 0\nmkdir -p .venv/bin\ncp "$0" .venv/bin/python\nexit 1\n'
    )
    for _ in range(2):
        assert make("PYTHON=./bare").returncode != 0
        assert not (tmp_path / ".venv").exists()
