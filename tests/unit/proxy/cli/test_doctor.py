"""`doctor` as a person uses it: a table, a fix under each failure, an exit code, and the costs before they arise."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from proxy.cli import main
from proxy.cli.doctor import lines, report
from proxy.doctor.findings import bad, good, left, odd

CANARY = "sk-canary-5d21"


class Provider(BaseHTTPRequestHandler):
    """Lists one model, and answers every chat with the same word."""

    def do_GET(self) -> None:
        known = CANARY in self.headers.get("authorization", "")
        self._say(401 if not known else 200 if self.path == "/v1/models" else 404, {"data": [{"id": "large"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        choice = {"index": 0, "message": {"role": "assistant", "content": "OK"}, "finish_reason": "stop"}
        if not asked.get("stream"):
            return self._say(200, {"id": "c", "model": "large", "choices": [choice]})
        deltas = [({"role": "assistant", "content": "OK"}, None), ({}, "stop")]
        events = [{"id": "c", "choices": [{"index": 0, "delta": one, "finish_reason": end}]} for one, end in deltas]
        text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        return self._say(200, text, "text/event-stream")

    def _say(self, status: int, body: object, kind: str = "application/json") -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[str]:
    """A provider's base URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


def configured(tmp_path, url, model="large"):
    (tmp_path / "c.toml").write_text(
        f'[providers.a]\ndialect = "openai-chat"\nbase_url = "{url}"\nkeys = ["env:A_KEY"]\n'
        f'[models.m]\nchain = ["a/{model}"]\n'
    )
    return "doctor", "--config", "c.toml"


def test_the_text_has_a_line_for_each_finding_and_a_fix_below_what_failed():
    found = [
        good("a", "dns", "a.test is 192.0.2.1", 2.4),
        bad("a", "tcp", "a.test:443 refuses connections", "Start it."),
        left("a", "models", "not tried, since tcp failed"),
        odd("configuration", "settings", "x has no effect", ""),
    ]
    assert list(lines(found)) == [
        "a",
        "  ok    dns       a.test is 192.0.2.1  2 ms",
        "  FAIL  tcp       a.test:443 refuses connections",
        "                  -> Start it.",
        "  -     models    not tried, since tcp failed",
        "configuration",
        "  warn  settings  x has no effect",
        "",
        "1 of 3 checks failed, 1 to know of",
    ]
    assert list(lines(found[:1]))[-1] == "all is well: 1 checks"
    assert report("c.toml", found)["ok"] is False
    assert report("c.toml", found[:1]) == {
        "source": "c.toml",
        "ok": True,
        "findings": [
            {"subject": "a", "check": "dns", "verdict": "ok", "detail": "a.test is 192.0.2.1", "fix": "", "ms": 2.4}
        ],
    }


def test_a_provider_that_is_well_gives_exit_code_0(sidestep, tmp_path, provider):
    done = sidestep(*configured(tmp_path, provider), env={"A_KEY": CANARY})
    assert (done.returncode, done.stderr) == (0, "")
    assert "  ok    key        env:A_KEY is accepted" in done.stdout
    assert "  ok    clock      agrees with ours" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("all is well: ")
    assert CANARY not in done.stdout


def test_a_failure_gives_exit_code_1_and_is_told_in_json_too(sidestep, tmp_path, provider):
    done = sidestep(*configured(tmp_path, provider, "larg"), "--json", env={"A_KEY": CANARY})
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    assert (told["source"], told["ok"]) == ("c.toml", False)
    [failed] = [one for one in told["findings"] if one["verdict"] == "fail"]
    assert (failed["subject"], failed["check"]) == ("a", "models")
    assert failed["fix"].startswith('Correct a/larg in the chain of [models."m"] (to "large"?)')


def test_a_chat_says_its_cost_first_and_is_timed(sidestep, tmp_path, provider):
    done = sidestep(*configured(tmp_path, provider), "--chat", env={"A_KEY": CANARY})
    assert done.returncode == 0, done.stdout
    assert done.stderr == (
        "sidestep: will send 2 requests of about 10 tokens, with answers of at most 16, to each of 1 target (a/large)\n"
    )
    assert "a/large\n  ok    chat       answered" in done.stdout
    assert "  ok    stream     first content after " in done.stdout


def test_a_configuration_that_cannot_be_read_is_told_as_check_does(sidestep):
    done = sidestep("doctor", "--config", "none.toml")
    assert (done.returncode, done.stderr) == (1, "sidestep: none.toml: cannot be read: no such file or directory\n")


def test_a_provider_left_alone_by_the_environment_is_told(sidestep):
    """Nothing of the network is needed for it, so that the vendor's own address is never reached for here."""
    done = sidestep("doctor", env={"AI_PROVIDER": "ollama", "AI_FALLBACK_ENABLED": "true"})
    assert "configuration\n  warn  settings" in done.stdout


def test_help_names_what_is_looked_at_on_this_machine_too(capsys):
    with pytest.raises(SystemExit):
        main(["doctor", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "the tokenizers' vocabularies and for the ledger that budgets are kept in" in told
