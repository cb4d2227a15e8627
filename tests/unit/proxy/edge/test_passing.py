"""Which paths pass through, and what of a request may keep it from passing."""

import pytest

from proxy.config.values import PASSED
from proxy.edge.passing import QUERY_CAP, Passing

USUAL = Passing(PASSED)


def takes(path: str, raw: str = "", passing: Passing = USUAL) -> bool:
    return passing.takes(path, (raw or path).encode())


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files",
        "/v1/files/file-abc/content",
        "/v1/audio/speech",
        "/v1/moderations",
        "/v1/images/generations",
        "/v1/batches/b_1/cancel",
        "/v1/uploads/u/parts",
        "/v1/fine_tuning/jobs/ft:gpt-4o:org::id/events",
        "/v1/vector_stores/vs_1/files/file-1",
        "/v1/responses/resp_1/input_items",
        "/v1/chat/completions/c_1/messages",
        "/v1/videos/v_1/content",
    ],
)
def test_openais_other_paths_pass_by_default(path):
    assert takes(path)


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/filesystem",
        "/v1/files/",
        "/v1/files//x",
        "/v1/files/..",
        "/v1/files/../models",
        "/v1/files/./x",
        "/v1/files/.../x",
        "/v1/files/a b",
        "/v1/files/a%2fb",
        "/v1/files/a\\b",
        "/v1/files/a?b",
        "/v1/files/a#b",
        "/v1/files/a\0",
        "/v1/files/a\n",
        "/v1/files/ä",
        "/v1/moderations/x",
        "/V1/files",
        "/files",
        "/v1/realtime/sessions",
        "/v1/organization/admin_api_keys",
    ],
)
def test_nothing_else_does(path):
    assert not takes(path, path.encode("utf-8").decode("latin-1"))


def test_an_id_with_a_slash_that_was_escaped_does_not_become_two_segments():
    assert not takes("/v1/files/a/content", "/v1/files/a%2Fcontent")
    assert takes("/v1/fine_tuning/checkpoints/ft:x/permissions", "/v1/fine_tuning/checkpoints/ft%3Ax/permissions")


def test_a_name_may_begin_with_a_dot_or_hold_some():
    assert takes("/v1/files/.hidden") and takes("/v1/files/a..b")


def test_only_the_paths_that_are_named_pass():
    passing = Passing(("/v1/moderations", "/v1/files/*"))
    assert takes("/v1/moderations", passing=passing) and takes("/v1/files", passing=passing)
    assert not takes("/v1/audio/speech", passing=passing)
    assert not Passing(()).takes("/v1/files", b"/v1/files")


def test_whatever_is_named_the_realtime_api_never_passes():
    passing = Passing(("/v1/*",))
    assert takes("/v1/anything/at/all", passing=passing)
    assert not takes("/v1/realtime", passing=passing) and not takes("/v1/realtime/calls", passing=passing)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_the_methods_of_openais_api_pass(method):
    assert USUAL.refusal(method, "/v1/files", "limit=2&after=a%20b", {}) is None


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD", "OPTIONS", "CONNECT", "get", ""])
def test_other_methods_are_told_which_ones_do(method):
    refused = USUAL.refusal(method, "/v1/files", "", {})
    assert (refused.fault.status, refused.more) == (405, [("allow", "GET, POST, DELETE")])


@pytest.mark.parametrize("query", ["a=\x00", "a=b c", "a=ä", 'a="b"', "<script>", "a\\b", "x" * (QUERY_CAP + 1)])
def test_a_query_that_is_none_is_refused(query):
    assert USUAL.refusal("GET", "/v1/files", query, {}).fault.status == 400


def test_a_query_at_the_limit_passes():
    assert USUAL.refusal("GET", "/v1/files", "x" * QUERY_CAP, {}) is None


def test_a_body_that_was_compressed_on_its_way_is_refused():
    refused = USUAL.refusal("POST", "/v1/files", "", {"content-encoding": "gzip"})
    assert (refused.fault.status, refused.fault.code) == (415, "unsupported_media_type")
    assert USUAL.refusal("POST", "/v1/files", "", {"content-encoding": "Identity"}) is None
