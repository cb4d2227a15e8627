"""Which path goes where."""

import pytest

from proxy.edge.routes import ROUTES, route_of, spoken


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("POST", "/v1/chat/completions", "chat"),
        ("POST", "/v1/completions", "completions"),
        ("POST", "/v1/responses", "responses"),
        ("POST", "/v1/messages", "messages"),
        ("POST", "/v1/messages/count_tokens", "count_tokens"),
        ("POST", "/v1/embeddings", "embeddings"),
        ("GET", "/v1/models", "models"),
        ("GET", "/v1/models/gpt-4o", "models"),
        ("GET", "/v1/models/meta/llama-3/70b", "models"),
    ],
)
def test_known_paths_have_their_route(method, path, route):
    assert route_of(method, path) == (route, None)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/v1", "/v1/", "/v1/models/", "/v1/chat/completions/", "/V1/models", "/v1//models", "/v1/messages/x"],
)
def test_any_other_path_is_an_unknown_url(path):
    """No slash is dropped, no case folded: what is checked is what is served."""
    route, refusal = route_of("POST", path)
    assert route == "other"
    assert (refusal.fault.status, refusal.fault.code) == (404, "unknown_url")


@pytest.mark.parametrize("path", ["/chat/completions", "/embeddings", "/models", "/models/a/b", "/messages"])
def test_a_path_without_v1_is_told_what_is_missing(path):
    _, refusal = route_of("POST", path)
    assert "lacks /v1" in refusal.fault.message


@pytest.mark.parametrize("path", ["/v1/v1/messages", "/v1/v1/models/x"])
def test_a_path_with_v1_twice_is_told_so(path):
    """Anthropic's SDKs add it to a base URL themselves."""
    _, refusal = route_of("POST", path)
    assert "/v1 twice" in refusal.fault.message


@pytest.mark.parametrize("route", ["models", "other"])
@pytest.mark.parametrize(
    ("headers", "anthropic"),
    [
        ({}, False),
        ({"authorization": "Bearer k"}, False),
        ({"authorization": "Bearer k", "x-api-key": "k"}, False),
        ({"x-api-key": "k"}, True),
        ({"authorization": "Bearer k", "anthropic-version": "2026-10-21"}, True),
    ],
)
def test_headers_tell_the_dialect_where_the_path_does_not(route, headers, anthropic):
    assert spoken(route, headers) == ("messages" if anthropic else route)


@pytest.mark.parametrize("route", [one for one in ROUTES if one not in ("models", "other")])
def test_headers_change_no_other_routes_dialect(route):
    assert spoken(route, {"anthropic-version": "2026-10-21"}) == route


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("HEAD", "/v1/models", "GET"),
        ("OPTIONS", "/v1/embeddings", "POST"),
        ("DELETE", "/v1/models/x", "GET"),
    ],
)
def test_another_method_is_told_which_one_is_allowed(method, path, allow):
    route, refusal = route_of(method, path)
    assert route != "other"
    assert refusal.fault.status == 405
    assert refusal.more == [("allow", allow)]


def test_a_strange_path_is_told_back_short_and_in_one_line():
    _, refusal = route_of("GET", "/\r\nx: y" + "a" * 5000)
    assert "\n" not in refusal.fault.message
    assert len(refusal.fault.message) < 400
