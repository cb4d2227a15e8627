"""`explain --ask` knows what the providers tell of their models; without it the plan says what it leaves out."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from proxy.cli.asking import hint
from proxy.config.load import load

MODEL = "maker/model"
LONG = {"model": MODEL, "messages": [{"role": "user", "content": "word " * 200}]}
CONFIG = """
[providers.own]
vendor = "vllm"
base_url = "{url}/v1"
keys = []
[models."{model}"]
chain = ["own/{model}"]
"""


class Lists(BaseHTTPRequestHandler):
    """A server whose model takes a hundred tokens; it answers 503 while `well` is False."""

    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        body = json.dumps({"object": "list", "data": [{"id": MODEL, "max_model_len": 100}]}).encode()
        self.send_response(200 if server.well else 503)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def own(tmp_path):
    """The server, and a configuration and a request beside it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Lists) as server:
        server.asked, server.well = [], True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        (tmp_path / "own.toml").write_text(CONFIG.format(url=url, model=MODEL))
        (tmp_path / "long.json").write_text(json.dumps(LONG))
        yield server
        server.shutdown()
        thread.join()


EXPLAIN = ("explain", "--config", "own.toml", "--file", "long.json", "--json")


def test_a_plan_knows_what_was_asked(own, sidestep):
    done = sidestep(*EXPLAIN, "--ask")
    assert (done.returncode, done.stderr) == (0, "")
    [row] = json.loads(done.stdout)["rows"]
    assert (row["verdict"], own.asked) == ("skipped", ["/v1/models"])
    assert "context" in row["reason"]


def test_without_asking_nobody_is_called_and_the_plan_says_what_it_leaves_out(own, sidestep):
    done = sidestep(*EXPLAIN)
    told = json.loads(done.stdout)
    assert (told["rows"][0]["verdict"], own.asked) == ("tried", [])
    assert told["note"].endswith("What own tells of its models is not in it: --ask asks.")


def test_a_provider_that_does_not_tell_is_named_and_the_plan_is_made_all_the_same(own, sidestep):
    own.well = False
    done = sidestep(*EXPLAIN, "--ask")
    assert done.returncode == 0
    assert done.stderr == "sidestep: own did not tell what its models can do: it answered 503\n"
    told = json.loads(done.stdout)
    assert told["rows"][0]["verdict"] == "tried"
    assert "--ask" not in told["note"]


@pytest.mark.parametrize(
    ("env", "targets", "told"),
    [
        ({"ANTHROPIC_API_KEY": "k"}, ["anthropic/a", "anthropic/b"], "What anthropic tells of its models is not in it"),
        (
            {"ANTHROPIC_API_KEY": "k", "GEMINI_API_KEY": "k"},
            ["anthropic/a", "gemini/b"],
            "What anthropic and gemini tell of their models is not in it",
        ),
        ({"OPENAI_API_KEY": "k"}, ["openai/a"], ""),
    ],
)
def test_the_hint_names_those_of_the_chain_that_tell(env, targets, told):
    assert hint(load(None, env).config, targets).partition(":")[0] == told


def test_there_is_no_hint_where_the_proxy_does_not_ask_either(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text("[server]\nrefresh_capabilities = false\n" + CONFIG.format(url="http://127.0.0.1:1", model=MODEL))
    assert hint(load(str(path), {}).config, [f"own/{MODEL}"]) == ""
