"""Commands of the documents are run, and print what the documents show.

A `sh` block is commands alone; in a `console` block they stand after `$ `, each with what it prints. There `...` stands
for anything within a line, and on a line of its own for any lines; ids, times, hashes and ports are not compared.
"""

import re
import shlex
import shutil
import signal
import subprocess

import pytest

from proxy.drill.demo import _ROW, PHASES

NOT_RUN = {
    r"make (run|test|install)\b.*": "installs from a package index; continuous integration runs these",
    r"make drill\b.*": "installs first; test_drills plays its recipe",
    r"make (bench|soak|overload)\b.*": "measures for minutes",
    r"make matrix\b.*": "plays for minutes; tests/faults plays a part of it",
    r"kubectl port-forward .*": "needs a cluster",
    r"docker (build|run) .*": "needs a container engine; tests/ops plays the image's build",
    r"sidestep doctor\b.*": "asks real providers; its unit tests play them",
    r"sidestep demo": "takes half a minute; its unit tests play it",
    r"sidestep trip\b.*": "takes a target out for 30 s; the end-to-end tests do it to one of their own",
    r"sidestep drill --all\b.*": "takes half a minute; the end-to-end tests play every cell",
}
"""Commands that are only recognised, each with the reason."""
VOLATILE = (
    (r"\b(req_)[0-9a-f]{24,}", r"\1ID"),
    (r"\b(chatcmpl-)[0-9a-f]+", r"\1ID"),
    (r"(;\d{3};)\d+", r"\1MS"),
    (r"(openai-processing-ms: )\d+", r"\1MS"),
    (r"\([0-9a-f]{8}\)", "(HASH)"),
    (r"(at http://127\.0\.0\.1:)\d+(/v1, scripted)", r"\1PORT\2"),
)
ROW = re.compile(
    r" *\d+\.\ds  demo-(large|embed) \((stream|unary|tools|embeddings)\) +"
    r"(alpha|beta|gamma)/demo-(large|claude|embed) +"
    r"\w+ \w+( x\d)?( > \w+ \w+( x\d)?)* +\d+\.\d ms  (CLOSED|OPEN|PROBE|RAMP)"
)


def commands(text):
    """Command lines, with those that a backslash continues put together."""
    return [line for line in text.replace("\\\n", "").splitlines() if line.strip() and not line.startswith("#")]


def told(text):
    """A console block as pairs of a command and the lines shown after it."""
    parts = re.split(r"(?m)^\$ (.*)\n", text)
    assert not parts[0], "a console block begins with a command"
    return list(zip(parts[1::2], parts[2::2], strict=True))


def reason(command):
    """Why this command is not run, or None."""
    plain = command.split("#")[0].strip()
    return next((why for pattern, why in NOT_RUN.items() if re.fullmatch(pattern, plain)), None)


def plain(text):
    for pattern, stand_in in VOLATILE:
        text = re.sub(pattern, stand_in, text)
    return text.replace("\r\n", "\n")


def pattern_of(shown):
    """A regular expression for what a document shows."""
    lines = [r"(?:.*\n)*?" if line == "..." else elided(line) + r"\n" for line in plain(shown).splitlines()]
    return "".join(lines)


def elided(line):
    return ".*".join(re.escape(part) for part in line.split("..."))


def compare(shown, printed):
    printed = plain(printed if not printed or printed.endswith("\n") else printed + "\n")
    assert re.fullmatch(pattern_of(shown), printed), f"shown:\n{shown}\nprinted:\n{printed}"


def serves(command, place, environment):
    """Starts what would go on serving, on free ports, and ends it once it serves."""
    words = shlex.split(command.rstrip("& "))
    words = ["127.0.0.1:0" if re.fullmatch(r"127\.0\.0\.1:\d+", word) else word for word in words]
    with subprocess.Popen(
        [*words, "--port", "0"],
        cwd=place,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        lines = ""
        while "sidestep: try: " not in lines and (line := process.stderr.readline()):
            lines += line
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, lines
    assert "sidestep: serving http" in lines


def needs(command):
    tool = command.split()[0]
    if tool in {"curl", "sqlite3"} and shutil.which(tool) is None:
        pytest.skip(f"{tool} is missing")


def test_every_command_runs(sh_block, shell, proxy, place, environment):
    for command in commands(sh_block.text):
        if reason(command):
            continue
        needs(command)
        if command.startswith(("sidestep serve", "sidestep record")):
            serves(command, place, environment)
            continue
        done = shell(proxy.placed(command.replace("--seconds 5", "--seconds 2")))  # a drill waits for its own clock
        assert done.returncode == 0, f"{sh_block}: {command}\n{done.stderr}"


def test_every_command_prints_what_is_shown(console_block, shell, proxy):
    for command, shown in told(console_block.text):
        if reason(command):
            continue
        needs(command)
        done = shell(proxy.placed(command))
        assert done.returncode == 0, f"{console_block}: {command}\n{done.stderr}"
        compare(shown, proxy.shown(done.stdout))


def test_make_run_prints_what_is_shown(all_blocks, proxy):
    """The start-up lines of what it starts; what it installs before is told by make."""
    [shown] = [block.text for block in all_blocks if block.text.startswith("$ make run\n")]
    compare(shown.split("\n", 1)[1], proxy.shown(proxy.told))


def test_the_shown_piece_of_the_demo_is_one_it_could_print(all_blocks):
    """Its head, its phases in their order, rows of its form, and its sum."""
    [shown] = [block.text for block in all_blocks if block.text.startswith("$ sidestep demo\n")]
    head, *lines = shown.splitlines()[1:]
    assert head == _ROW.format("time", "asked for", "served by", "attempts", "added", "breaker of alpha")
    titles = [title for title, _ in PHASES]
    phases = [titles.index(line.removeprefix("-- ")) for line in lines if line.startswith("-- ")]
    assert phases == sorted(phases) and phases[0] == 0 and phases[-1] == len(titles) - 1
    rest = [line for line in lines if not line.startswith("-- ") and line != "..."]
    *rows, total = rest
    assert [row for row in rows if not ROW.fullmatch(row)] == []
    assert re.match(r"\d+ requests, \d+ of them failed over, 0 errors\. Served by \w+/[\w-]+ \d+", total)


def test_every_command_left_out_is_still_in_a_document(all_blocks):
    """So that the list holds no exception that nothing needs."""
    lines = [line for block in all_blocks if block.language == "sh" for line in commands(block.text)]
    lines += [command for block in all_blocks if block.language == "console" for command, _ in told(block.text)]
    left = [line.split("#")[0].strip() for line in lines]
    assert [pattern for pattern in NOT_RUN if not any(re.fullmatch(pattern, line) for line in left)] == []
