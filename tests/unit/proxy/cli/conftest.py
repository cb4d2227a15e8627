"""Running the command as a process, in a clean environment, and asking what it serves."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

Ask = Callable[[str, object], tuple[int, dict[str, str], str]]
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


@pytest.fixture
def ask() -> Ask:
    """Posts a chat completion to a proxy's URL: status, headers and text of the answer."""

    def asked(url: str, body: object) -> tuple[int, dict[str, str], str]:
        place = urlsplit(url)
        with closing(http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)) as connection:
            json_type = {"content-type": "application/json"}
            connection.request("POST", f"{place.path}/chat/completions", json.dumps(body), json_type)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()

    return asked
