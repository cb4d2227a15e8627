"""The exact count never touches the network."""

import base64
import hashlib
import socket
import subprocess
import sys

import pytest
import tiktoken

from proxy.tokens import vocabulary
from proxy.tokens.vocabulary import exact, missing_vocabularies


def test_the_vocabularies_that_a_folder_lacks_are_named(monkeypatch, tmp_path):
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    assert missing_vocabularies() == ("", [])
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert missing_vocabularies() == (str(tmp_path), ["o200k_base", "cl100k_base"])
    digest = hashlib.sha256(b"x").hexdigest()
    monkeypatch.setattr(vocabulary, "_VOCABULARIES", {"whole": ("w", digest), "damaged": ("d", digest)})
    (tmp_path / "w").write_bytes(b"x")
    (tmp_path / "d").write_bytes(b"y")
    assert missing_vocabularies() == (str(tmp_path), ["damaged"])


@pytest.fixture
def no_network(monkeypatch):
    """Any connection is a failure."""

    def refuse(*args: object) -> None:
        raise AssertionError("tried to connect")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    vocabulary._encoding.cache_clear()


@pytest.mark.parametrize("content", [None, b"", b"damaged"])
def test_without_a_whole_vocabulary_at_hand_there_is_no_exact_count(no_network, monkeypatch, tmp_path, content):
    """tiktoken would delete a damaged file and download it anew."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    file = tmp_path / vocabulary._VOCABULARIES["o200k_base"][0]
    if content is not None:
        file.write_bytes(content)
    assert exact("hello", "gpt-4o") is None
    assert content is None or file.read_bytes() == content


def test_without_a_folder_or_for_unknown_models_nothing_is_loaded(no_network, monkeypatch, tmp_path):
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    assert exact("hello", "gpt-4o") is None
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert exact("hello", "claude-sonnet-5") is None


def test_with_the_vocabulary_at_hand_the_count_is_tiktokens(no_network, monkeypatch, tmp_path):
    """A small vocabulary of our own stands in for the real one of 3 MB."""
    lines = b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256))
    name, _ = vocabulary._VOCABULARIES["o200k_base"]
    (tmp_path / name).write_bytes(lines)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(vocabulary, "_VOCABULARIES", {"o200k_base": (name, hashlib.sha256(lines).hexdigest())})
    ranks = {bytes([byte]): byte for byte in range(256)}
    small = tiktoken.Encoding("small", pat_str=r"(?s:.)", mergeable_ranks=ranks, special_tokens={"<|end|>": 256})
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: small)
    assert exact("héllo<|end|>", "gpt-4o") == len("héllo<|end|>".encode())


def test_tiktoken_is_not_imported_before_it_is_needed():
    code = "import sys, proxy.tokens; proxy.tokens.at_least({'messages': []}); sys.exit('tiktoken' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
