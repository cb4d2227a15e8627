"""Requests of another dialect's client, rendered as chat bodies, against files that people can read.

`requests/NAME.json`: the client's request (Anthropic's form), the target's profile where it is not the plain one, the
body that goes out and what was lost. SIDESTEP_GOLDEN=write writes body and losses anew; read the diff.
"""

import os
from pathlib import Path

import msgspec
import orjson
import pytest

from translators import anthropic_messages, openai_chat
from translators.profile import Profile

CASES = sorted(Path(__file__).parent.glob("requests/*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_request_becomes_the_body_in_the_file(path):
    case = orjson.loads(path.read_bytes())
    profile = msgspec.convert({"provider": "nest", "model": "tern-2", **case["profile"]}, Profile)
    body, report = openai_chat.render_request(anthropic_messages.parse_request(case["request"]), profile)
    if os.environ.get("SIDESTEP_GOLDEN") == "write":
        case |= {"body": body, "report": report.header()}
        path.write_bytes(orjson.dumps(case, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    assert body == case["body"]
    assert report.header() == case["report"]


def test_there_are_cases():
    assert len(CASES) >= 4
