"""Where secrets come from.

A key is named by its source, `env:NAME` or `file:/path` (or one that gives tokens: `proxy.config.sources`); a key that
stands in the configuration itself is refused, and no message repeats what may be one.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from proxy.config.hidden import Secret

CLIENT: Final = "client"
"""The source that means: the caller's own key."""
FILE_LIMIT: Final = 64 * 1024

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()


class NoSecret(Exception):
    """The message says why, as a clause without the secret; `what` is the same without the place it begins with."""

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(f"{where} {what}" if where else what)
        self.what = what


def read_secret(source: str, env: Mapping[str, str]) -> Secret:
    """The secret at `env:NAME` or `file:/path`, outer whitespace removed.

    Raises NoSecret when it is missing, empty, or could not be sent in a header.
    """
    scheme, _, place = source.partition(":")
    if scheme == "env" and _VARIABLE.match(place):
        value, where = env.get(place, "").strip(), f"environment variable {place}"
        if not value:
            raise NoSecret("is empty" if place in env else "is not set", where)
    elif scheme == "file" and place:
        value, where = _file(place), f"file {place}"
    else:
        raise NoSecret(
            'must be "env:NAME", "file:/path", "entra:", "entra-managed:", "google:" or "client"; a key itself does '
            "not belong in a file of settings"
        )
    return checked(value, where)


def checked(value: str, where: str) -> Secret:
    """Raises NoSecret for what could not be sent in a header."""
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise NoSecret("has spaces, line breaks or characters that no key has", where)
    return Secret(value)


def _file(place: str) -> str:
    try:
        with Path(place).open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise NoSecret(f"file {place} cannot be read: {(error.strerror or 'unknown error').lower()}") from None
    if len(content) > FILE_LIMIT:
        raise NoSecret(f"file {place} is larger than a key can be")
    value = content.decode("utf-8", "replace").strip()
    if not value:
        raise NoSecret(f"file {place} is empty")
    return value


def digest(text: str) -> tuple[str | None, str]:
    """A SHA-256 digest in lower case, or None and what is wrong with it."""
    value = text.strip().lower()
    if not _DIGEST.match(value):
        return None, "must be the SHA-256 of a key in 64 hex digits (`sidestep key new NAME` prints one)"
    if value == _EMPTY_DIGEST:
        return None, "is the digest of an empty key"
    return value, ""
