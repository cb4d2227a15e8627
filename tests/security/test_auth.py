"""Authorisation as a whole: one rule for every route and every way to send a key, in constant time."""

import hmac
from hashlib import sha256

import pytest

from proxy.config.values import Client
from proxy.filters import auth
from proxy.filters.auth import matching
from tests.unit.proxy.edge.loopback import asked, hello, request, served

KEY = "sk-canary-3f9a"
CLIENTS = {"web": Client("web", (sha256(KEY.encode()).hexdigest(),))}
ROUTES = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/embeddings"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/some/model"),
]
FORMS = {
    "nothing": (),
    "a wrong Bearer token": ("authorization: Bearer sk-wrong",),
    "a wrong x-api-key": ("x-api-key: sk-wrong",),
    "another scheme": (f"authorization: Basic {KEY}",),
    "the digest": (f"x-api-key: {sha256(KEY.encode()).hexdigest()}",),
    "the start of the key": (f"authorization: Bearer {KEY[:-1]}",),
}


def asking(method, path, *more):
    if method == "GET":
        return request(method, path, b"", *more, without=("content-type", "content-length"))
    return request(method, path, b"{}", *more)


@pytest.mark.parametrize("form", FORMS)
async def test_every_route_refuses_alike(form):
    async with served(hello, clients=CLIENTS) as running:
        answers = [await asked(running, asking(*route, *FORMS[form])) for route in ROUTES]
    assert {answer.status for answer in answers} == {401}
    assert {answer.error["code"] for answer in answers} == {"invalid_api_key"}
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.parametrize("header", [f"authorization: Bearer {KEY}", f"x-api-key: {KEY}"])
async def test_every_route_takes_the_key_in_both_forms(header):
    async with served(hello, clients=CLIENTS) as running:
        assert {(await asked(running, asking(*route, header))).status for route in ROUTES} == {200}


async def test_a_refused_request_is_not_read():
    """A stranger's body costs nothing; the answer comes before it is sent."""
    async with served(hello, clients=CLIENTS) as running:
        whole = request("POST", "/v1/chat/completions", b"x" * 1000)
        assert (await asked(running, whole[:-1000])).status == 401
        assert running.edge.buffered == 0


@pytest.mark.parametrize("position", [0, 1, 2, None])
def test_every_candidate_is_compared_wherever_the_match_is(monkeypatch, position):
    """In constant time each, so that the time taken tells neither whose key it is nor how much of it is right."""
    compared = []

    class Counting:
        @staticmethod
        def compare_digest(known, given):
            compared.append((known, given))
            return hmac.compare_digest(known, given)

    monkeypatch.setattr(auth, "hmac", Counting)
    candidates = [(sha256(b"%d" % n).digest(), f"client {n}") for n in range(3)]
    given = sha256(b"%d" % position).digest() if position is not None else sha256(b"x").digest()
    found = matching(given, candidates)
    assert found == (None if position is None else f"client {position}")
    assert compared == [(known, given) for known, _ in candidates]
