"""A relayed conversation keeps from a model what the model cannot be shown, and says so."""

import copy

import pytest

from translators.openai_chat import relay_request
from translators.openai_chat.able import LEFT_OUT
from translators.profile import Profile
from translators.report import Mode

ASK = {"type": "text", "text": "what is this?"}
LINKED = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
INLINE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}
FILE = {"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ=="}}
SOUND = {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}}
UNHEARD = {"type": "hologram", "hologram": {}}


def relayed(*content, profile, **fields):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": list(content)}]
    body = {"model": "m", "messages": messages, **fields}
    before = copy.deepcopy(body)
    out, report = relay_request(body, profile, None)
    assert body == before
    return out, report


@pytest.mark.parametrize(
    ("part", "lacking"),
    [(LINKED, "images"), (LINKED, "image_urls"), (INLINE, "images"), (FILE, "files"), (SOUND, "audio")],
)
def test_a_part_the_model_does_not_take_skips_the_target(part, lacking):
    out, report = relayed(ASK, part, profile=Profile(**{lacking: False}))
    assert out["messages"][1]["content"] == [ASK]
    [entry] = report.blocking(Mode.WARN)
    assert entry.field == f"messages[1].content[1].{part['type']}"
    assert report.blocking(Mode.LENIENT) == []


def test_what_the_model_takes_passes_as_it_came():
    parts = (ASK, LINKED, INLINE, FILE, SOUND, UNHEARD, "odd")
    out, report = relayed(*parts, profile=Profile())
    assert out["messages"][1]["content"] == list(parts)
    assert report.entries == []


def test_an_image_in_the_request_itself_is_no_image_by_address():
    out, report = relayed(INLINE, UNHEARD, profile=Profile(image_urls=False, files=False, audio=False))
    assert out["messages"][1]["content"] == [INLINE, UNHEARD]
    assert report.entries == []


def test_a_message_of_which_nothing_remains_is_not_empty():
    out, _ = relayed(LINKED, profile=Profile(images=False))
    assert out["messages"][1]["content"] == LEFT_OUT


@pytest.mark.parametrize("broken", [{"type": "image_url"}, {"type": "image_url", "image_url": 5}, {"type": ["file"]}])
def test_a_part_without_sense_is_the_providers_to_judge(broken):
    out, _ = relayed(broken, profile=Profile(image_urls=False, files=False))
    assert out["messages"][1]["content"] == [broken]


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"tools": [{"type": "function"}], "tool_choice": "auto"}, "tools"),
        ({"functions": [{"name": "f"}], "function_call": "auto"}, "functions"),
    ],
)
def test_tools_skip_a_model_without_them(fields, refused):
    out, report = relayed(ASK, profile=Profile(tools=False), **fields)
    assert not out.keys() & fields.keys()
    assert [entry.field for entry in report.blocking(Mode.WARN)] == [refused]


def test_a_model_that_stands_in_the_path_does_not_stand_in_the_body():
    out, report = relayed(ASK, profile=Profile(model="m", rejects=frozenset({"model"})))
    assert "model" not in out
    assert report.entries == []
