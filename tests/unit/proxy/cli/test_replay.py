"""`sidestep replay` tells what differs, in text and as JSON, and ends accordingly."""

import json
from types import SimpleNamespace

import pytest

from proxy.cli import main
from proxy.cli.replay import data, lines
from proxy.replay.compare import Difference

CONFIG = '[providers.openai]\nvendor = "openai"\n[models."*"]\nchain = ["openai/*"]\n'


def exchange(name):
    return SimpleNamespace(id=name, endpoint="chat", model="m")


FOUND = [
    (exchange("req_1"), []),
    (exchange("req_2"), [Difference("calls", "a/m, b/m", "b/m"), Difference("translation", "none", "dropped=seed")]),
]


def test_each_difference_is_told_with_both_sides_and_the_sum_at_the_end():
    assert list(lines(FOUND)) == [
        "req_2 chat m",
        "  calls       a/m, b/m",
        "           -> b/m",
        "  translation none",
        "           -> dropped=seed",
        "2 exchanges: 1 the same, 1 different",
    ]
    assert list(lines(FOUND[:1])) == ["1 exchange: 1 the same, 0 different"]


def test_as_json_the_same_ones_are_told_too():
    told = data(FOUND, ("a problem",))
    assert json.loads(json.dumps(told)) == {
        "exchanges": [
            {"id": "req_1", "endpoint": "chat", "model": "m", "differences": []},
            {
                "id": "req_2",
                "endpoint": "chat",
                "model": "m",
                "differences": [
                    {"what": "calls", "recorded": "a/m, b/m", "replayed": "b/m"},
                    {"what": "translation", "recorded": "none", "replayed": "dropped=seed"},
                ],
            },
        ],
        "same": 1,
        "different": 1,
        "problems": ["a problem"],
    }


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return str(path)


def line(status):
    return {
        "id": "req_1", "source": "s", "provider": "", "endpoint": "chat", "method": "POST",
        "url": "/v1/chat/completions", "request_headers": {}, "request_body": None, "request_text": "{", "status": 400,
        "response_headers": {}, "response_body": "", "stream": False, "sse": False, "chunk_lens": [], "model": "",
        "fidelity": "exact", "recording": 1, "at": 1.0, "clock": 1.0, "ms": 1.0, "attempts": [], "calls": [],
        "kind": "refused", "code": "invalid_json",
    } | {"status": status}  # fmt: skip


def test_the_exit_code_says_whether_anything_differs(config, tmp_path, capsys):
    """It needs no key."""
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps(line(500)) + "\n" + '{"cut')
    assert main(["replay", str(file), "--config", config]) == 1
    told = capsys.readouterr()
    assert "  status      500\n           -> 400\n" in told.out
    assert told.err == f"sidestep: {file}:2: the line breaks off; the exchange is passed over\n"
    assert main(["replay", str(file), "--config", config, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["different"] == 1


def test_budgets_are_told_not_to_be_played(tmp_path, capsys):
    path, file = tmp_path / "config.toml", tmp_path / "x.jsonl"
    path.write_text(f'{CONFIG}[[budgets]]\nname = "b"\nunit = "requests"\namount = 1\nwindow = "day"\n')
    file.write_text(json.dumps(line(400)))
    main(["replay", str(file), "--config", str(path)])
    said = "budgets: not played, so whatever they refused or passed over differs"
    assert capsys.readouterr().err == f"sidestep: {said}\n"
    main(["replay", str(file), "--config", str(path), "--json"])
    assert json.loads(capsys.readouterr().out)["problems"] == [said]


def test_a_recording_of_another_configuration_is_told_as_that_rather_than_call_by_call(config, tmp_path, capsys):
    file = tmp_path / "x.jsonl"
    call = {
        "provider": "elsewhere", "endpoint": "/chat/completions", "url": "https://e.test", "dialect": "openai-chat",
        "sent_ms": 0.0, "head_ms": 1.0, "chunk_ms": [], "ended_ms": 1.0, "end": "whole", "model": "m",
    }  # fmt: skip
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    one = {name: value for name, value in line(200).items() if name not in ("request_text", "kind", "code")}
    base = {**one, "request_headers": {"content-type": "application/json"}, "request_body": asked, "model": "m"}
    kept = {name: value for name, value in base.items() if name not in ("recording", "at", "clock", "ms", "attempts")}
    kept.pop("calls")
    file.write_text(json.dumps(base | {"calls": [kept | call]}) + "\n")
    assert main(["replay", str(file), "--config", config]) == 1
    told = capsys.readouterr()
    assert told.out == "1 exchange: 0 the same, 1 different\n"
    assert told.err.startswith("sidestep: the recording is of another configuration: none of the targets")


def test_without_an_exchange_there_is_nothing_to_play(config, tmp_path, capsys):
    file = tmp_path / "x.jsonl"
    file.write_text("")
    assert main(["replay", str(file), "--config", config]) == 1
    assert capsys.readouterr().err == "sidestep: there is no exchange to play\n"
    assert main(["replay", str(tmp_path / "none"), "--config", config]) == 1
    assert capsys.readouterr().err == f"sidestep: {tmp_path}/none: no such file or directory\n"


def test_mistakes_of_the_configuration_are_told(tmp_path, capsys):
    file = tmp_path / "config.toml"
    file.write_text("[server]\nx = 1\n")
    assert main(["replay", "x.jsonl", "--config", str(file)]) == 2
    assert "server.x" in capsys.readouterr().err
