"""Continuous integration runs what a developer runs, with no more trust than it needs."""

import os
import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci/run"


def test_the_script_is_bash_that_stops_at_the_first_failure():
    """Executable, well formed, and strict about errors, unset names and pipes."""
    assert os.access(SCRIPT, os.X_OK)
    assert "set -euo pipefail" in SCRIPT.read_text()
    assert subprocess.run(["bash", "-n", SCRIPT], check=False).returncode == 0


def test_it_ends_with_the_two_commands_everyone_uses():
    assert SCRIPT.read_text().splitlines()[-2:] == ["make test", "make check"]


def test_every_workflow_pins_its_actions_by_commit_and_may_only_read():
    """A tag can be moved to other code; a token that may write, or that a step keeps, can be stolen with it."""
    workflows = list((ROOT / ".github/workflows").glob("*.yml"))
    assert workflows
    for path in workflows:
        text = path.read_text()
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {"contents": "read"}, path
        assert "pull_request_target" not in text
        assert "secrets." not in text, "tests need none"
        for job in workflow["jobs"].values():
            assert job["timeout-minutes"] <= 20
            for step in job["steps"]:
                if "uses" in step:
                    assert re.fullmatch(r"actions/\w+@[0-9a-f]{40}", step["uses"]), step
                    assert step["with"]["persist-credentials"] is False
