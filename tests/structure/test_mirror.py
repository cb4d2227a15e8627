"""`tests/unit` mirrors the packages: what a module does is tested where one looks for it.

`proxy/a/b.py` is tested in `tests/unit/proxy/a/test_b.py`, in `test_b_*.py` beside it where one file would be too long,
or in a folder `b/`. A package's `__init__.py` goes by the package's name.
"""

import ast
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

ENGINES = "tests/unit/proxy/upstream/test_engine_answers.py"

ELSEWHERE = {
    # Both engines pass one suite, so that nothing above the seam can tell them apart.
    "proxy/upstream/httpx2_engine.py": ENGINES,
    "proxy/upstream/native_answer.py": ENGINES,
}
"""Modules with logic that the tests of something else reach: each with that test, and a comment that says why."""

ACROSS = {
    "tests/unit/proxy/cli/test_main.py": "the command as a whole: help, version, unknown options",
    "tests/unit/proxy/config/test_example.py": "the example at the top of the tree",
    "tests/unit/proxy/upstream/test_engine_answers.py": "the contract of every engine",
    "tests/unit/proxy/upstream/test_engine_cancellation.py": "the contract of every engine",
    "tests/unit/proxy/upstream/test_engine_driving.py": "the contract of every engine",
    "tests/unit/proxy/upstream/test_engine_failures.py": "the contract of every engine",
    "tests/unit/proxy/upstream/test_engine_giving.py": "the contract of every engine",
    "tests/unit/proxy/upstream/test_engine_writing.py": "the contract of every engine",
}
"""Unit tests of more than one module, or of none, each with its subject."""


def has_logic(source: str) -> bool:
    """Whether any function of the module does something; a Protocol's signatures and a table's rows do not."""
    return any(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not _is_signature(node)
        for node in ast.walk(ast.parse(source))
    )


def _is_signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant) for step in function.body)


def subject(module: Path) -> Path:
    """The path a module's tests go by, without suffix."""
    return module.parent if module.name == "__init__.py" else module.with_suffix("")


def found_for(name: Path, tests: Mapping[Path, list[Path]]) -> list[Path]:
    """The tests of what goes by `name`; `tests` by folder, those above it included."""
    home = Path("tests/unit") / name.parent
    beside = [one for one in tests.get(home, []) if one.parent == home]
    own = [one for one in beside if one.stem == f"test_{name.name}" or one.stem.startswith(f"test_{name.name}_")]
    return own + tests.get(home / name.name, [])


def by_folder(tests: list[Path]) -> Mapping[Path, list[Path]]:
    found = defaultdict(list)
    for test in tests:
        for folder in test.parents:
            found[folder].append(test)
    return found


def unit_tests(tree):
    return [path for path in tree if path.parts[:2] == ("tests", "unit") and path.name.startswith("test_")]


def test_every_module_with_logic_has_its_unit_test(texts, tree, modules):
    """Or is listed above, where nothing stays that has its own test by now."""
    tests = by_folder(unit_tests(tree))
    missing = {str(one) for one in modules if has_logic(texts[one]) and not found_for(subject(one), tests)}
    assert missing == set(ELSEWHERE), "\n".join(sorted(missing ^ set(ELSEWHERE)))
    assert {test for test in ELSEWHERE.values() if Path(test) not in tree} == set()


def test_every_unit_test_is_where_its_module_would_be(tree, modules):
    """A module that moved or went takes its test along."""
    tests = unit_tests(tree)
    folders, names = by_folder(tests), {f"test_{subject(module).name}" for module in modules}
    placed = {one for module in modules if module.name != "__init__.py" for one in found_for(subject(module), folders)}
    placed |= {test for test in tests if test.stem in names}
    orphans = {str(test) for test in set(tests) - placed}
    assert orphans == set(ACROSS), "\n".join(sorted(orphans ^ set(ACROSS)))
