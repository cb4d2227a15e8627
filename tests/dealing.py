"""`pytest -p tests.dealing -n 3`: every worker takes a share of the files, and never reads the others.

What pytest-xdist deals out by itself is dealt after each worker has read every file, which takes most of a minute of
each: three workers spent more on that than any folder of tests on its tests. Here the shares are cut beforehand, file
by file in the order of their names, so that the slow ones of a folder come to different workers. A worker that dies
ends the run.
"""

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import EachScheduling

TESTS = Path(__file__).parent
SESSION = pytest.StashKey[pytest.Session]()
PASSED_OVER = pytest.StashKey[frozenset[Path]]()


def files() -> list[Path]:
    return sorted(path for path in TESTS.rglob("test_*.py") if "node_modules" not in path.parts)


def share(number: int, count: int) -> list[Path]:
    """What the worker of this number, from 0, reads of all the files."""
    return files()[number::count]


class Shares(EachScheduling):
    """Every worker runs whatever it found."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self._session = config.stash[SESSION]

    def schedule(self) -> None:
        super().schedule()
        self._session.testscollected = sum(map(len, self.node2collection.values()))


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[SESSION] = session


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    return Shares(config, log)


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
        config.stash[PASSED_OVER] = frozenset(files()) - frozenset(share(number, count))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True for a file of another worker's share."""
    return collection_path in config.stash.get(PASSED_OVER, ()) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out another's share where its file was named on the command line: what is named is read by all."""
    passed_over = config.stash.get(PASSED_OVER, frozenset())
    items[:] = [item for item in items if item.path not in passed_over]
