"""What the checks of scripted providers share."""

from collections.abc import Mapping
from typing import Any


def names(text: str) -> frozenset[str]:
    """The names that `text` holds, with spaces between them."""
    return frozenset(text.split())


def unknown(given: Mapping[str, Any], known: frozenset[str]) -> list[str]:
    """The names in `given` that nobody knows, sorted."""
    return sorted(given.keys() - known)
