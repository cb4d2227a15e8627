"""Keys that are no fixed text: what each source needs, and how what is lacking is told."""

import json

import pytest

from proxy.config import sources
from proxy.config.hidden import Secret
from proxy.config.secrets import NoSecret
from proxy.config.sources import ENTRA_SCOPE, read_key
from proxy.config.values import EntraToken, GoogleToken, KeyFile, ManagedIdentity, ServiceAccount

ENTRA = {"AZURE_TENANT_ID": "tenant-1", "AZURE_CLIENT_ID": "app-1"}
CANARY = "canary-7f3a"
ACCOUNT = {
    "type": "service_account",
    "client_email": "proxy@p.iam.gserviceaccount.com",
    "private_key_id": "key-1",
    "private_key": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n",
    "token_uri": "https://elsewhere.example/token",
}
PERSON = {"type": "authorized_user", "client_id": "c", "client_secret": CANARY, "refresh_token": CANARY + "r"}


def refused(source, env=None):
    with pytest.raises(NoSecret) as caught:
        read_key(source, env or {})
    assert CANARY not in str(caught.value)
    return str(caught.value)


def test_a_variable_stays_and_a_file_is_read_again(tmp_path):
    file = tmp_path / "key"
    file.write_text("sk-1\n")
    assert read_key("env:X", {"X": "sk-0"}).renewal is None
    key = read_key(f"file:{file}", {})
    assert (key.secret, key.renewal) == (Secret("sk-1"), KeyFile(str(file)))


def test_an_application_gets_its_token_by_a_secret():
    key = read_key("entra:", ENTRA | {"AZURE_CLIENT_SECRET": CANARY})
    assert key.secret is None
    assert key.renewal == EntraToken(ENTRA_SCOPE, "tenant-1", "app-1", Secret(CANARY), "")
    assert CANARY not in repr(key)


def test_or_by_a_federated_token_for_another_scope(tmp_path):
    file = tmp_path / "jwt"
    file.write_text("a.b.c")
    scope = "https://cognitiveservices.azure.com/.default"
    key = read_key(f"entra:{scope}", ENTRA | {"AZURE_FEDERATED_TOKEN_FILE": str(file)})
    assert key.renewal == EntraToken(scope, "tenant-1", "app-1", None, str(file))


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({}, "environment variable AZURE_TENANT_ID is not set"),
        (
            ENTRA | {"AZURE_TENANT_ID": "a/../b"},
            "environment variable AZURE_TENANT_ID has characters that no such id has",
        ),
        ({"AZURE_TENANT_ID": "t"}, "environment variable AZURE_CLIENT_ID is not set"),
        (ENTRA, "needs AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE, and neither is set"),
        (ENTRA | {"AZURE_FEDERATED_TOKEN_FILE": "/none"}, "file /none cannot be read: no such file or directory"),
        (
            ENTRA | {"AZURE_CLIENT_SECRET": CANARY + " x"},
            "environment variable AZURE_CLIENT_SECRET has spaces, line breaks or characters that no key has",
        ),
    ],
)
def test_what_entra_lacks_is_said(env, problem):
    assert refused("entra:", env) == problem


def test_a_scope_is_one_word():
    assert refused("entra:two words", ENTRA).startswith("names no scope")


def test_a_machine_at_google_asks_its_metadata_server():
    assert read_key("google:", {}).renewal == GoogleToken()


def test_a_persons_login_is_refreshed(tmp_path):
    file = tmp_path / "login.json"
    file.write_text(json.dumps(PERSON))
    key = read_key("google:", {"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
    assert key.renewal == GoogleToken("c", Secret(CANARY), Secret(CANARY + "r"))
    assert CANARY not in repr(key)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not valid JSON"),
        ("[]", "holds no JSON object"),
        (json.dumps(ACCOUNT | {"private_key": 5}), "lacks private_key"),
        (json.dumps(ACCOUNT | {"client_email": ""}), "lacks client_email"),
        (
            json.dumps({"type": "external_account", "private_key": CANARY}),
            "is of type 'external_account', which is not",
        ),
        (json.dumps({"private_key": CANARY}), "is of type 'None', which is not known"),
        (json.dumps(PERSON | {"refresh_token": ""}), "lacks refresh_token"),
        (json.dumps(PERSON | {"client_id": 5}), "lacks client_id"),
    ],
)
def test_a_file_of_google_that_gives_no_token_is_told(tmp_path, content, problem):
    file = tmp_path / "login.json"
    file.write_text(content)
    assert refused("google:", {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}).startswith(f"file {file} {problem}")


def test_a_file_of_google_that_is_not_there_is_told():
    told = refused("google:", {"GOOGLE_APPLICATION_CREDENTIALS": "/none.json"})
    assert told == "file /none.json cannot be read: no such file or directory"


def test_a_service_account_is_known_by_its_file(tmp_path):
    file = tmp_path / "account.json"
    file.write_text(json.dumps(ACCOUNT))
    key = read_key("google:", {"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
    assert key.renewal == ServiceAccount(ACCOUNT["client_email"], "key-1", Secret(ACCOUNT["private_key"]))
    assert CANARY not in repr(key)


def test_a_service_account_without_the_package_that_signs_says_how_to_have_it(tmp_path, monkeypatch):
    file = tmp_path / "account.json"
    file.write_text(json.dumps(ACCOUNT))
    monkeypatch.setattr(sources, "find_spec", lambda _: None)
    told = refused("google:", {"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
    assert told.endswith("takes the package cryptography to sign with: pip install 'sidestep[vertex]'")


@pytest.mark.parametrize(
    ("source", "env", "renewal"),
    [
        ("entra-managed:", {}, ManagedIdentity("https://ai.azure.com", "")),
        (
            "entra-managed:https://cognitiveservices.azure.com/.default",
            {"AZURE_CLIENT_ID": "app-1"},
            ManagedIdentity("https://cognitiveservices.azure.com", "app-1"),
        ),
        (
            "entra-managed:",
            {"IDENTITY_ENDPOINT": "http://localhost:42356/msi/token", "IDENTITY_HEADER": CANARY},
            ManagedIdentity("https://ai.azure.com", "", "http://localhost:42356/msi/token", Secret(CANARY)),
        ),
        (
            "entra-managed:",
            {"IDENTITY_ENDPOINT": "http://169.254.129.5:8081/msi/token", "IDENTITY_HEADER": CANARY},
            ManagedIdentity("https://ai.azure.com", "", "http://169.254.129.5:8081/msi/token", Secret(CANARY)),
        ),
    ],
)
def test_a_managed_identity_needs_no_secret(source, env, renewal):
    key = read_key(source, env)
    assert (key.renewal, key.secret) == (renewal, None)
    assert CANARY not in repr(key)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://tokens.example/msi/token",
        "http://127.0.0.1.tokens.example/",
        "http://localhost@tokens.example/",
        "http://a:b@localhost/t",
        "https://localhost/",
        "http://localhost:99999/",
        "http://localhost/x?y=1",
        "http://[::1/",
        "localhost:1",
    ],
)
def test_a_managed_identity_is_asked_for_on_this_machine_alone(endpoint):
    told = refused("entra-managed:", {"IDENTITY_ENDPOINT": endpoint, "IDENTITY_HEADER": CANARY})
    assert told == "environment variable IDENTITY_ENDPOINT must be an http address on this machine, as Azure sets it"


def test_an_app_of_azure_needs_the_header_it_was_given():
    told = refused("entra-managed:", {"IDENTITY_ENDPOINT": "http://localhost:1/t"})
    assert told == "environment variable IDENTITY_HEADER is not set"


def test_google_has_no_scopes():
    assert refused("google:scope").startswith('must be "env:NAME"')
