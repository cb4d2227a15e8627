"""The documents as code blocks and tables, and a proxy with scripted providers to try them on.

The proxy is the program itself, started as `make run` starts it without keys, on free ports. A command of a document
speaks to it: 127.0.0.1:4600 and :4601 become the real addresses, and in what it prints they are put back.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx2
import pytest
from msgspec import structs

from proxy.app import build
from proxy.config.values import Config, ModelRoute, Provider, RetrySettings, ServerSettings, Step
from proxy.drill.provider import ScriptedProvider
from proxy.server import serving
from proxy.usage.record import Record
from proxy.usage.sqlite import SqliteSink
from translators.ir import Dialect

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DATA, ADMIN = "127.0.0.1:4600", "127.0.0.1:4601"
ENTRY = "import sys; from proxy.cli import main; sys.exit(main())"
SHIM = f"""#!/bin/sh
exec {sys.executable} -c '{ENTRY}' "$@"
"""
KEYS = {"OPENAI_API_KEY": "sk-fake-1", "ANTHROPIC_API_KEY": "sk-fake-2", "AZURE_OPENAI_API_KEY": "sk-fake-3"}
LEDGER = "ledger.db"
AT = 1_795_161_600.0
"""2026-11-20 08:00 UTC."""
FIRST = Record(
    f"req_{1:024x}", AT, "web", "shop", "ann", "summary", {"cost_center": "7"}, "gpt-4o", "chat", "openai", "gpt-4o",
    input=1200, cached=512, output=160, reasoning=32, cost=3_960_001, attempts=1, ms=910, status=200,
)  # fmt: skip
USED = (
    FIRST,
    structs.replace(FIRST, id=f"req_{2:024x}", at=AT + 60, cached=0, cost=4_600_001, ms=2110),
    structs.replace(FIRST, id=f"req_{3:024x}", at=AT + 90, user="bob", model="claude-sonnet-5", provider="anthropic",
                    cached=1000, cache_write=200, reasoning=None, cost=4_050_000, attempts=2, ms=1480),
    structs.replace(FIRST, id=f"req_{4:024x}", at=AT + 120, user="bob", provider="", model="", input=None, cached=None,
                    output=None, reasoning=None, cost=None, outcome="timeout", status=504, code="deadline_exceeded"),
)  # fmt: skip
"""What was used, as the page on it shows it."""
CLEAN = {"PYTHONPATH": str(ROOT), "HOME": os.environ.get("HOME", "/"), "NO_PROXY": "*"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(path: Path) -> list[Block]:
    found, opened, language, lines = [], 0, "", []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif opened:
            text = "\n".join(lines) + "\n"
            found.append(Block(str(path.relative_to(ROOT)), opened, language, text))
            opened = 0
        else:
            opened, language, lines = number, line.removeprefix("```").strip(), []
    assert not opened, f"{path}:{opened}: the block is never closed"
    return found


BLOCKS = [block for page in PAGES for block in blocks(page)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `sh_block`, `toml_block`, ... runs for each block of that language."""
    for name in metafunc.fixturenames:
        if name.endswith("_block"):
            chosen = [block for block in BLOCKS if block.language == name.removesuffix("_block")]
            assert chosen, f"no document has a block for {name}"
            metafunc.parametrize(name, chosen, ids=str)


@pytest.fixture(scope="session")
def all_blocks() -> list[Block]:
    return BLOCKS


@dataclass(frozen=True)
class Proxy:
    data: str
    """`host:port` of the data port."""
    admin: str
    told: str
    """What it printed when it started."""
    log: IO[str]
    """Its standard output."""

    def placed(self, text: str) -> str:
        """A document's text with the addresses of this proxy."""
        return text.replace(DATA, self.data).replace(ADMIN, self.admin)

    def shown(self, text: str) -> str:
        """What was printed, with the addresses a document has."""
        return text.replace(self.data, DATA).replace(self.admin, ADMIN)


@pytest.fixture(scope="session")
def proxy() -> Iterator[Proxy]:
    ports = ["--port", "0", "--admin", "127.0.0.1:0"]
    with subprocess.Popen(
        [sys.executable, "-c", ENTRY, "serve", "--demo-without-keys", *ports],
        env=CLEAN | {"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told = ""
        while "sidestep: try: " not in told and (line := process.stderr.readline()):
            told += line
        found = re.search(r"serving http://(\S+)/v1, admin http://([^\s,]+)", told)
        assert found, told
        yield Proxy(found[1], found[2], told, process.stdout)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder as a checkout's top level, to run commands in, with a recording and some usage beside."""
    for name in ("config.toml", ".env.example"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copy(ROOT / "tests/golden/recording/exchanges.jsonl", tmp_path)
    sink = SqliteSink(str(tmp_path / LEDGER))
    sink.write(USED)
    sink.close()
    return tmp_path


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory, proxy: Proxy) -> dict[str, str]:
    """Keys that are none, `sidestep` on the path, and the base URL that the documents tell to set."""
    tools = tmp_path_factory.mktemp("bin")
    (tools / "sidestep").write_text(SHIM)
    (tools / "sidestep").chmod(0o755)
    own = {"PATH": f"{tools}:{os.environ['PATH']}", "OPENAI_BASE_URL": f"http://{proxy.data}/v1"}
    own["SIDESTEP_LEDGER_URL"] = f"sqlite:///{LEDGER}"
    return CLEAN | KEYS | own


@pytest.fixture
def shell(place: Path, environment: dict[str, str]) -> Callable[[str], "subprocess.CompletedProcess[str]"]:
    """Runs a command line as a person would, in bash."""

    def run(command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-c", command],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


def table(page: str, heading: str, place: int = 0) -> list[dict[str, str]]:
    """The `place`-th table under a heading: rows by the names of their columns, code marks removed."""
    text = (ROOT / page).read_text("utf-8")
    [body] = re.findall(rf"(?ms)^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text)
    found = re.findall(r"(?m)(?:^\|.*\n)+", body)
    head, _, *rows = [cells(line) for line in found[place].splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip().strip("|").split(" | ")]


@pytest.fixture(scope="session")
def rows() -> Callable[..., list[dict[str, str]]]:
    return table


@pytest.fixture
def failing():
    """`await failing(script, script, body)`: what a client gets of alpha, then beta, each asked once."""

    async def ask(first, second, body) -> bytes:
        async with (
            ScriptedProvider("alpha", Dialect.OPENAI_CHAT, first) as alpha,
            ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES, second) as beta,
            serving(chain_of(alpha, beta), build) as running,
            httpx2.AsyncClient() as client,
            client.stream("POST", f"{running.data_url}/v1/chat/completions", json=body) as answer,
        ):
            got = b""
            try:
                async for piece in answer.aiter_bytes():
                    got += piece
            except httpx2.RemoteProtocolError:
                assert answer.status_code == 200, "only a stream is cut"
            return got

    return ask


def chain_of(alpha: ScriptedProvider, beta: ScriptedProvider) -> Config:
    once = RetrySettings(attempts_per_target=1)
    providers = {one.name: Provider(one.name, one.dialect, one.base_url, retry=once) for one in (alpha, beta)}
    steps = (Step("alpha", "demo-large"), Step("beta", "demo-claude"))
    here = ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.1)
    return Config(providers, {"chain": ModelRoute("chain", steps)}, server=here)
