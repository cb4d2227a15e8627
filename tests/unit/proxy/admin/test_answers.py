"""What the admin port answers has one form."""

import orjson

from proxy.admin.answers import error, told_as_json


def test_an_error_has_the_form_of_openais():
    answer = error(404, "unknown_url", "Unknown page.", {"allow": "GET"}, param="path")
    assert (answer.status_code, answer.headers["allow"], answer.media_type) == (404, "GET", "application/json")
    assert orjson.loads(answer.body) == {
        "error": {"message": "Unknown page.", "type": "invalid_request_error", "param": "path", "code": "unknown_url"}
    }


def test_an_answer_is_json():
    assert told_as_json(200, {"a": 1}).body == b'{"a":1}'
