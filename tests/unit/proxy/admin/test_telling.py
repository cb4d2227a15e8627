"""How the admin port answers."""

import orjson

from proxy.admin.telling import error, json


def test_an_error_has_the_form_that_openais_clients_read():
    answer = error(404, "unknown_url", "No such page.", {"allow": "GET"})
    assert (answer.status_code, answer.headers["allow"]) == (404, "GET")
    assert orjson.loads(answer.body)["error"] == {
        "message": "No such page.",
        "type": "invalid_request_error",
        "param": None,
        "code": "unknown_url",
    }


def test_anything_else_is_json_as_it_is():
    answer = json(200, {"a": 1})
    assert (answer.headers["content-type"], orjson.loads(answer.body)) == ("application/json", {"a": 1})
