"""`sidestep doctor` as a process of its own, beside one provider of each dialect, well and not."""

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import overloaded_event, refuse, status
from tests.e2e.process import ENTRY, ROOT, provider
from translators.ir import Dialect

DIALECTS = {
    "alpha": Dialect.OPENAI_CHAT,
    "beta": Dialect.ANTHROPIC_MESSAGES,
    "gamma": Dialect.GEMINI,
    "delta": Dialect.OPENAI_RESPONSES,
}
KEY = "sk-doctor-canary"


class Ward:
    """The providers, and what `doctor --json` finds of them."""

    def __init__(self, file: Path, providers: dict[str, ScriptedProvider]) -> None:
        self.providers = providers
        self._file = file

    async def examined(self, *more: str) -> tuple[int, dict[tuple[str, str], dict[str, str]]]:
        """The exit code, and the findings by subject and check."""
        done = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ENTRY, "doctor", "--json", "--config", str(self._file), *more),
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "KEY": KEY},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await done.communicate()
        assert KEY.encode() not in out + err
        found = json.loads(out)["findings"]
        return done.returncode, {(one["subject"], one["check"]): one for one in found}


@pytest.fixture
async def ward(tmp_path):
    async with AsyncExitStack() as stack:
        providers = {
            name: await stack.enter_async_context(ScriptedProvider(name, dialect)) for name, dialect in DIALECTS.items()
        }
        file = tmp_path / "c.toml"
        chain = ", ".join(f'"{name}/demo-large"' for name in providers)
        blocks = [provider(one, keys='["env:KEY"]', profile="{ max_output = 512 }") for one in providers.values()]
        file.write_text("\n".join((*blocks, f"[models.m]\nchain = [{chain}]\n")))
        yield Ward(file, providers)


async def test_every_dialect_is_asked_in_its_own_words_and_all_is_well(ward):
    code, found = await ward.examined("--chat")
    assert [key for key, one in found.items() if one["verdict"] in ("fail", "warn")] == []
    assert code == 0
    for name in DIALECTS:
        assert found[name, "key"]["verdict"] == found[name, "models"]["verdict"] == "ok"
        assert (
            found[f"{name}/demo-large", "chat"]["verdict"] == found[f"{name}/demo-large", "stream"]["verdict"] == "ok"
        )


async def test_what_fails_is_told_of_its_own_provider_with_what_to_do(ward):
    ward.providers["alpha"].script = refuse()
    ward.providers["beta"].script = status(503)
    ward.providers["delta"].script = overloaded_event()
    code, found = await ward.examined("--chat")
    failed = {key: one for key, one in found.items() if one["verdict"] == "fail"}
    assert code == 1
    assert set(failed) >= {("alpha", "tcp"), ("beta/demo-large", "chat"), ("delta/demo-large", "stream")}
    assert not [key for key in failed if key[0].startswith("gamma")]
    assert all(one["fix"] for one in failed.values())


async def test_without_chat_nothing_is_asked_that_costs(ward):
    await ward.examined()
    for one in ward.providers.values():
        asked = sum(heard.method == "POST" for heard in one.requests)
        assert asked == one.refused, "what tries a key by a question is one that no server answers"
