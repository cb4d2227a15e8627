"""`sidestep trip`: a target of a running proxy is taken out, and what is told of it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

TOKEN = "adm-canary-78"
ROW = {
    "target": "alpha/x", "in_flight": 0, "throttled_for_s": None,
    "breaker": {"state": "OPEN", "reason": "manual", "failures": 0, "openings": 1, "opens_for_s": 30.4,
                "admits_in_s": 30.4, "ramp": None, "late": 0},
}  # fmt: skip
UNKNOWN = "There is no target 'alpha/\x1b[2Jy' here; known: alpha/x."


class Admin(BaseHTTPRequestHandler):
    """Takes out alpha/x for who has the token, under `/open` for anyone; `/busy` has calls under way there."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"]))
        assert self.headers["content-type"] == "application/json"
        place, _, page = self.path.rpartition("/targets/")
        if page != "trip" or place not in {"", "/open", "/busy"}:
            self._say(404, {"error": {"message": "Unknown page.", "param": None, "code": "unknown_url"}})
        elif not place and self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._say(401, {})
        elif json.loads(sent) == {"target": "alpha/x"}:
            self._say(200, ROW | {"in_flight": 3 * (place == "/busy")})
        else:
            self._say(404, {"error": {"message": UNKNOWN, "param": "target", "code": "target_not_found"}})

    def _say(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def admin() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Admin) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_it_says_for_how_long_and_what_comes_after(admin, sidestep):
    done = sidestep("trip", "alpha/x", "--admin", f"{admin}/open")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "alpha/x is out for 31 s; then single requests try it, and its share grows back",
        "this process was told, and no other: each of several behind one address is told by itself",
    ]


def test_what_is_under_way_there_is_told(admin, sidestep):
    done = sidestep("trip", "alpha/x", "--admin", f"{admin}/busy")
    assert done.stdout.splitlines()[1] == "what is in flight there (3) ends as it began"


def test_json_is_what_the_proxy_answered(admin, sidestep):
    env = {"ADMIN_TOKEN": TOKEN}
    done = sidestep("trip", "alpha/x", "--admin", admin, "--admin-token", "env:ADMIN_TOKEN", "--json", env=env)
    assert (done.returncode, json.loads(done.stdout)) == (0, ROW)


def test_a_target_that_is_not_there_is_told_with_what_is_and_plays_with_no_terminal(admin, sidestep):
    done = sidestep("trip", "alpha/y", "--admin", f"{admin}/open")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "sidestep: There is no target 'alpha/?[2Jy' here; known: alpha/x.\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "TARGET"),
        (["alpha/x", "--admin", "{}"], 1, "wants an admin token: add --admin-token env:NAME"),
        (["alpha/x", "--admin", "{}/data"], 1, "has no /targets/trip (it answered 404): give the admin address"),
        (["alpha/x", "--admin", "http://127.0.0.1:9"], 1, "no answer from http://127.0.0.1:9: connection refused"),
    ],
)
def test_what_goes_wrong_is_one_line(admin, sidestep, words, code, told):
    done = sidestep("trip", *(word.format(admin) for word in words))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert told in done.stderr
