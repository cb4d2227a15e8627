"""The servers of one run: the scripted upstream, the proxy under test, and the raw ASGI baseline."""

import hashlib
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.machine import OTHER_CORES, PROXY_CORES, Child, child, module
from tests.bench.provider import ANTHROPIC, dialect_of

CLIENT_KEY = "bench-client-key"
START_S = 15.0
BARE = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
"""Of the baseline server."""
ENVIRONMENT = {"BENCH_PROVIDER_KEY": "bench", "PYTHONDONTWRITEBYTECODE": ""}
"""Of the proxy. An installed package has its bytecode beside it; without it half of a start would be compiling."""


class NotReady(Exception):
    """A server did not come up; the text says what it wrote."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, both in `folder`."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench"
    command += " -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE"
    command += f" -keyout {key} -out {certificate}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return certificate, key


@contextmanager
def upstream(certificate: Path, key: Path, seconds: float) -> Iterator[dict[str, str]]:
    """The scripted providers' base URLs by name; `paced` streams last `seconds`."""
    with child(module("provider", str(certificate), str(key), str(seconds)), OTHER_CORES) as (started, process):
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            raise NotReady(f"the scripted provider did not start: {started.log.read_text()[-500:]}")
        yield json.loads(line)


def config(urls: Mapping[str, str], certificate: Path, engine: str, listen: str, admin: str) -> str:
    """The configuration under test: a model for each scripted provider, clients with keys, all else as by default."""
    digest = hashlib.sha256(CLIENT_KEY.encode()).hexdigest()
    lines = [
        f'[server]\nlisten = "{listen}"\nadmin = "{admin}"\nengine = "{engine}"',
        f'[clients.bench]\nkey_sha256 = ["{digest}"]',
    ]
    for name, url in urls.items():
        dialect = dialect_of(name)
        lines.append(f'[providers.{name}]\ndialect = "{dialect}"\nbase_url = "{url}"')
        lines.append('keys = ["env:BENCH_PROVIDER_KEY"]')
        if url.startswith("https"):
            lines.append(f'ca_file = "{certificate}"')
        if dialect == ANTHROPIC:
            lines.append("profile = { max_output = 4096 }")
        lines.append(f'[models."{name}"]\nchain = ["{name}/demo-large"]')
    return "\n".join(lines) + "\n"


@contextmanager
def sidestep(
    urls: Mapping[str, str], certificate: Path, engine: str, folder: Path, more: str = ""
) -> Iterator[tuple[Child, str, float]]:
    """The proxy: its process, its base URL, and the seconds from its start until it was ready. `more` is TOML for its
    configuration."""
    listen, admin = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    path = folder / f"{engine}.toml"
    path.write_text(config(urls, certificate, engine, listen, admin) + more)
    command = [str(Path(sys.executable).with_name("sidestep")), "serve", "--config", str(path)]
    log = folder / f"{engine}.log"
    started_at = time.perf_counter()
    with (
        log.open("wb") as access_log,
        child(command, PROXY_CORES, env=ENVIRONMENT, output=access_log) as (started, process),
    ):
        ready_s = ready(process, f"http://{admin}/readyz", started, started_at)
        yield started, f"http://{listen}/v1", ready_s


@contextmanager
def raw_asgi() -> Iterator[tuple[Child, str]]:
    """The baseline server: its process and its URL."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.bench.baseline:app", "--port", str(port), *BARE]
    with child(command, PROXY_CORES) as (started, process):
        ready(process, f"http://127.0.0.1:{port}/", started)
        yield started, f"http://127.0.0.1:{port}"


@contextmanager
def relay(target: str) -> Iterator[tuple[Child, str]]:
    """A bare relay to the base URL `target`: its process and its own base URL."""
    parts, port = urlsplit(target), free_port()
    with child(module("relay", str(port), str(parts.port)), PROXY_CORES) as (started, process):
        ready(process, f"http://127.0.0.1:{port}{parts.path}/models", started)
        yield started, f"http://127.0.0.1:{port}{parts.path}"


def ready(
    process: "subprocess.Popen[bytes]", url: str, started: Child, since: float | None = None, within_s: float = START_S
) -> float:
    """Seconds from `since` (now) until `url` answered 200. Raises NotReady."""
    since = time.perf_counter() if since is None else since
    while time.perf_counter() - since < within_s:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return time.perf_counter() - since
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.005)
    raise NotReady(f"{urlsplit(url).netloc} did not answer: {started.log.read_text()[-500:]}")


def has_wrk() -> bool:
    return shutil.which("wrk") is not None
