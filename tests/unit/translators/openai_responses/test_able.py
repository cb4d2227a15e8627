"""What of a relayed request a model cannot be shown."""

import pytest

from translators.openai_responses.able import LEFT_OUT, shown
from translators.profile import Profile
from translators.report import Report

PICTURE = {"type": "input_image", "image_url": "https://x.test/a.png"}
FILE = {"type": "input_file", "file_id": "file_1"}
TEXT = {"type": "input_text", "text": "t"}
ITEMS = [
    {"role": "user", "content": [TEXT, PICTURE, FILE, "x"]},
    {"type": "function_call_output", "call_id": "c", "output": [PICTURE]},
    {"role": "user", "content": "plain"},
]


def test_a_model_that_takes_all_is_shown_all():
    assert shown(ITEMS, Profile(), Report()) is ITEMS
    assert shown(ITEMS[2:], Profile(images=False), Report()) == ITEMS[2:]


@pytest.mark.parametrize(
    ("profile", "content", "output", "lost"),
    [
        (Profile(images=False), [TEXT, FILE, "x"], LEFT_OUT, ["input[0].content[1]", "input[1].output[0]"]),
        (Profile(image_urls=False), [TEXT, FILE, "x"], LEFT_OUT, ["input[0].content[1]", "input[1].output[0]"]),
        (Profile(files=False), [TEXT, PICTURE, "x"], [PICTURE], ["input[0].content[2]"]),
    ],
)
def test_what_it_cannot_be_shown_is_taken_out_and_refused(profile, content, output, lost):
    report = Report()
    message, result, plain = shown(ITEMS, profile, report)
    assert (message["content"], result["output"], plain) == (content, output, ITEMS[2])
    assert [entry.field.rpartition(".")[0] for entry in report.entries] == lost
    assert ITEMS[0]["content"][1] is PICTURE


def test_data_is_no_address():
    item = {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,iVBO"}]}
    assert shown([item], Profile(image_urls=False), Report()) == [item]
