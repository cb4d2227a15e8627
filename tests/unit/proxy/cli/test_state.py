"""Asking a running proxy how it stands: what can go wrong is one line that says what to do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from proxy.cli.options import Stop
from proxy.cli.state import live

TOKEN = "adm-canary-77"
PAGE = {"source": "c.toml", "demo": False, "targets": [], "providers": {}}


class Admin(BaseHTTPRequestHandler):
    """`/state` for who has the token, under `/open` for anyone."""

    def do_GET(self) -> None:
        if self.path == "/open/state":
            self._say(200, PAGE)
        elif self.path == "/odd/state":
            self._say(200, {"hello": "world"})
        elif self.path == "/binary/state":
            self._say(200, {"source": "?"})
        elif self.path != "/state":
            self._say(404, {})
        elif self.headers.get("authorization") == f"Bearer {TOKEN}":
            self._say(200, PAGE)
        else:
            self._say(401, {})

    def _say(self, status: int, body: object) -> None:
        content = json.dumps(body).encode().replace(b"?", b"\xff")
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


def refused(url: str, source: str | None = None) -> tuple[str, int]:
    with pytest.raises(Stop) as caught:
        live(url, source)
    [line] = caught.value.lines
    return line, caught.value.code


def test_a_page_without_a_token_is_read(admin):
    assert live(f"{admin}/open", None).source == "c.toml"
    assert live(f"{admin}/open/", None).targets == []


@pytest.mark.parametrize("source", ["env:ADMIN_TOKEN", "file:token"])
def test_a_token_comes_from_where_its_source_says(admin, monkeypatch, tmp_path, source):
    monkeypatch.setenv("ADMIN_TOKEN", TOKEN)
    (tmp_path / "token").write_text(TOKEN)
    if source.startswith("file:"):
        source = f"file:{tmp_path / 'token'}"
    assert live(admin, source).source == "c.toml"


def test_a_port_that_wants_a_token_says_how_to_give_one(admin, monkeypatch):
    assert refused(admin) == (f"{admin} wants an admin token: add --admin-token env:NAME", 1)
    monkeypatch.setenv("ADMIN_TOKEN", "another")
    assert refused(admin, "env:ADMIN_TOKEN") == (f"{admin} wants another admin token than the given one", 1)


@pytest.mark.parametrize("page", ["/nowhere", "/odd", "/binary"])
def test_another_port_than_the_admin_port_is_told(admin, page):
    line, code = refused(admin + page)
    status = 404 if page == "/nowhere" else 200
    assert code == 1
    assert line == (
        f"{admin}{page} has no /state (it answered {status}): give the admin address, port 4601 unless configured"
    )


def test_a_proxy_that_is_not_there_is_told():
    line, code = refused("http://127.0.0.1:9")
    assert (line, code) == ("no answer from http://127.0.0.1:9: connection refused", 1)


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("127.0.0.1:4601", "--admin must start with https:// or http://, as in http://127.0.0.1:4601"),
        (
            "http://me:pw@a.test",
            "--admin must not contain a user or password: keys belong in `keys`, as in http://127.0.0.1:4601",
        ),
    ],
)
def test_an_address_that_is_none_is_wrong_usage(url, line):
    assert refused(url) == (line, 2)


def test_a_token_that_cannot_be_had_is_wrong_usage(monkeypatch):
    monkeypatch.delenv("ADMIN_TOKEN", raising=False)
    assert refused("http://127.0.0.1:9", "env:ADMIN_TOKEN") == (
        *("--admin-token: environment variable ADMIN_TOKEN is not set", 2),
    )
    line, code = refused("http://127.0.0.1:9", TOKEN)
    assert code == 2 and TOKEN not in line
