"""The image is small, locked, unprivileged, and holds the project and nothing that runs by itself."""

import json
import re
import zipfile
from pathlib import Path

import proxy

ROOT = Path(__file__).parents[2]


def of(dockerfile, stage, word):
    return [one.text for one in dockerfile if one.stage == stage and one.word == word]


def test_both_stages_stand_on_one_base_pinned_to_a_patch_release(dockerfile):
    """A moving tag would change the image without a change of the file."""
    [base] = of(dockerfile, "", "ARG")
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.12\.\d+-slim-\w+", base)
    froms = [one.text for one in dockerfile if one.word == "FROM"]
    assert froms == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE} AS run"]


def test_everything_installed_is_a_wheel_of_the_lock_or_the_project_itself(dockerfile):
    """Each pip install either demands hashes and wheels, or takes only the wheel built here."""
    installs = [text for text in of(dockerfile, "build", "RUN") if re.search(r"\binstall\b", text)]
    assert len(installs) == 2
    locked, own = installs
    assert "--require-hashes" in locked
    assert "--only-binary :all:" in locked
    assert "-r requirements/run.txt" in locked
    assert "--no-deps --no-index /src/dist/sidestep-*.whl" in own


def test_the_run_stage_adds_only_what_the_build_stage_made(dockerfile):
    """No package manager, no compiler, no file of the checkout."""
    assert of(dockerfile, "run", "COPY") == [
        "--from=build /opt/sidestep /opt/sidestep",
        "--from=build /opt/tiktoken /opt/tiktoken",
    ]
    assert not [one for one in dockerfile if one.word == "ADD"]
    [made] = of(dockerfile, "run", "RUN")
    assert "uninstall" in made
    assert not re.search(r"apt|curl|wget|\binstall\b", made)


def test_it_runs_as_a_numeric_user_that_is_not_root(dockerfile):
    assert of(dockerfile, "run", "USER") == ["65532:65532"]


def test_it_starts_and_is_probed_without_a_shell(dockerfile):
    """Exec forms, through the command that a Pod uses too."""
    assert json.loads(of(dockerfile, "run", "ENTRYPOINT")[0]) == ["sidestep"]
    assert json.loads(of(dockerfile, "run", "CMD")[0]) == ["serve", "--host", "0.0.0.0"]
    [health] = of(dockerfile, "run", "HEALTHCHECK")
    assert json.loads(health.split("CMD ", 1)[1]) == ["sidestep", "probe"]


def test_nothing_is_written_at_run_time(dockerfile):
    """Bytecode is compiled in both stages and never by the running process; the vocabularies are where it looks."""
    [env] = of(dockerfile, "run", "ENV")
    assert "PYTHONDONTWRITEBYTECODE=1" in env
    assert "TIKTOKEN_CACHE_DIR=/opt/tiktoken" in env
    assert any("compileall" in text for text in of(dockerfile, "build", "RUN"))
    assert any("compileall" in text for text in of(dockerfile, "run", "RUN"))


def test_the_state_folder_belongs_to_the_user_that_runs(dockerfile):
    """A volume that is mounted over it takes its owner; without one a read-only root keeps it empty."""
    [env] = of(dockerfile, "run", "ENV")
    [folder] = re.findall(r"SIDESTEP_STATE_DIR=(\S+)", env)
    [made] = of(dockerfile, "run", "RUN")
    assert f"mkdir -p -m 0700 {folder} && chown {of(dockerfile, 'run', 'USER')[0]} {folder}" in made


def test_its_version_label_is_the_projects(dockerfile):
    [label] = of(dockerfile, "run", "LABEL")
    assert f'org.opencontainers.image.version="{proxy.__version__}"' in label


def test_the_build_sees_an_allowlist_of_the_checkout():
    """An ignore file that names what to leave out would one day let a secret in."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert {line for line in lines if line.startswith("!")} == {
        "!LICENSE",
        "!README.md",
        "!pyproject.toml",
        "!requirements/redis.txt",
        "!requirements/run.txt",
        "!proxy",
        "!translators",
    }


def test_the_wheel_holds_both_packages_whole_and_nothing_that_runs_by_itself(built):
    """Every module and data file of the tree, no .pth file, no test, no configuration."""
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    tree = {
        str(path.relative_to(built.folder / "src"))
        for package in ("proxy", "translators")
        for path in (built.folder / "src" / package).rglob("*")
        if path.suffix in {".py", ".toml", ".json", ".css", ".html", ".js", ".svg"}
    }
    assert tree <= names
    assert "translators/profiles.toml" in names
    assert names - tree <= {"proxy/py.typed", "translators/py.typed"}


def test_the_built_environment_starts_alone_and_writes_nothing(built):
    """Away from the checkout `sidestep --version` answers, the server's modules import, and no file appears."""
    before = set(built.environment.rglob("*"))
    version = built.run("sidestep", "--version")
    assert version.returncode == 0, version.stderr
    assert proxy.__version__ in version.stdout
    found = built.run("python", "-I", "-c", "import proxy.server, translators.catalog; print(proxy.__file__)")
    assert found.returncode == 0, found.stderr
    assert Path(found.stdout.strip()).is_relative_to(built.environment)
    assert set(built.environment.rglob("*")) == before


def test_the_built_environment_has_no_installer_and_no_pth_file(built):
    packages = {path.name for path in built.environment.glob("lib/python3*/site-packages/*")}
    assert not packages & {"pip", "setuptools", "_distutils_hack"}
    assert not [name for name in packages if name.endswith(".pth")]


def test_a_build_without_network_goes_on_without_the_vocabularies(built):
    """The step says what is missing and leaves an empty folder to copy, not a broken file."""
    assert built.fetch.returncode == 0
    assert built.fetch.stdout.count("no network for") == 2
    assert not list((built.folder / "opt/tiktoken").iterdir())
