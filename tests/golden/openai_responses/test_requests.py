"""Requests into and out of the Responses dialect, against files that people can read.

`requests/NAME.json`: the client's dialect and request, the target's dialect and its profile where that is not the plain
one, the body that goes out and what was lost. Where both dialects are the same the request is relayed.
SIDESTEP_GOLDEN=write writes body and losses anew; read the diff.
"""

import os
from pathlib import Path

import msgspec
import orjson
import pytest

from translators.catalog import codec
from translators.ir import Dialect
from translators.profile import Profile

CASES = sorted(Path(__file__).parent.glob("requests/*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_request_becomes_the_body_in_the_file(path):
    case = orjson.loads(path.read_bytes())
    client, target = codec(Dialect(case["client"])), codec(Dialect(case["target"]))
    profile = msgspec.convert({"provider": "nest", "model": "tern-2", **case.get("profile", {})}, Profile)
    if client is target:
        body, report = target.relay_request(case["request"], profile, None)
    else:
        body, report = target.render_request(client.parse_request(case["request"]), profile)
    if os.environ.get("SIDESTEP_GOLDEN") == "write":
        case |= {"body": body, "report": report.header()}
        path.write_bytes(orjson.dumps(case, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    assert body == case["body"]
    assert report.header() == case["report"]


def test_there_are_cases_for_both_directions():
    cases = [orjson.loads(path.read_bytes()) for path in CASES]
    assert len([case for case in cases if case["target"] == "openai-responses"]) >= 5
    assert len([case for case in cases if case["client"] == "openai-responses"]) >= 5
