"""`serve` as a process: what a person sees, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proxy.cli import main

ROOT = Path(__file__).parents[4]
ENTRY = "import sys; from proxy.cli import main; sys.exit(main())"
FREE_PORTS = ["--port", "0", "--admin", "127.0.0.1:0"]


@contextmanager
def serving(
    *args: str, env: dict[str, str] | None = None, entry: str = ENTRY
) -> Iterator[tuple["subprocess.Popen[str]", list[str]]]:
    """A running `sidestep serve` and its start-up lines, the last of which is the call to try."""
    with subprocess.Popen(
        [sys.executable, "-c", entry, "serve", *FREE_PORTS, *args],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        told: list[str] = []
        try:
            while not (told and told[-1].startswith("sidestep: try: ")) and (line := process.stderr.readline()):
                told.append(line)
            yield process, told
        finally:
            process.kill()


def urls(told: list[str]) -> tuple[str, str]:
    line = next(line for line in told if line.startswith("sidestep: serving "))
    data, admin = (part.strip(",") for part in line.split() if part.startswith("http://"))
    return data, admin


def test_without_keys_the_demo_answers_and_says_so_everywhere(ask):
    """In the log, in the text and in the headers; a signal ends it in order."""
    with serving("--demo-without-keys") as (process, told):
        assert told[0].startswith("sidestep: DEMO: no provider has a key")
        data, admin = urls(told)
        assert main(["probe", "--admin", admin]) == 0
        status, headers, text = ask(data, {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]})
        assert (status, headers["x-sidestep-provider"]) == (200, "alpha")
        assert "scripted demo answer" in text
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_with_keys_the_start_up_lines_are_printed_and_no_key():
    env = {"OPENAI_API_KEY": "sk-canary-1", "ANTHROPIC_API_KEY": "sk-canary-2"}
    with serving("--demo-without-keys", env=env) as (process, told):
        text = "".join(told)
        assert "chain *: openai/*" in text
        assert "DEMO" not in text
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stdout is not None
        assert "canary" not in text + process.stdout.read()


def test_a_key_that_cannot_be_used_gets_no_demo(sidestep):
    done = sidestep("serve", "--demo-without-keys", env={"AZURE_OPENAI_API_KEY": "sk-canary"})
    assert (done.returncode, done.stderr.count("\n")) == (2, 2)
    assert "AZURE_OPENAI_ENDPOINT: is not set" in done.stderr
    assert "canary" not in done.stderr


def test_a_limit_of_open_files_that_is_too_low_is_told_at_the_start():
    low = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)); "
    with serving("--demo-without-keys", entry=low + ENTRY) as (_, told):
        assert any("warning: this process may open 200 files" in line for line in told)


def test_the_limit_of_open_files_is_raised():
    low = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (200, 900)); "
    with serving("--demo-without-keys", entry=low + ENTRY) as (_, told):
        assert any("warning: this process may open 900 files" in line for line in told)


def test_a_provider_without_a_second_one_is_told_at_the_start():
    with serving(env={"OPENAI_API_KEY": "sk-canary"}) as (_, told):
        (line,) = [line for line in told if "no failover" in line]
        assert line.startswith("sidestep: warning: there is no failover, openai serves alone: set AI_FALLBACK_")


def test_the_demo_stays_on_this_machine(sidestep):
    done = sidestep("serve", "--demo-without-keys", "--host", "0.0.0.0")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("sidestep: option --host: 0.0.0.0:4600 is reachable from other machines")


def test_a_port_in_use_is_one_line(sidestep):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = sidestep("serve", "--port", port, "--admin", "127.0.0.1:0", env={"OPENAI_API_KEY": "k"})
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"127.0.0.1:{port}" in done.stderr
