"""Where a target's blobs belong, and how it is reached."""

from translators.profile import Profile


def test_an_origin_names_dialect_provider_lineage_and_account():
    profile = Profile(provider="p", model="m-1", lineage="m", account="a")
    assert profile.origin("d") == "d|p|m|a"


def test_without_a_lineage_the_model_itself_is_the_family():
    assert Profile(provider="p", model="m-1").origin("d") == "d|p|m-1|"


def test_two_accounts_are_two_origins():
    origins = {Profile(provider="p", model="m", account=account).origin("d") for account in ("", "a", "b")}
    assert len(origins) == 3


def test_a_path_is_the_usual_one_unless_the_profile_has_its_own():
    profile = Profile(model="m", paths={"chat": "/own"})
    assert profile.path("chat", "/usual") == "/own"
    assert profile.path("embeddings", "/usual") == "/usual"


def test_the_model_stands_in_a_path_as_one_percent_encoded_segment():
    profile = Profile(model="a/b ?é#", paths={"chat": "/models/{model}:go?x=1"})
    assert profile.path("chat", "") == "/models/a%2Fb%20%3F%C3%A9%23:go?x=1"
    assert profile.path("chat_stream", "/models/{model}:stream") == "/models/a%2Fb%20%3F%C3%A9%23:stream"


def test_a_key_is_carried_by_the_header_the_profile_names():
    assert Profile().credentials("k", "x-api-key") == [("x-api-key", "k")]
    assert Profile(key_header="api-key").credentials("k", "x-api-key") == [("api-key", "k")]
    assert Profile(key_header="authorization").credentials("k", "x-api-key") == [("authorization", "Bearer k")]
    assert Profile().credentials("k", "authorization") == [("authorization", "Bearer k")]


def test_without_a_key_no_header_is_sent():
    assert Profile(key_header="api-key").credentials("", "authorization") == []
