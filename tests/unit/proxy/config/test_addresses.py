"""Where the proxy may listen and send."""

import pytest

from proxy.config.addresses import (
    OWN_HEADERS,
    check_header,
    check_key_header,
    check_path,
    check_url,
    is_loopback,
    join_listen,
    points_at,
    repeated_headers,
    split_listen,
)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:4600", "127.0.0.1", 4600),
        ("localhost:0", "localhost", 0),
        ("[::1]:4600", "::1", 4600),
        ("[0::1]:4600", "::1", 4600),
        ("0.0.0.0:65535", "0.0.0.0", 65535),
        ("my-pod.local:80", "my-pod.local", 80),
    ],
)
def test_listeners_are_host_and_port(text, host, port):
    assert split_listen(text) == (host, port)
    assert split_listen(join_listen(host, port)) == (host, port)


@pytest.mark.parametrize(
    "text",
    ["", ":", "4600", ":4600", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:٣", "::1:4600",
     "[::1:4600", "[x]:1", "a b:1", "1.2.3:4600", "300.1.1.1:1", "127.0.0.1:+80", "*:80", "a..b:80"],
)  # fmt: skip
def test_what_is_no_listener_is_refused(text):
    with pytest.raises(ValueError):
        split_listen(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_this_machine_is_known(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.nip.io", "example.com", "", "2130706433"]
)
def test_other_machines_are_not_taken_for_this_one(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url",
    ["https://api.example/v1", "https://api.example:8443", "http://127.0.0.1:11434/v1", "http://[::1]:80", "http://localhost",
     "http://vllm.ml.svc:8000/v1", "http://VLLM.ml.svc", "https://10.0.0.1", "https://a_b.example/x"],
)  # fmt: skip
def test_destinations_over_tls_on_this_machine_or_listed_are_fine(url):
    assert check_url(url, plain_hosts=["vllm.ml.svc"]) == ""


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://api.example/v1", "must be https: api.example is neither this machine nor listed"),
        ("http://x.vllm.ml.svc", "must be https"),
        ("http://0.0.0.0:80", "must be https"),
        ("http://127.0.0.1.evil.example", "must be https"),
        ("https://user@api.example", "must not contain a user or password"),
        ("https://user:secret@api.example", "must not contain a user or password"),
        ("https://@api.example", "must not contain a user or password"),
        ("https://api.example?x=1", "must not have a query or fragment"),
        ("https://api.example/v1?", "must not have a query or fragment"),
        ("https://api.example/#x", "must not have a query or fragment"),
        ("ftp://api.example", "must start with https:// or http://"),
        ("api.example/v1", "must start with https:// or http://"),
        ("file:///etc/passwd", "must start with https:// or http://"),
        ("https://", "must name a host"),
        ("https:///v1", "must name a host"),
        ("https://.example", "must name a host"),
        ("https://a..b", "must name a host"),
        ("https://exämple.com", "must name a host"),
        ("https://api.example:0", "must name a host"),
        ("https://api.example:x", "is not a valid URL"),
        ("https://api.example:99999", "is not a valid URL"),
        ("https://[::1", "is not a valid URL"),
        ("https://api.example/a b", "must not contain spaces"),
        ("https://api.example\\@evil.example", "must not contain spaces, backslashes"),
        ("https://api.example/\r\nx", "must not contain spaces"),
        ("https://api.example/\x00", "must not contain spaces"),
    ],
)
def test_other_destinations_are_refused_without_repeating_what_may_be_secret(url, problem):
    told = check_url(url, plain_hosts=["vllm.ml.svc"])
    assert told.startswith(problem)
    assert "secret" not in told


def test_a_proxy_may_be_reached_without_tls():
    assert check_url("http://egress.example:3128", plain_hosts=None) == ""


def test_a_destination_that_is_the_proxy_itself_is_seen():
    assert points_at("http://127.0.0.1:4600/v1", "127.0.0.1:4600")
    assert points_at("http://localhost:4600", "0.0.0.0:4600")
    assert points_at("https://pod.example", "pod.example:443")
    assert not points_at("http://127.0.0.1:4601/v1", "127.0.0.1:4600")
    assert not points_at("http://localhost:80", "127.0.0.1:0")
    assert not points_at("https://api.example:4600", "127.0.0.1:4600")


@pytest.mark.parametrize("name", [*sorted(OWN_HEADERS), "Authorization", "HOST", "X-Sidestep-Mode"])
def test_headers_of_the_proxys_own_are_not_configured(name):
    assert check_header(name, "x") == "is set by Sidestep itself"


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "a\r\nb", "a_b"])
def test_what_is_no_header_name_is_refused(name):
    """An underscore too: some servers take it for a dash."""
    assert check_header(name, "x") == "is not a header name"


@pytest.mark.parametrize("value", ["", " x", "x ", "a\r\nb: c", "ä", "\x7f", 3, None, ["x"]])
def test_header_values_are_printable_ascii(value):
    assert check_header("openai-organization", value) == "must be printable ASCII text without outer spaces"


def test_ordinary_headers_are_fine():
    assert check_header("OpenAI-Organization", "org-1") == ""
    assert check_header("anthropic-beta", "a-1,b-2") == ""


def test_a_header_set_twice_is_seen_whatever_its_case():
    assert repeated_headers(["X-A", "x-a", "x-b"]) == ["X-A", "x-a"]


@pytest.mark.parametrize("path", ["/", "/a/{model}/b?api-version=1&x={model}", "/v1/%7B"])
def test_a_path_after_a_base_url_starts_with_a_slash_and_may_name_the_model(path):
    assert check_path(path) == ""


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "must start with /"),
        ("a", "must start with /"),
        ("https://x.test/a", "must start with /"),
        ("/a b", "must start with /"),
        ("/ä", "must start with /"),
        ("/a#b", "must start with /"),
        ("/a\n", "must start with /"),
        ("/{deployment}", "knows no placeholder but {model}"),
        ("/{model", "knows no placeholder but {model}"),
        ("/{{model}}", "knows no placeholder but {model}"),
    ],
)
def test_any_other_path_is_refused(path, problem):
    assert check_path(path).startswith(problem)


@pytest.mark.parametrize(
    "name", ["authorization", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key"]
)
def test_a_key_may_stand_in_these_headers(name):
    assert check_key_header(name) == ""


@pytest.mark.parametrize("name", ["Api-Key", "a key", "host", "content-length", "x-sidestep-key", "user-agent"])
def test_a_key_may_stand_in_no_header_that_says_something_else(name):
    assert check_key_header(name) != ""
