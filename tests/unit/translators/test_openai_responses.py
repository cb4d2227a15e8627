"""Where and with which headers a Responses request is sent."""

import pytest

from translators import openai_responses
from translators.profile import Profile


@pytest.mark.parametrize("stream", [False, True])
def test_streamed_or_not_it_is_asked_for_at_the_same_place(stream):
    assert openai_responses.request_path(Profile(), stream=stream) == "/responses"


def test_a_dated_api_has_a_place_of_its_own():
    profile = Profile(model="m", paths={"responses": "/responses?api-version=2030-01-01", "chat": "/elsewhere"})
    assert openai_responses.request_path(profile, stream=False) == "/responses?api-version=2030-01-01"


@pytest.mark.parametrize(
    ("key", "header", "headers"),
    [
        ("k", "", [("authorization", "Bearer k")]),
        ("k", "api-key", [("api-key", "k")]),
        ("", "api-key", []),
    ],
)
def test_the_key_travels_in_the_header_that_the_profile_names(key, header, headers):
    assert openai_responses.request_headers(key, Profile(key_header=header), {}) == headers
