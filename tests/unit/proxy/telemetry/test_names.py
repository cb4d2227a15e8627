"""The names that leave the process stand in one place."""

import ast
import re
from pathlib import Path

import pytest

from proxy.config.addresses import check_header
from proxy.telemetry import names

PROXY = Path(names.__file__).parents[1]
OWN = {value for name, value in vars(names).items() if name.isupper() and str(value).startswith("x-sidestep-")}


def written(path: Path) -> set[str]:
    """Headers of ours that a module's code spells out; its docstrings may speak of them."""
    text = path.read_text()
    if "x-sidestep-" not in text:
        return set()
    tree = ast.parse(text)
    prose = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    texts = [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and id(one) not in prose]
    return {found for text in texts if isinstance(text, str) for found in re.findall("x-sidestep-[a-z-]*[a-z]", text)}


def test_no_other_module_spells_a_header_of_ours_out():
    spelt = {str(path.relative_to(PROXY)): written(path) for path in PROXY.rglob("*.py")}
    assert {path: found for path, found in spelt.items() if found} == {"telemetry/names.py": OWN}


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_configuration_cannot_set_a_header_of_ours(name):
    assert check_header(name, "1") == "is set by Sidestep itself"
