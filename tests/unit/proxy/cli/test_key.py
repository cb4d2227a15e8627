"""A new key is shown once, with what admits it."""

import hashlib
import re
import tomllib

from proxy.cli import main
from proxy.config.listeners import Overrides
from proxy.config.load import load


def test_the_printed_block_admits_the_printed_key(capsys):
    assert main(["key", "new", "app-1"]) == 0
    shown = capsys.readouterr().out
    key = re.search(r"^  (sk-sidestep-\S+)$", shown, re.MULTILINE)
    assert key
    digest = hashlib.sha256(key[1].encode()).hexdigest()
    block = shown[shown.index("  [clients.") : shown.index("Or without")]
    assert tomllib.loads(block) == {"clients": {"app-1": {"key_sha256": [digest]}}}
    line = next(one for one in shown.splitlines() if "SIDESTEP_CLIENT_SHA256" in one)
    name, _, value = line.strip().partition("=")
    loaded = load(None, {"OPENAI_API_KEY": "k", name: value}, Overrides(host="0.0.0.0"))
    assert loaded.config.clients["env"].key_sha256 == (digest,)


def test_keys_are_long_url_safe_and_never_the_same(capsys):
    keys = set()
    for _ in range(3):
        main(["key", "new", "app"])
        keys |= set(re.findall(r"sk-sidestep-[A-Za-z0-9_-]{43}\b", capsys.readouterr().out))
    assert len(keys) == 3
