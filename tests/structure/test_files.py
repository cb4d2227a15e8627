"""Sizes, words and docstrings: what keeps the tree readable and fit to publish."""

import ast
import re

LINES = 400
DOCSTRING_LINES = 40
LEFT_OVER = re.compile(r"\b([T]ODO|[F]IXME|[X]XX|[H]ACK)\b")
MACHINE = re.compile(r"/(?:[w]ork|[r]oot|[h]ome|[U]sers)/\w|/opt/[w]heels")
INDEX = re.compile(r"pypi[.]org|pythonhosted[.]org|npmjs[.]org")
"""With a bracket in each, so that this file does not find itself."""


def places(texts, pattern):
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_python_file_is_longer_than_can_be_read_at_a_sitting(texts):
    long = {str(path): text.count("\n") for path, text in texts.items() if path.suffix == ".py"}
    assert {path: lines for path, lines in long.items() if lines > LINES} == {}


def test_nothing_is_left_for_later_in_a_comment(texts):
    """Open work belongs where work is tracked; in the tree it only ages."""
    assert places(texts, LEFT_OVER) == []


def test_no_path_of_one_machine_is_in_the_tree(texts):
    """It would work on that machine and nowhere else."""
    assert places(texts, MACHINE) == []


def test_no_package_index_is_named(texts):
    """Whoever installs chooses the index; hashes, not hosts, say what is installed."""
    assert places(texts, INDEX) == []


def test_every_module_says_what_it_is_for(texts, modules):
    """In a docstring, and not at more length than one reads."""
    lengths = {str(path): len((ast.get_docstring(ast.parse(texts[path])) or "").splitlines()) for path in modules}
    assert {path: lines for path, lines in lengths.items() if not 1 <= lines <= DOCSTRING_LINES} == {}
