"""Keys come from variables and files, and never show."""

import hashlib

import pytest

from proxy.config.secrets import NoSecret, digest, read_secret


def refused(source: str, env: dict[str, str] | None = None) -> str:
    with pytest.raises(NoSecret) as caught:
        read_secret(source, env or {})
    return str(caught.value)


def test_a_key_is_read_from_a_variable_without_outer_whitespace():
    assert read_secret("env:X", {"X": " sk-1\n"}).reveal() == "sk-1"


def test_a_key_is_read_from_a_file_without_its_last_line_break(tmp_path):
    (tmp_path / "key").write_text("sk-2\n")
    assert read_secret(f"file:{tmp_path}/key", {}).reveal() == "sk-2"


def test_what_is_missing_or_empty_is_said(tmp_path):
    empty, large = tmp_path / "empty", tmp_path / "large"
    empty.write_text(" \n")
    large.write_text("x" * 70_000)
    assert refused("env:X") == "environment variable X is not set"
    assert refused("env:X", {"X": "  "}) == "environment variable X is empty"
    assert refused(f"file:{tmp_path}/none") == f"file {tmp_path}/none cannot be read: no such file or directory"
    assert refused(f"file:{tmp_path}") == f"file {tmp_path} cannot be read: is a directory"
    assert refused(f"file:{empty}") == f"file {empty} is empty"
    assert refused(f"file:{large}") == f"file {large} is larger than a key can be"


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "nul\x00", "schlüssel", "\x1b[0m"])
def test_what_no_header_could_carry_is_no_key(value):
    """And the message does not repeat it."""
    message = refused("env:X", {"X": value})
    assert message == "environment variable X has spaces, line breaks or characters that no key has"


@pytest.mark.parametrize("source", ["sk-canary", "env:", "file:", "env:A B", "vault:x", "", "sk:canary", "ENV:X"])
def test_a_source_that_is_none_is_refused_without_repeating_it(source):
    message = refused(source, {"A B": "x"})
    assert "canary" not in message
    assert message.startswith('must be "env:NAME", "file:/path", "entra:", "entra-managed:", "google:" or "client"')


def test_digests_are_64_hex_digits_in_lower_case():
    assert digest(" " + "AB" * 32) == ("ab" * 32, "")
    for wrong in ("", "ab", "ab" * 31, "zz" * 32, "ab" * 33, "sk-sidestep-x"):
        value, problem = digest(wrong)
        assert value is None
        assert problem.startswith("must be the SHA-256 of a key in 64 hex digits")


def test_the_digest_of_nothing_is_refused():
    assert digest(hashlib.sha256(b"").hexdigest()) == (None, "is the digest of an empty key")
