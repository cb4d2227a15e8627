"""What a plain proxy has loaded when it is ready: nothing that its configuration does not ask for, and nothing that
whoever waits for it to be ready does not."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLAIN = """
[server]
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"

[providers.alpha]
dialect = "openai-chat"
base_url = "http://127.0.0.1:9/v1"
keys = ["env:ALPHA_KEY"]

[models.large]
chain = ["alpha/large"]
"""
COUNTED = """
[[budgets]]
name = "all"
unit = "usd"
amount = 1
window = "day"
"""
PROGRAM = """
import os, sys
from proxy.cli import main
from proxy.server import lifecycle

def ready():
    print(*sys.modules, sep="\\n", flush=True)
    os._exit(0)

lifecycle.load_the_rest = ready
sys.exit(main(["serve", "--config", sys.argv[1]]))
"""
UNASKED = ("proxy.budgets", "proxy.ledger", "proxy.selection.chooser", "proxy.usage.writer", "proxy.usage.sqlite")
UNASKED += ("proxy.recording.recorder", "proxy.telemetry.spans", "proxy.upstream.collector", "proxy.redis")
AFTER = ("translators.anthropic_messages", "translators.gemini", "translators.openai_completions")
AFTER += (
    "starlette",
    "structlog",
    "prometheus_client",
    "proxy.admin.pages",
    "proxy.admin.overview",
    "proxy.admin.feed",
)
NEVER = ("httpx2", "tiktoken", "sqlite3", "redis", "cryptography", "importlib.resources")
LIGHT = ("proxy.budgets.till", "proxy.budgets.identity", "proxy.budgets.most", "proxy.budgets.windows")
"""Which are asked by whatever serves, and load nothing."""
LIGHT += ("proxy.ledger.store",)


def loaded(folder: Path, text: str) -> list[str]:
    """The modules that a proxy under this configuration has when it is ready."""
    config = folder / "config.toml"
    config.write_text(text)
    environment = {**os.environ, "ALPHA_KEY": "k"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(config)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def among(names: list[str], packages: tuple[str, ...]) -> list[str]:
    """Those of `names` that are one of `packages` or in one."""
    return [name for name in names if any(name == one or name.startswith(f"{one}.") for one in packages)]


def test_a_plain_start_loads_nothing_that_nobody_asked_for(tmp_path):
    found = [name for name in loaded(tmp_path, PLAIN) if name not in {"proxy.budgets", "proxy.ledger", *LIGHT}]
    assert "proxy.app" in found
    assert among(found, UNASKED + AFTER + NEVER) == []


def test_what_a_configuration_asks_for_is_loaded_when_it_is_ready(tmp_path):
    found = loaded(tmp_path, PLAIN + COUNTED)
    assert {"proxy.budgets.paying", "proxy.budgets.spend", "proxy.ledger.ledger"} <= set(found)
