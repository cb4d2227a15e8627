"""A `sidestep serve` and its providers, each a process: the proxy on one core, everything else on the others."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from tests.bench.machine import OTHER_CORES, PROXY_CORES, Child, child
from tests.bench.servers import ENVIRONMENT, NotReady, free_port, ready
from tests.soak.providers import BACK, FRONT, PACED, played

CHAINS = {
    "chat": ("front-chat", "front-messages", "back-chat"),
    "claude": ("front-messages", "back-messages"),
    "gemini": ("front-chat", "back-gemini"),
    "responses": ("front-messages", "front-chat", "back-responses"),
    "paced": (PACED, "back-chat"),
}
"""Model's name -> providers in order; the last is always well."""
VECTORS = ("front-chat", "back-chat")
QUICK = """
[timeouts]
deadline_s = 30
progress_s = 2
progress_unary_s = 2
first_token_reasoning_s = 2
idle_s = 2
[breaker]
open_s = 1
open_max_s = 4
ramp_s = 2
"""
"""Times of a soak: what takes minutes with the defaults happens often within one run."""


@dataclass(frozen=True, slots=True)
class World:
    """What is up."""

    url: str
    """Base URL, `/v1` included."""
    admin: str
    proxy: Child
    log: Path
    """The proxy's log."""
    _commands: IO[bytes]

    def storm(self, seed: int) -> None:
        """Begins the weather."""
        self._say(f"storm {seed}")

    def calm(self) -> None:
        """Ends it; upstream connections are dropped."""
        self._say("calm")

    def _say(self, line: str) -> None:
        self._commands.write(line.encode() + b"\n")
        self._commands.flush()


def config(urls: Mapping[str, str], listen: str, admin: str, more: str = "") -> str:
    """The configuration under test, `more` of it in TOML."""
    dialects = {name: dialect for name, (dialect, _) in played(0).items()}
    lines = [f'[server]\nlisten = "{listen}"\nadmin = "{admin}"', more]
    for name, url in urls.items():
        lines.append(f'[providers.{name}]\ndialect = "{dialects[name].value}"\nbase_url = "{url}"')
        lines.append('keys = ["env:BENCH_PROVIDER_KEY"]')
        if name.endswith("messages"):
            lines.append("profile = { max_output = 4096 }")
    for name, chain in CHAINS.items():
        steps = json.dumps([f"{one}/demo-large" for one in chain])
        lines.append(f"[models.{name}]\nchain = {steps}")
    lines.append(f"[embeddings.vectors]\nchain = {json.dumps([f'{one}/demo-embed' for one in VECTORS])}")
    return "\n".join(lines) + "\n"


@contextmanager
def running(folder: Path, more: str = QUICK, latency_s: float = 0.0) -> Iterator[World]:
    """`latency_s` is what a provider in good weather takes. Raises NotReady."""
    command = [sys.executable, "-m", "tests.soak.providers", str(latency_s)]
    with child(command, OTHER_CORES, commands=True) as (helper, process):
        line = process.stdout.readline() if process.stdout else b""
        if not line or process.stdin is None:
            raise NotReady(f"the providers did not start: {helper.log.read_text()[-500:]}")
        with _sidestep(folder, json.loads(line), more) as (proxy, url, admin, log):
            yield World(url, admin, proxy, log, process.stdin)


@contextmanager
def _sidestep(folder: Path, urls: Mapping[str, str], more: str) -> Iterator[tuple[Child, str, str, Path]]:
    listen, admin = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    path, log = folder / "soak.toml", folder / "soak.log"
    path.write_text(config(urls, listen, admin, more))
    command = [str(Path(sys.executable).with_name("sidestep")), "serve", "--config", str(path)]
    with log.open("wb") as output, child(command, PROXY_CORES, env=ENVIRONMENT, output=output) as (proxy, process):
        ready(process, f"http://{admin}/readyz", proxy)
        yield proxy, f"http://{listen}/v1", f"http://{admin}", log


def port_of(url: str) -> int:
    return urlsplit(url).port or 80


__all__ = ["BACK", "CHAINS", "FRONT", "World", "config", "port_of", "running"]
