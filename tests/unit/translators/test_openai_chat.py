"""Paths and headers of the dialect."""

import pytest

from translators import openai_chat
from translators.profile import Profile


def test_the_path_follows_the_version_in_the_base_url():
    assert openai_chat.request_path(Profile(), stream=True) == "/chat/completions"


def test_a_deployment_of_its_own_path_is_asked_there_whether_it_streams_or_not():
    profile = Profile(model="my gpt", paths={"chat": "/deployments/{model}/chat/completions?api-version=2024-10-21"})
    for stream in (False, True):
        path = openai_chat.request_path(profile, stream=stream)
        assert path == "/deployments/my%20gpt/chat/completions?api-version=2024-10-21"


@pytest.mark.parametrize(
    ("key", "profile", "headers"),
    [
        ("k", Profile(), [("authorization", "Bearer k")]),
        ("k", Profile(key_header="api-key"), [("api-key", "k")]),
        ("", Profile(), []),
    ],
)
def test_the_key_goes_where_the_provider_looks(key, profile, headers):
    assert openai_chat.request_headers(key, profile, {}) == headers
