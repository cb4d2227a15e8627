"""Running the command in a clean environment, and asking what it serves."""

import http.client
import io
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import chdir, closing, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest

from proxy.cli import main

Ask = Callable[[str, object], tuple[int, dict[str, str], str]]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def sidestep(tmp_path: Path) -> Run:
    """Runs `sidestep ARGS` in an empty folder with `env` and nothing else that could configure it: within this process,
    as it takes thirty times as long to start one. What is a process's own is tested in `test_main` and
    `test_serve_process`."""

    def run(*args: str, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        said, told = io.StringIO(), io.StringIO()
        here = {"PATH": os.environ["PATH"], **(env or {})}
        with (
            patch.dict(os.environ, here, clear=True),
            chdir(tmp_path),
            redirect_stdout(said),
            redirect_stderr(told),
        ):
            try:
                code = main(args)
            except SystemExit as ended:
                code = int(ended.code or 0)
        return subprocess.CompletedProcess(args, code, said.getvalue(), told.getvalue())

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
