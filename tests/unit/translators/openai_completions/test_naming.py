"""Where a completions client finds what a Report speaks of."""

import pytest

from tests.unit.translators.renaming import named_by
from translators.openai_completions import naming

BODY = {"model": "m", "prompt": "hi", "max_tokens": 5, "logprobs": 2}


@pytest.mark.parametrize(
    ("field", "own"),
    [
        ("items[0].parts[0]", "prompt"),
        ("items[0]", "prompt"),
        ("max_completion_tokens", "max_tokens"),
        ("top_logprobs", "logprobs"),
        ("seed", "seed"),
    ],
)
def test_things_are_named_as_the_client_wrote_them(field, own):
    assert named_by(naming, BODY, field) == own
