"""Which engine a provider gets, and that no other one is loaded for it."""

import subprocess
import sys

import pytest

from proxy.config.values import Provider
from proxy.upstream.engines import engine_for
from proxy.upstream.httpx2_engine import Httpx2Engine
from proxy.upstream.native import NativeEngine

ALPHA = Provider("alpha", "openai-chat", "http://127.0.0.1")


@pytest.mark.parametrize(("kind", "engine"), [("native", NativeEngine), ("httpx2", Httpx2Engine)])
def test_the_engine_asked_for_is_made(kind, engine):
    assert type(engine_for(kind, ALPHA)) is engine


def test_a_provider_behind_a_proxy_gets_an_engine_that_speaks_to_proxies():
    behind = Provider("alpha", "openai-chat", "http://127.0.0.1", proxy="http://127.0.0.1:1")
    assert type(engine_for("native", behind)) is Httpx2Engine


@pytest.mark.parametrize("kind", ["native", "httpx2"])
def test_a_ca_file_that_cannot_be_used_is_named(kind, tmp_path):
    broken = Provider("alpha", "openai-chat", "https://localhost", ca_file=str(tmp_path / "missing.pem"))
    with pytest.raises(ValueError, match=r"missing\.pem"):
        engine_for(kind, broken)


def test_only_the_chosen_engine_is_imported():
    code = """
import sys
from proxy.config.values import Provider
from proxy.upstream.engines import engine_for
engine_for("native", Provider("a", "openai-chat", "http://127.0.0.1"))
assert "httpx2" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
