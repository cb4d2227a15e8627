"""What the operating files say, parsed, and the image's build played in a temporary folder.

No container engine is needed: the build stage's own RUN lines are executed, word for word, with the paths of the image
moved under the temporary folder. So the Dockerfile cannot drift from what is tested.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NETWORK_ERRORS = ("NewConnectionError", "ConnectTimeoutError", "Failed to establish", "name resolution", "ProxyError")
FETCHES = "TIKTOKEN_CACHE_DIR="


@dataclass(frozen=True)
class Instruction:
    stage: str
    word: str
    text: str


@dataclass(frozen=True)
class Built:
    """The build stage's outcome: where its paths lie now, and what each RUN line printed."""

    folder: Path
    fetch: subprocess.CompletedProcess[str]

    @property
    def environment(self) -> Path:
        return self.folder / "opt/sidestep"

    @property
    def wheel(self) -> Path:
        [wheel] = (self.folder / "src/dist").glob("*.whl")
        return wheel

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of the environment, from an empty folder and with nothing of this checkout in sight."""
        empty = self.folder / "empty"
        empty.mkdir(exist_ok=True)
        program = str(self.environment / "bin" / command[0])
        env = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [program, *command[1:]], cwd=empty, env=env, capture_output=True, text=True, check=False, timeout=30
        )


@pytest.fixture(scope="session")
def dockerfile() -> list[Instruction]:
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / "Dockerfile").read_text())
    instructions, stage = [], ""
    for line in filter(None, re.sub(r"\\\n", " ", text).splitlines()):
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            stage = rest.rsplit(" AS ", 1)[1]
        instructions.append(Instruction(stage, word, " ".join(rest.split())))
    return instructions


@pytest.fixture(scope="session")
def built(dockerfile: list[Instruction], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The build stage, played: installs the locked wheels and this project's own into an environment of its own."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "opt").mkdir()
    _context(folder / "src")
    fetch = None
    for instruction in dockerfile:
        if instruction.stage == "build" and instruction.word == "RUN":
            done = _play(instruction.text, folder)
            if FETCHES in instruction.text:
                fetch = done
            assert done.returncode == 0, f"{instruction.text}\n{done.stdout}{done.stderr}"
    assert fetch is not None, "no build step fetches the vocabularies"
    yield Built(folder, fetch)
    shutil.rmtree(folder)


def _context(into: Path) -> None:
    """What .dockerignore lets into the build: nothing but its `!` lines."""
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source, target = ROOT / line[1:], into / line[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)


def _play(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    moved = re.sub(r"(?<![\w.])/(opt|src)/", lambda found: f"{shlex.quote(str(folder))}/{found[1]}/", line)
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    env.pop("PYTHONPATH", None)
    if FETCHES in line:  # No network outside this machine: the step is given a proxy nobody listens at.
        env |= {
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "https_proxy": "http://127.0.0.1:9",
            "NO_PROXY": "",
            "no_proxy": "",
        }
    done = subprocess.run(
        ["sh", "-c", moved], cwd=folder / "src", env=env, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode and any(sign in done.stderr for sign in NETWORK_ERRORS):
        pytest.skip("the package index cannot be reached, so the image's build cannot be played")
    return done
