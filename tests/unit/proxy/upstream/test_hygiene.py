"""What goes upstream and what passes back."""

import pytest

import proxy
from proxy.upstream.hygiene import answer_headers, entity_headers, relayed_headers, request_headers

AUTH = [("authorization", "Bearer k")]


def test_a_request_is_built_from_what_every_call_needs():
    assert dict(request_headers(AUTH, {}, {})) == {
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"sidestep/{proxy.__version__}",
        "x-sidestep-hop": "1",
        "authorization": "Bearer k",
    }


NEWER = [("anthropic-version", "2026-10-21"), ("x-api-key", "k")]
OLDER = [("anthropic-version", "2023-06-01"), ("x-api-key", "k")]


@pytest.mark.parametrize(
    ("own", "asked", "sent"),
    [
        (NEWER, None, "2026-10-21"),
        (NEWER, "2023-06-01", "2023-06-01"),
        (OLDER, "2026-10-21", "2023-06-01"),
        (NEWER, "2027-01-01", "2026-10-21"),
        (NEWER, "yesterday", "2026-10-21"),
    ],
)
def test_of_the_dialects_and_the_clients_api_version_the_older_is_sent(own, asked, sent):
    client = {} if asked is None else {"anthropic-version": asked}
    assert dict(request_headers(own, {}, client, relayed=True))["anthropic-version"] == sent


def test_beta_features_go_on_to_anthropics_dialect_where_nothing_is_translated():
    client = {"anthropic-beta": "one-2025-01-01, two-2026-02-02,one-2025-01-01, b@d,"}
    configured = {"anthropic-beta": "ours-2026-01-01"}
    got = dict(request_headers(NEWER, configured, client, relayed=True))
    assert got["anthropic-beta"] == "one-2025-01-01,two-2026-02-02,ours-2026-01-01"
    assert dict(request_headers(NEWER, configured, client))["anthropic-beta"] == "ours-2026-01-01"
    assert "anthropic-beta" not in dict(request_headers(AUTH, {}, client, relayed=True))


def test_beta_features_are_bounded():
    client = {"anthropic-beta": ",".join(f"feature-{number}" for number in range(500))}
    assert dict(request_headers(NEWER, {}, client, relayed=True))["anthropic-beta"].count(",") == 63


def test_anthropics_rate_limits_pass_back_under_names_of_the_upstream():
    limits = [("anthropic-ratelimit-requests-remaining", "9"), ("anthropic-priority-input-tokens-limit", "5")]
    passed, upstream_id = answer_headers([*limits, ("anthropic-organization-id", "org"), ("request-id", "req_1")])
    assert passed == [
        ("x-upstream-ratelimit-requests-remaining", "9"),
        ("x-upstream-priority-input-tokens-limit", "5"),
    ]
    assert upstream_id == "req_1"


def test_a_stream_asks_for_events():
    assert ("accept", "text/event-stream") in request_headers([], {}, {}, stream=True)


def test_nothing_of_the_clients_goes_on_but_its_idempotency_key():
    client = {
        "authorization": "Bearer theirs",
        "cookie": "a=b",
        "x-forwarded-for": "10.0.0.1",
        "openai-organization": "org",
        "host": "evil",
        "idempotency-key": "once",
    }
    got = dict(request_headers(AUTH, {}, client))
    assert got["authorization"] == "Bearer k"
    assert got["idempotency-key"] == "once"
    assert not set(got) & {"cookie", "x-forwarded-for", "openai-organization", "host"}


@pytest.mark.parametrize("key", ["a\r\nx-evil: 1", "a\nb", "a\0b", "café", "x" * 1025])
def test_a_clients_key_that_cannot_be_a_header_is_dropped(key):
    assert "idempotency-key" not in dict(request_headers([], {}, {"idempotency-key": key}))


def test_our_own_idempotency_key_is_sent_only_where_the_client_gave_none():
    def sent(client):
        return dict(request_headers([], {}, client, idempotency_key="ours")).get("idempotency-key")

    assert sent({}) == "ours"
    assert sent({"idempotency-key": "theirs"}) == "theirs"
    assert sent({"idempotency-key": "a\nb"}) is None


def test_configured_headers_are_added_and_win_over_the_dialects():
    got = request_headers([("anthropic-version", "1")], {"OpenAI-Organization": "org", "Anthropic-Version": "2"}, {})
    assert ("openai-organization", "org") in got
    assert [value for name, value in got if name == "anthropic-version"] == ["2"]


def test_beta_names_of_the_dialect_and_the_configuration_are_both_sent():
    got = request_headers([("anthropic-beta", "a")], {"anthropic-beta": "b"}, {})
    assert [value for name, value in got if name == "anthropic-beta"] == ["a,b"]


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "accept-encoding", "X-Sidestep-Hop"])
def test_no_configuration_can_change_how_the_message_is_framed(name):
    assert dict(request_headers(AUTH, {name: "evil"}, {})) == dict(request_headers(AUTH, {}, {}))


def test_a_configured_user_agent_is_used():
    assert ("user-agent", "mine") in request_headers([], {"User-Agent": "mine"}, {})


def test_a_value_with_a_line_break_is_dropped_and_a_long_credential_is_not():
    long = "Bearer " + "x" * 3000
    got = dict(request_headers([("authorization", long)], {"x-a": "1\r\nx-b: 2"}, {}))
    assert got["authorization"] == long
    assert "x-a" not in got


def test_limits_pass_back_under_the_upstreams_name_and_the_rest_stays_behind():
    passed, upstream_id = answer_headers(
        [
            ("content-type", "application/json"),
            ("server", "cloudflare"),
            ("set-cookie", "a=b"),
            ("x-ratelimit-remaining-tokens", "12"),
            ("x-ratelimit-limit-requests", "5"),
            ("openai-processing-ms", "300"),
            ("openai-version", "2020-10-01"),
            ("openai-organization", "org-secret"),
            ("x-request-id", "req_1"),
            ("retry-after", "3"),
        ]
    )
    assert passed == [
        ("x-upstream-ratelimit-remaining-tokens", "12"),
        ("x-upstream-ratelimit-limit-requests", "5"),
        ("openai-processing-ms", "300"),
        ("openai-version", "2020-10-01"),
    ]
    assert upstream_id == "req_1"


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "x-ms-request-id", "apim-request-id"])
def test_every_name_of_a_request_id_is_known(name):
    assert answer_headers([(name, "r")]) == ([], "r")


def test_of_several_ids_the_usual_name_counts_and_of_repeats_the_first():
    headers = [("apim-request-id", "c"), ("request-id", "b"), ("x-request-id", "a"), ("x-request-id", "z")]
    assert answer_headers(headers) == ([], "a")
    assert answer_headers([]) == ([], "")


@pytest.mark.parametrize("value", ["a\r\nset-cookie: x", "a\nb", "a\0", "x" * 1025])
def test_a_value_that_could_break_out_or_is_too_long_stays_behind(value):
    assert answer_headers([("x-ratelimit-a", value), ("openai-version", value), ("x-request-id", value)]) == ([], "")


def test_a_value_of_one_kibibyte_passes():
    assert answer_headers([("openai-version", "x" * 1024)])[0] == [("openai-version", "x" * 1024)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content-type", 'multipart/form-data; boundary="a b=c"'),
        ("accept", "application/json, audio/*;q=0.5, */*; q=0.1"),
        ("openai-beta", "assistants=v2"),
        ("range", "bytes=0-99, 200-"),
        ("idempotency-key", "k-1"),
    ],
)
def test_a_relayed_body_takes_along_what_its_client_says_of_it(name, value):
    assert dict(relayed_headers(AUTH, {}, {name: value}))[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content-type", "a/b\r\nx: y"),
        ("content-type", "nonsense"),
        ("content-type", "a/" + "b" * 2000),
        ("accept", "text/html\x00"),
        ("openai-beta", "a: b"),
        ("range", "lines=1-2"),
        ("cookie", "a=b"),
        ("authorization", "Bearer theirs"),
        ("openai-organization", "org-1"),
        ("host", "elsewhere"),
        ("x-sidestep-hop", "0"),
    ],
)
def test_nothing_else_of_a_relayed_request_goes_on(name, value):
    sent = dict(relayed_headers(AUTH, {}, {name: value}))
    assert sent.get(name) != value
    assert sent["authorization"] == "Bearer k" and sent["accept-encoding"] == "identity" and sent["accept"] == "*/*"


def test_a_relayed_request_without_a_type_has_none_and_the_configured_headers():
    sent = dict(relayed_headers(AUTH, {"x-team": "a"}, {}))
    assert "content-type" not in sent
    assert sent["x-team"] == "a"


def test_of_an_answer_that_passes_only_what_says_how_to_read_it_is_kept():
    headers = [
        ("content-disposition", "attachment"), ("content-range", "bytes 0-1/2"), ("accept-ranges", "bytes"),
        ("content-encoding", "gzip"), ("content-length", "5"), ("set-cookie", "a"), ("server", "x"),
        ("content-disposition", "x" * 2000),
    ]  # fmt: skip
    assert entity_headers(headers) == headers[:4]
