"""What the documents name exists, and what exists is named."""

import re
import tomllib

import pytest

import proxy


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def names(lines):
    """Distribution names at the start of requirement lines."""
    found = (re.match(r"[A-Za-z0-9][\w.-]*", line) for line in lines)
    return {name[0].lower().replace("_", "-") for name in found if name}


def documented(root, section):
    """Names in the first column of the tables under a heading of docs/dependencies.md."""
    text = (root / "docs/dependencies.md").read_text()
    [body] = re.findall(rf"(?ms)^## {section}\n(.*?)(?=^## |\Z)", text)
    return {name for row in re.findall(r"(?m)^\| (`[^|]+) \|", body) for name in re.findall(r"`([^`]+)`", row)}


def test_every_run_time_requirement_has_its_reason_and_no_other_has(root, project):
    assert documented(root, "Run time") == names(project["dependencies"])


def test_what_the_requirements_bring_along_is_named_too(root, project):
    """The lock holds nothing that the page does not answer for."""
    locked = names((root / "requirements/run.txt").read_text().splitlines())
    direct = names(project["dependencies"])
    assert documented(root, "Brought along") == locked - direct


def test_every_development_requirement_has_its_reason_and_no_other_has(root):
    listed = names((root / "requirements/dev.in").read_text().splitlines())
    assert documented(root, "Development") == listed


def test_every_requirement_of_fuzzing_has_its_reason(root):
    assert documented(root, "Fuzzing") == names((root / "requirements/fuzz.in").read_text().splitlines())


def test_the_locks_input_is_what_the_project_requires(root, project):
    """Beside the build backend, which an install without isolation needs."""
    listed = names((root / "requirements/run.in").read_text().splitlines())
    assert listed - {"setuptools"} == names(project["dependencies"])


def test_every_extra_requirement_has_its_reason_and_its_lock(root, project):
    extra = names(one for listed in project["optional-dependencies"].values() for one in listed)
    assert documented(root, "Extra") == extra
    for name, listed in project["optional-dependencies"].items():
        assert names((root / f"requirements/{name}.in").read_text().splitlines()) == names(listed)
        assert names((root / f"requirements/{name}.txt").read_text().splitlines()) >= names(listed)


@pytest.mark.parametrize("lock", ["run", "redis", "vertex", "dev", "frameworks", "fuzz"])
def test_every_locked_requirement_is_pinned_and_has_hashes(root, lock):
    """No loose version, no address, no option that widens where packages come from."""
    text = (root / f"requirements/{lock}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert [line[:80] for line in lines if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []


def test_the_changelog_tells_of_this_version_or_of_what_comes(root):
    text = (root / "CHANGELOG.md").read_text()
    assert re.search(rf"(?m)^## \[(Unreleased|{re.escape(proxy.__version__)})\]", text)


def test_every_make_target_that_a_document_names_exists(root, tree, texts):
    """A command that is read must work as it is typed."""
    targets = set(re.findall(r"(?m)^([a-z-]+):", (root / "Makefile").read_text()))
    pages = [path for path in tree if path.suffix == ".md"]
    named = {
        (str(path), target)
        for path in pages
        for code in re.findall(r"```.*?```|`[^`\n]+`", texts[path], re.DOTALL)
        for target in re.findall(r"(?m)(?:^|[`$&] ?)make ([a-z][a-z-]*)", code)
    }
    assert {(path, target) for path, target in named if target not in targets} == set()
    assert {"run", "test"} <= {target for path, target in named if path == "README.md"}


def test_every_link_between_documents_leads_somewhere(root, tree, texts):
    links = {
        (str(path), link)
        for path in tree
        if path.suffix == ".md"
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", texts[path])
    }
    assert {(path, link) for path, link in links if not ((root / path).parent / link).exists()} == set()
