"""Where a target's blobs belong."""

from translators.profile import Profile


def test_an_origin_names_dialect_provider_lineage_and_account():
    profile = Profile(provider="p", model="m-1", lineage="m", account="a")
    assert profile.origin("d") == "d|p|m|a"


def test_without_a_lineage_the_model_itself_is_the_family():
    assert Profile(provider="p", model="m-1").origin("d") == "d|p|m-1|"


def test_two_accounts_are_two_origins():
    origins = {Profile(provider="p", model="m", account=account).origin("d") for account in ("", "a", "b")}
    assert len(origins) == 3
