"""The files of the checkout, as the checks of the house see them."""

from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def tree():
    """Every file that .gitignore does not leave out, relative to the root."""
    ignored = [".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split())]
    found, folders = [], [ROOT]
    while folders:
        for path in folders.pop().iterdir():
            if any(fnmatch(path.name, pattern) for pattern in ignored):
                continue
            if path.is_dir():
                folders.append(path)
            else:
                found.append(path.relative_to(ROOT))
    return sorted(found)


@pytest.fixture(scope="session")
def modules(tree):
    """The Python modules of the two packages."""
    return [path for path in tree if path.suffix == ".py" and path.parts[0] in {"proxy", "translators"}]


@pytest.fixture(scope="session")
def texts(tree):
    """Text of every file that is text."""
    found = {}
    for path in tree:
        try:
            found[path] = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found
