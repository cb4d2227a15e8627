"""What holds for every command: quick start, one-line errors, exit codes, no traceback."""

import subprocess
import sys

import pytest

import proxy
from proxy.cli import _parser, main, serve
from proxy.cli.options import Stop

COMMANDS = ["serve", "check", "explain", "providers", "demo", "probe", "key"]


def test_the_version_is_told(sidestep):
    done = sidestep("--version")
    assert (done.returncode, done.stdout) == (0, f"sidestep {proxy.__version__}\n")


def test_help_names_every_command(sidestep):
    done = sidestep("--help")
    assert done.returncode == 0
    assert all(f"    {name} " in done.stdout for name in COMMANDS)
    assert "OPENAI_BASE_URL=http://127.0.0.1:4600/v1" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(sidestep, name):
    done = sidestep(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: sidestep {name}")


@pytest.mark.parametrize("args", [["--help"], ["probe", "--admin", "http://127.0.0.1:1"], ["key", "new", "app"]])
def test_quick_commands_import_only_the_standard_library(args):
    """Help, probes and keys must work even where a dependency is broken, and at once."""
    code = (
        "import sys\nfrom proxy.cli import main\n"
        f"try:\n    main({args!r})\nexcept SystemExit:\n    pass\n"
        "own = {name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names\n"
        "own = {name for name in own if not name.startswith('__editable__')}\n"
        "extra = {name for name in sys.modules if name.startswith('proxy.') and not name.startswith('proxy.cli')}\n"
        "sys.exit(repr((own, extra)) if own - {'proxy', '__main__'} or extra else 0)"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {proxy.__path__[0].removesuffix('/proxy')!r})\n{code}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ([], "sidestep: the following arguments are required: COMMAND (see sidestep --help)"),
        (["sreve"], "sidestep: argument COMMAND: invalid choice: 'sreve'"),
        (
            ["serve", "--port", "x"],
            "sidestep serve: argument --port: invalid int value: 'x' (see sidestep serve --help)",
        ),
        (["serve", "--nope"], "sidestep serve: unrecognized arguments: --nope (see sidestep serve --help)"),
        (["key", "new", "a", "b"], "sidestep key new: unrecognized arguments: b (see sidestep key new --help)"),
        (["--nope", "check"], "sidestep: unrecognized arguments: --nope (see sidestep --help)"),
        (["probe", "--admin", "127.0.0.1"], "sidestep: --admin must be http://HOST:PORT"),
        (["key", "new", "a b"], "sidestep: NAME must be 1 to 64 letters"),
        (["explain"], "sidestep: explain needs --model NAME or --file REQUEST.json"),
        (["serve", "--config", "none.toml"], "sidestep: none.toml: cannot be read: no such file or directory"),
        (["serve"], "sidestep: no provider has a key: set OPENAI_API_KEY or ANTHROPIC_API_KEY"),
        (["serve", "--config", "none.toml", "--demo-without-keys"], "sidestep: none.toml: cannot be read"),
    ],
)
def test_wrong_usage_and_configuration_is_one_line_and_code_2(sidestep, args, line):
    done = sidestep(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(line), done.stderr
    assert done.stderr.count("\n") == 1


def test_each_mistake_of_the_configuration_has_its_line(sidestep, tmp_path):
    (tmp_path / "c.toml").write_text('[models.m]\nchain = ["x/y"]\nmode = 3\n')
    done = sidestep("serve", env={"SIDESTEP_CONFIG": "c.toml"})
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        'sidestep: c.toml: models.m.chain: entry 1 names "x", but there is no [providers.x]',
        "sidestep: c.toml: models.m.mode: must be text, not a whole number",
        "sidestep: c.toml: providers: is missing: add at least one [providers.NAME]",
    ]


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (Stop("a", "b", code=1), 1, "sidestep: a\nsidestep: b\n"),
        (KeyboardInterrupt(), 130, ""),
        (OSError(98, "Address already in use"), 1, "sidestep: address already in use\n"),
        (FileNotFoundError(2, "No such file or directory", "x"), 1, "sidestep: x: no such file or directory\n"),
        (ExceptionGroup("", [OSError(28, "No space left on device")]), 1, "sidestep: no space left on device\n"),
        (ValueError("sk-secret"), 1, "sidestep: internal error: ValueError at "),
    ],
)
def test_whatever_a_command_raises_becomes_a_line_and_a_code(monkeypatch, capsys, error, code, line):
    """An unexpected error shows its place, but not its text: that could be anything."""

    def broken(arguments: object) -> int:
        raise error

    monkeypatch.setattr(serve, "run", broken)
    assert main(["serve"]) == code
    told = capsys.readouterr().err
    assert told.startswith(line)
    assert "secret" not in told
    assert "Traceback" not in told


@pytest.mark.parametrize("args", [["check"], ["check", "--json"], ["--help"], ["key", "new", "app"]])
def test_a_reader_that_leaves_is_no_error_worth_a_word(args):
    """`sidestep check | head -1`."""
    with subprocess.Popen(
        [sys.executable, "-c", f"import sys; from proxy.cli import main; sys.exit(main({args!r}))"],
        env={"OPENAI_API_KEY": "k", "PYTHONPATH": proxy.__path__[0].removesuffix("/proxy")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


def test_a_command_that_is_named_is_the_only_one_whose_options_are_made():
    """Making those of all takes a twentieth of a start."""
    (commands,) = (action.choices for action in _parser(["serve", "--port", "0"])._actions if action.choices)
    assert list(commands) == ["serve"]
    (commands,) = (action.choices for action in _parser(["--help"])._actions if action.choices)
    assert set(COMMANDS) <= set(commands)
