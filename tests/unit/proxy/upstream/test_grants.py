"""Tokens from a scripted token endpoint: what is sent, what is read, and what a failure tells."""

import asyncio
import base64
import json
import subprocess
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec import structs

from proxy.config.hidden import Secret
from proxy.config.values import EntraToken, GoogleToken, ManagedIdentity, Provider, ServiceAccount, TimeoutSettings
from proxy.upstream import grants
from proxy.upstream.engines import engine_for
from proxy.upstream.grants import NoToken, grant
from translators.ir import Dialect

GOOD = b'{"access_token":"tok-1","expires_in":3599,"token_type":"Bearer"}'
ENTRA = EntraToken("https://ai.azure.com/.default", "tenant-1", "app-1", Secret("canary-s"), "")
PERSON = GoogleToken("c-1", Secret("canary-s"), Secret("canary-r"))
PROVIDER = Provider("azure", Dialect.OPENAI_CHAT, "https://azure.test", timeouts=TimeoutSettings(connect_s=2))


@asynccontextmanager
async def endpoint(body=GOOD, status=200, *, silent=False):
    """Its base URL, and the requests it has heard."""
    heard = []

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        heard.append((head.decode(), (await reader.readexactly(length)).decode()))
        if silent:
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


def wall():
    return 1_700_000_000.0


async def asked(renewal, url, **more):
    here = structs.replace(PROVIDER, token_url=url, **more)
    return await grant(renewal, here, lambda one: engine_for("native", one), wall)


async def test_an_applications_secret_buys_a_token():
    async with endpoint() as (url, heard):
        granted = await asked(ENTRA, url)
    assert (granted.secret, granted.lifetime_s) == (Secret("tok-1"), 3599.0)
    [(head, body)] = heard
    assert head.startswith("POST /tenant-1/oauth2/v2.0/token HTTP/1.1\r\n")
    assert "content-type: application/x-www-form-urlencoded" in head.lower()
    assert parse_qs(body) == {
        "grant_type": ["client_credentials"],
        "client_id": ["app-1"],
        "scope": ["https://ai.azure.com/.default"],
        "client_secret": ["canary-s"],
    }


async def test_a_federated_token_is_read_anew_for_every_fetch(tmp_path):
    file = tmp_path / "jwt"
    renewal = structs.replace(ENTRA, secret=None, token_file=str(file))
    async with endpoint() as (url, heard):
        for content in ("a.b.1", "a.b.2"):
            file.write_text(content)
            await asked(renewal, url)
        file.unlink()
        with pytest.raises(NoToken, match="cannot be read: no such file"):
            await asked(renewal, url)
    assert [parse_qs(body)["client_assertion"] for _, body in heard] == [["a.b.1"], ["a.b.2"]]
    assert parse_qs(heard[0][1])["client_assertion_type"][0].endswith(":jwt-bearer")


async def test_a_persons_refresh_token_buys_a_token():
    async with endpoint() as (url, heard):
        await asked(PERSON, url)
    [(head, body)] = heard
    assert head.startswith("POST /token HTTP/1.1\r\n")
    assert parse_qs(body)["refresh_token"] == ["canary-r"]


async def test_the_metadata_server_is_asked_as_it_wants_and_never_through_a_proxy():
    made = []

    def engine_of(provider):
        made.append(provider)
        return engine_for("native", provider)

    async with endpoint() as (url, heard):
        here = structs.replace(PROVIDER, token_url=url, proxy="http://egress.test:3128")
        granted = await grant(GoogleToken(), here, engine_of, wall)
    assert granted.secret == Secret("tok-1")
    [(head, _)] = heard
    assert head.startswith(f"GET {grants.METADATA_PATH} HTTP/1.1\r\n")
    assert "metadata-flavor: google" in head.lower()
    assert [one.proxy for one in made] == [None]


@pytest.fixture(scope="module")
def account():
    """A service account with a key that was made just now."""
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA"], capture_output=True, check=True)
    return ServiceAccount("proxy@p.iam.gserviceaccount.com", "key-1", Secret(made.stdout.decode()))


async def test_a_service_account_buys_a_token_with_what_it_has_signed(account):
    async with endpoint() as (url, heard):
        granted = await asked(account, url)
    assert granted.secret == Secret("tok-1")
    [(head, body)] = heard
    assert head.startswith("POST /token HTTP/1.1\r\n")
    form = parse_qs(body)
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = json.loads(base64.urlsafe_b64decode(form["assertion"][0].split(".")[1] + "=="))
    assert (claims["aud"], claims["iat"]) == (f"{url}/token", 1_700_000_000)
    assert "PRIVATE KEY" not in head + body


async def test_a_service_accounts_key_that_cannot_sign_is_a_failure_and_nobody_is_asked(account):
    async with endpoint() as (url, heard):
        with pytest.raises(NoToken, match="private_key cannot be read"):
            await asked(structs.replace(account, key=Secret("canary")), url)
    assert heard == []


@pytest.mark.parametrize(("client", "told"), [("", {}), ("app-1", {"client_id": ["app-1"]})])
async def test_an_azure_machine_asks_its_metadata_server(client, told):
    async with endpoint() as (url, heard):
        granted = await asked(ManagedIdentity("https://ai.azure.com", client), url)
    assert (granted.secret, granted.lifetime_s) == (Secret("tok-1"), 3599.0)
    [(head, body)] = heard
    place = urlsplit(head.split(" ")[1])
    assert (head.split(" ")[0], place.path, body) == ("GET", "/metadata/identity/oauth2/token", "")
    assert parse_qs(place.query) == {"api-version": ["2018-02-01"], "resource": ["https://ai.azure.com"], **told}
    assert "\r\nmetadata: true\r\n" in head.lower()


async def test_an_azure_app_asks_where_it_was_told_to_and_is_told_the_end():
    body = b'{"access_token":"tok-2","expires_on":"1700003000","token_type":"Bearer"}'
    async with endpoint(body) as (url, heard):
        renewal = ManagedIdentity("https://ai.azure.com", "app-1", f"{url}/msi/token/", Secret("canary-h"))
        granted = await grant(renewal, PROVIDER, lambda one: engine_for("native", one), wall)
    assert (granted.secret, granted.lifetime_s) == (Secret("tok-2"), 3000.0)
    [(head, _)] = heard
    place = urlsplit(head.split(" ")[1])
    assert place.path == "/msi/token/"
    assert parse_qs(place.query)["api-version"] == ["2019-08-01"]
    assert "\r\nx-identity-header: canary-h\r\n" in head.lower()


@pytest.mark.parametrize(
    "renewal", [ManagedIdentity("r", ""), ManagedIdentity("r", "", "http://localhost:1/t", Secret("h"))]
)
async def test_a_managed_identity_is_never_asked_for_through_a_proxy(renewal):
    made = []

    def engine_of(provider):
        made.append(provider.proxy)
        return engine_for("native", provider)

    async with endpoint() as (url, _):
        here = structs.replace(PROVIDER, token_url=url, proxy="http://egress.test:3128")
        await grant(renewal, here, engine_of, wall)
    assert made == [None]


@pytest.mark.parametrize(
    ("renewal", "base"),
    [
        (ENTRA, grants.ENTRA),
        (PERSON, grants.GOOGLE),
        (GoogleToken(), grants.METADATA),
        (ManagedIdentity("r", ""), "http://169.254.169.254"),
        (ManagedIdentity("r", "", "http://localhost:42356/msi/token", Secret("h")), "http://localhost:42356"),
    ],
)
async def test_where_nothing_else_is_said_the_vendors_own_address_is_asked(renewal, base):
    asked_of = []

    class Stop(Exception):
        pass

    def engine_of(provider):
        asked_of.append((provider.base_url, provider.ca_file))
        raise Stop

    with pytest.raises(Stop):
        await grant(renewal, PROVIDER, engine_of, wall)
    assert asked_of == [(base, None)]


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, b'{"error":"invalid_grant","error_description":"canary-s is wrong"}', "status 400 (invalid_grant)"),
        (401, b'{"error":"canary S"}', "gave none: status 401"),
        (500, b"<html>", "gave none: status 500"),
        (200, b"[]", "gave none: status 200"),
        (200, b'{"expires_in":9}', "gave none: status 200"),
        (302, GOOD, "gave none: status 302"),
        (200, b'{"access_token":"a b","expires_in":9}', "gave one that cannot be used"),
        (200, b'{"access_token":"a","expires_in":"soon"}', "gave one that cannot be used"),
    ],
)
async def test_a_failure_is_told_without_what_the_answer_says(status, body, told):
    async with endpoint(body, status) as (url, _):
        with pytest.raises(NoToken) as caught:
            await asked(ENTRA, url)
    assert str(caught.value).startswith(url) and str(caught.value).endswith(told)
    assert "canary" not in str(caught.value)


async def test_nobody_there_and_no_answer_are_failures_too(monkeypatch):
    async with endpoint(silent=True) as (url, _):
        monkeypatch.setattr(grants, "TIMEOUT_S", 0.05)
        with pytest.raises(NoToken, match="did not answer in time"):
            await asked(ENTRA, url)
    with pytest.raises(NoToken, match="could not be asked"):
        await asked(ENTRA, url)


async def test_a_lifetime_may_be_a_text_and_is_bounded():
    for lifetime, expected in ((b'"3600"', 3600.0), (b"1e12", grants.LONGEST_S)):
        async with endpoint(b'{"access_token":"t","expires_in":' + lifetime + b"}") as (url, _):
            assert (await asked(ENTRA, url)).lifetime_s == expected
