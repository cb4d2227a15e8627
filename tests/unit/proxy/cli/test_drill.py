"""`drill` runs a configuration of one's own, and its exit code is what the chain did."""

import json

import pytest

from proxy.cli import main

CHAIN = """
[providers.alpha]
dialect = "openai-chat"
base_url = "https://alpha.example/v1"
keys = ["env:NOT_SET"]
[providers.beta]
dialect = "anthropic-messages"
base_url = "https://beta.example/v1"
keys = ["client"]
[models.duo]
chain = ["alpha/large", "beta/claude"]
[models.solo]
chain = ["alpha/small"]
"""
QUICK = ["--offline", "--seconds", "1", "--rate", "12"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "drilled.toml"
    path.write_text(CHAIN)
    return str(path)


def test_a_chain_that_holds_is_shown_and_exits_well(file, capsys):
    assert main(["drill", "--config", file, "--fault", "refuse", *QUICK]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "alpha/large refuses connections, for 1 s"
    assert lines[1] == f"chain duo: alpha/large -> beta/claude, configured by {file}"
    assert lines[-1] == "the chain held"
    assert any("X" in line and "?" in line for line in lines if line.startswith("1 alpha/large"))
    assert any(line.startswith("client errors   0 of") for line in lines)


def test_a_target_that_is_alone_exits_with_1_and_says_why(file, capsys):
    assert main(["drill", "--config", file, "--target", "alpha/small", *QUICK]) == 1
    *_, why, last = capsys.readouterr().out.splitlines()
    assert "alpha/small is alone in its chain, so nobody takes over; add a target" in why
    assert last == "the chain did NOT hold"


def test_as_json_it_is_one_object_and_what_is_said_before_goes_elsewhere(file, capsys):
    options = ["--fault", "quota", "--client-timeout", "25", "--json"]
    assert main(["drill", "--config", file, *options, *QUICK]) == 0
    told = capsys.readouterr()
    data = json.loads(told.out)
    assert (data["target"], data["fault"], data["held"]) == ("alpha/large", "quota", True)
    assert (data["pace"]["client_timeout_s"], data["left"], data["change"]) == (25, 0, "")
    assert "clients: they leave when nothing has come for 25 s" in told.err
    assert "no key is used" in told.err


@pytest.mark.parametrize("as_json", [False, True])
def test_all_faults_are_a_table(file, capsys, monkeypatch, as_json):
    """Of two of them here; the end-to-end tests play each."""
    from proxy.drill.exercise import menu

    few = {name: menu.CASES[name] for name in ("auth", "slow")}
    monkeypatch.setattr(menu, "CASES", few)
    assert main(["drill", "--all", "--config", file, *QUICK, *(["--json"] if as_json else [])]) == 0
    told = capsys.readouterr()
    if as_json:
        assert [(one["fault"], one["kind"]) for one in json.loads(told.out)][:2] == [
            ("auth", "unary"),
            ("auth", "stream"),
        ]
    else:
        assert told.out.splitlines()[-1] == "the chain held in 4 of 4"


def test_one_cell_that_does_not_hold_is_enough_to_fail(file, capsys, monkeypatch):
    from proxy.drill.exercise import menu

    few = {name: menu.CASES[name] for name in ("503", "slow")}
    monkeypatch.setattr(menu, "CASES", few)
    assert main(["drill", "--all", "--config", file, "--target", "alpha/small", *QUICK]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "the chain held in 2 of 4"
    assert sum(line.startswith("why: 503, ") for line in lines) == 2


REFUSED = [
    (
        ["--target", "gamma", "--offline"],
        "no chain has a target gamma; there are: alpha/large, beta/claude, alpha/small",
    ),
    (["--rate", "1000"], "argument --rate: must be from 0.2 to 100"),
    (["--seconds", "0"], "argument --seconds: must be from 1 to 3600"),
    (["--client-timeout", "0.1"], "argument --client-timeout: must be from 0.5 to 3600"),
    (["--client-timeout", "nan"], "argument --client-timeout: must be from 0.5 to 3600"),
    (["--client-timeout", "soon"], "argument --client-timeout: invalid number value: 'soon'"),
    (["--fault", "fire"], "argument --fault: invalid choice: 'fire'"),
    (["--all", "--fault", "503"], "argument --fault: not allowed with argument --all"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=lambda one: str(one[0]))
def test_what_cannot_be_drilled_is_said_in_a_line(sidestep, file, options, said):
    done = sidestep("drill", "--config", file, *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_any_key_the_way_without_one_is_named(sidestep):
    done = sidestep("drill")
    assert done.returncode == 2
    assert done.stderr.endswith("sidestep: or drill without any: sidestep drill --offline\n")


def test_a_provider_with_the_callers_own_key_cannot_be_drilled_for_real(sidestep, file):
    done = sidestep("drill", "--config", file, env={"NOT_SET": "k"})
    assert done.returncode == 2
    assert "beta/claude is called with the caller's own key, and a drill has none: add --offline" in done.stderr


def test_what_real_providers_may_cost_is_said_before_anything_is_sent(sidestep, tmp_path):
    file = tmp_path / "real.toml"
    file.write_text(CHAIN.replace("https://alpha.example", "http://127.0.0.1:9").replace('["client"]', "[]"))
    done = sidestep("drill", "--config", str(file), "--seconds", "1", "--target", "alpha/small", env={"NOT_SET": "k"})
    assert done.returncode == 1
    before, _, after = done.stdout.partition("\n\n")
    assert "cost: real providers answer at most" in before
    assert "before the fault: the chain does not serve when all is well" in after
