"""Who is let in."""

from hashlib import sha256

import pytest

from proxy.config.values import Client
from proxy.filters.auth import Auth, presented_key
from proxy.flow import Refused, Unreadable
from translators.faults import Fault, Kind


def digest(key):
    return sha256(key.encode()).hexdigest()


CLIENTS = {
    "web": Client("web", (digest("sk-old"), digest("sk-new"))),
    "batch": Client("batch", (digest("sk-batch"),)),
}


async def let_in(auth, exchange):
    """Whether the service behind `auth` is reached."""
    reached = []

    async def service(one):
        reached.append(one)

    await auth(exchange, service)
    return reached == [exchange]


async def refusal_of(auth, exchange):
    with pytest.raises(Refused) as caught:
        await let_in(auth, exchange)
    return caught.value.fault


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"authorization": "Bearer sk-old"}, "web"),
        ({"authorization": "bearer sk-new"}, "web"),
        ({"authorization": "Bearer  sk-batch "}, "batch"),
        ({"x-api-key": "sk-batch"}, "batch"),
        ({"authorization": "Bearer sk-batch", "x-api-key": "wrong"}, "batch"),
    ],
)
async def test_a_clients_key_lets_it_in_under_its_name(exchange_of, headers, name):
    exchange = exchange_of(headers=headers)
    assert await let_in(Auth(CLIENTS), exchange)
    assert exchange.client.name == name


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": "Bearer sk-ol"},
        {"authorization": "Bearer sk-oldx"},
        {"authorization": "Bearer SK-OLD"},
        {"authorization": "Basic sk-old"},
        {"authorization": "sk-old"},
        {"authorization": "Basic x", "x-api-key": "sk-old"},
        {"x-api-key": ""},
        {"x-api-key": "Bearer sk-old"},
        {"authorization": f"Bearer {digest('sk-old')}"},
    ],
)
async def test_anything_else_is_refused(exchange_of, headers):
    """A prefix, another case, the digest itself; and a broken Authorization is not made good by the other header."""
    fault = await refusal_of(Auth(CLIENTS), exchange_of(headers=headers))
    assert (fault.status, fault.code, fault.type) == (401, "invalid_api_key", "invalid_request_error")


async def test_loopback_needs_a_key_too_once_there_are_clients(exchange_of):
    assert (await refusal_of(Auth(CLIENTS), exchange_of(peer="127.0.0.1"))).status == 401


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1"])
async def test_without_clients_this_machine_is_let_in(exchange_of, peer):
    exchange = exchange_of(peer=peer)
    assert await let_in(Auth({}), exchange)
    assert exchange.client is None


@pytest.mark.parametrize("peer", ["", "10.0.0.1", "192.168.1.127", "::", "fe80::1", "::ffff:10.0.0.1", "1127.0.0.1"])
async def test_without_clients_nobody_else_is(exchange_of, peer):
    fault = await refusal_of(Auth({}), exchange_of(peer=peer))
    assert (fault.status, fault.code) == (401, "invalid_api_key")


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null", "", "http://[::1"])
async def test_a_foreign_web_page_may_not_use_the_anonymous_proxy(exchange_of, origin):
    """Its visitor's browser runs on this machine, but it does not speak for its owner."""
    fault = await refusal_of(Auth({}), exchange_of(headers={"origin": origin}))
    assert (fault.status, fault.code) == (403, "origin_refused")


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:8080"])
async def test_a_page_of_this_machine_may(exchange_of, origin):
    assert await let_in(Auth({}), exchange_of(headers={"origin": origin}))


async def test_a_page_with_a_clients_key_may(exchange_of):
    headers = {"origin": "https://app.example", "authorization": "Bearer sk-old"}
    assert await let_in(Auth(CLIENTS), exchange_of(headers=headers))


@pytest.mark.parametrize(("clients", "headers"), [({}, {}), (CLIENTS, {"x-api-key": "sk-old"})])
async def test_what_the_edge_refused_is_told_to_those_who_are_let_in(exchange_of, clients, headers):
    """It never reaches the service."""
    refusal = Refused(Fault(kind=Kind.REFUSED, status=404, code="unknown_url", message="No."))
    assert (await refusal_of(Auth(clients), exchange_of(refusal=refusal, headers=headers))).code == "unknown_url"


@pytest.mark.parametrize(
    ("clients", "more", "status"),
    [
        ({}, {"peer": "10.0.0.1"}, 401),
        ({}, {"headers": {"origin": "https://evil.example"}}, 403),
        (CLIENTS, {}, 401),
        (CLIENTS, {"headers": {"x-api-key": "sk-ol"}}, 401),
    ],
)
async def test_strangers_do_not_learn_what_the_edge_refused(exchange_of, clients, more, status):
    """The list of paths is for those who may use them."""
    refusal = Refused(Fault(kind=Kind.REFUSED, status=404, code="unknown_url", message="No."))
    assert (await refusal_of(Auth(clients), exchange_of(refusal=refusal, **more))).status == status


async def test_a_head_that_cannot_be_read_is_told_to_anybody(exchange_of):
    refusal = Unreadable(Fault(kind=Kind.REFUSED, status=431, code="invalid_http", message="Too long."))
    assert (await refusal_of(Auth(CLIENTS), exchange_of(refusal=refusal))).status == 431


def test_an_authorization_goes_before_the_other_header():
    assert presented_key({"authorization": "Bearer a", "x-api-key": "b"}) == "a"
