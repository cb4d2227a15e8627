"""Programs, configurations and data of the documents work as they stand."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from proxy.config.load import load
from proxy.config.profiles import vendors
from proxy.drill.script import cut, status

ROOT = Path(__file__).parents[2]
NODE = ROOT / "tests/e2e/node"
KEYS = {name: f"k-{name}" for vendor in vendors().values() for name in vendor.key_env}
ENTRA = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s", "ALERTS_SECRET": "s"}
BODY = {"model": "chain", "messages": [{"role": "user", "content": "Hello"}]}


def test_every_python_program_gets_its_answer(python_block, environment, place):
    done = subprocess.run(
        [sys.executable, "-c", python_block.text],
        cwd=place, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("demo answer from alpha") >= 1


def test_every_javascript_program_gets_its_answer(javascript_block, environment):
    if shutil.which("node") is None or not (NODE / "node_modules/openai").is_dir():
        pytest.skip("Node or its openai package is missing (npm ci in tests/e2e/node)")
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", javascript_block.text],
        cwd=NODE, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "demo answer from alpha" in done.stdout


def completed(text: str) -> str:
    """A piece of a configuration with what a whole one needs besides: a provider, and a model it serves."""
    data = tomllib.loads(text)
    if "providers" not in data:
        text += '\n[providers.openai]\nvendor = "openai"\n'
    if "models" not in data:
        name = next(iter(data.get("providers", {"openai": None})))
        text += f'\n[models."*"]\nchain = ["{name}/*"]\n'
    return text


def test_every_piece_of_configuration_loads_without_a_warning(toml_block, tmp_path):
    file = tmp_path / "piece.toml"
    file.write_text(completed(toml_block.text))
    more = {"SIDESTEP_STATE_DIR": str(tmp_path), "REDIS_PASSWORD": "word", "GROQ_API_KEY": "word"}
    assert load(str(file), KEYS | ENTRA | more).warnings == ()


def test_every_piece_of_json_is_json(json_block):
    assert json.loads(json_block.text)


def shown_error(all_blocks, code):
    [found] = [
        json.loads(block.text) for block in all_blocks if block.language == "json" and f'"code": "{code}"' in block.text
    ]
    return found


def without_times(told):
    return json.loads(re.sub(r'("ms": ?)\d+', r"\g<1>0", json.dumps(told)))


async def test_the_error_after_all_targets_failed_is_the_one_shown(all_blocks, failing):
    answer = await failing(status(503), status(529), BODY)
    assert without_times(json.loads(answer)) == without_times(shown_error(all_blocks, "all_targets_failed"))


async def test_the_event_that_ends_a_broken_stream_is_the_one_shown(all_blocks, failing):
    answer = await failing(cut(after=2), status(529), BODY | {"stream": True})
    *_, last = [line for line in answer.splitlines() if line]
    assert json.loads(last.removeprefix(b"data: ")) == shown_error(all_blocks, "stream_cut")
    assert b"[DONE]" not in answer
