"""Paths and headers of the dialect."""

import pytest

from translators import openai_chat
from translators.profile import Profile


def test_the_path_follows_the_version_in_the_base_url():
    assert openai_chat.request_path(Profile(), stream=True) == "/chat/completions"


@pytest.mark.parametrize(
    ("key", "vendor", "headers"),
    [
        ("k", "", [("authorization", "Bearer k")]),
        ("k", "openai", [("authorization", "Bearer k")]),
        ("k", "azure-openai", [("api-key", "k")]),
        ("", "", []),
    ],
)
def test_the_key_goes_where_the_vendor_looks(key, vendor, headers):
    assert openai_chat.request_headers(key, Profile(vendor=vendor), {}) == headers
