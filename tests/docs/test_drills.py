"""The page on drills says what the command and its menu have, and the README shows a drill as it prints."""

import re
from pathlib import Path

from proxy.cli import _parser
from proxy.config.load import load
from proxy.drill.exercise.advice import advice
from proxy.drill.exercise.asking import Outcome
from proxy.drill.exercise.choice import choose
from proxy.drill.exercise.menu import CASES
from proxy.drill.exercise.pace import pace
from proxy.drill.load import Result

ROOT = Path(__file__).parents[2]
PAGE = "docs/drills.md"
ALONE = {"breaker": "its breaker", "wait": "the wait", "none": "nothing"}
OFF = {"quota": "its key, for 30 minutes", "auth": "its key, for 5 minutes"}


def test_the_table_of_faults_is_the_menu(rows):
    told = {row["fault"]: row for row in rows(PAGE, "Faults")}
    assert {name: row["the target"] for name, row in told.items()} == {one.name: one.about for one in CASES.values()}
    assert {name: row["is left alone by"] for name, row in told.items()} == {
        one.name: OFF.get(one.name) or ALONE[one.effect] for one in CASES.values()
    }
    assert {name for name, row in told.items() if row["streams"] == "some told as broken"} == {
        one.name for one in CASES.values() if one.breaks
    }
    assert {name for name, row in told.items() if "after the timeout" in row["whole answers"]} == {
        one.name for one in CASES.values() if one.silent
    }


def test_the_table_of_options_is_the_commands(rows):
    told = {row["option"].split()[0] for row in rows(PAGE, "Options")}
    commands = next(action for action in _parser()._actions if action.dest == "==SUPPRESS==" or action.choices)
    known = {name for action in commands.choices["drill"]._actions for name in action.option_strings}
    assert told == known - {"-h", "--help"}


def test_the_table_of_all_faults_has_each_of_them(all_blocks):
    [shown] = [block.text for block in all_blocks if block.text.startswith("$ sidestep drill --all ")]
    _, _, table = shown.partition("\n\n")
    head, *cells, last = table.splitlines()
    assert head.split() == ["fault", "whole", "answers", "streams"]
    assert [line.split()[0] for line in cells] == list(CASES)
    cell = r"held, 0 errors(, \d+ told)?, \+\d+ ms p99"
    assert [line for line in cells if not re.fullmatch(rf"\w+ +{cell} +{cell}", line)] == []
    assert last == f"the chain held in {2 * len(CASES)} of {2 * len(CASES)}"


def test_what_is_shown_to_be_changed_for_a_client_is_what_is_said(all_blocks):
    [shown] = [block.text for block in all_blocks if block.text.startswith("change: ")]
    choice = choose(load(str(ROOT / "config.toml"), {}, offline=True).config, None)
    case = CASES["stall"]
    at = pace(choice.target, case, rate=10, seconds=5, offline=True, client_s=20)
    left = Outcome("stream", "error", 0.0, 20.0, Result(ok=False, status=200), left=True)
    assert shown == f"change: {advice(choice, at, [], [left])}\n"


def outline(text):
    """What is alike in any two drills of one chain: words, not numbers; the order of a target's signs, not how many;
    who served, not when."""
    lines = []
    for line in text.splitlines():
        if re.match(r"(fault|\d \S+|served by) +[!.X?\d]", line):
            signs = line.split()[-1]
            signs = re.sub(r"[1-9]+", "1", signs) if "/" in line else "".join(sorted(set(signs)))
            lines.append(re.sub(r"(.)\1+", r"\1", f"{line.split()[0]} {signs}"))
        else:
            lines.append(re.sub(r"\d+(\.\d+)?", "N", line).strip())
    return lines


def test_make_drill_prints_what_is_shown(all_blocks, shell):
    """The recipe's own command, for a shorter fault."""
    [recipe] = re.findall(r"(?m)^drill: install.*\n\t@\$\(BIN\)/(.*)\$\(ARGS\)$", (ROOT / "Makefile").read_text())
    [shown] = [block.text for block in all_blocks if block.text.startswith("$ make drill\n")]
    done = shell(f"{recipe} --seconds 6")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outline(done.stdout) == outline(shown.split("\n", 1)[1])
