"""Processes on cores: starting, watching and ending what is measured, and saying on what machine that was."""

import os
import platform
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

CORES = sorted(os.sched_getaffinity(0))
PROXY_CORES = {CORES[0]}
OTHER_CORES = set(CORES[1:]) or PROXY_CORES
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Child:
    """A running process."""

    pid: int
    log: Path

    def rss(self) -> int:
        """Resident bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE

    def files(self) -> int:
        """Open files, connections among them."""
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    def waited_s(self) -> float:
        """Seconds for which its main thread could have run, and others had the processor."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9

    def cpu_s(self) -> float:
        """Processor seconds used so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK


@contextmanager
def _on(cores: set[int]) -> Iterator[None]:
    """What is started meanwhile runs on `cores` from its first instruction."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def child(
    command: Sequence[str],
    cores: set[int],
    *,
    env: Mapping[str, str] | None = None,
    output: BinaryIO | None = None,
    commands: bool = False,
) -> Iterator[tuple[Child, subprocess.Popen[bytes]]]:
    """`command` on `cores` while it is open; its standard output goes to `output`, else a pipe, its standard error to a
    file; with `commands` its standard input is a pipe."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "stderr"
        with log.open("wb") as errors, _on(cores):
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if commands else None,
                stdout=output or subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **(env or {})},
            )
        try:
            yield Child(process.pid, log), process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()


def run(command: Sequence[str], cores: set[int], timeout_s: float) -> str:
    """Standard output of `command`, run on `cores`. Raises RuntimeError with what it said when it fails."""
    with _on(cores):
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout.decode()


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of this harness."""
    return [sys.executable, "-m", f"tests.bench.{name}", *arguments]


def interpreter() -> str:
    """The Python, and how it says that it was built. Debian's is optimised and does not say so: what it tells is of its
    shared library, which is not."""
    flag = "--enable-optimizations"
    told = flag if flag in (sysconfig.get_config_var("CONFIG_ARGS") or "") else f"tells no {flag}"
    return f"Python {platform.python_version()} ({platform.python_compiler()}, {told})"


def described() -> list[str]:
    """The machine and the versions that the figures depend on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "httptools", "httpx2"))
    return [
        f"Machine: {model}, {len(CORES)} cores used of {os.cpu_count()}, Linux {platform.release()}",
        f"Versions: {interpreter()}, {packages}",
        f"Date: {time.strftime('%Y-%m-%d', time.gmtime())}",
    ]
