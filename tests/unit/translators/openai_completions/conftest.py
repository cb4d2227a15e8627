"""What the tests of completions share: chunks, and probabilities in both forms."""

import orjson
import pytest

from translators.ir import Event


def made(text="", index=0, finish=None, **more) -> Event:
    choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
    return Event(orjson.dumps({"id": "cmpl-9", "model": "m", "choices": [choice], **more}))


@pytest.fixture(scope="session")
def chunk():
    """`chunk(text, index, finish, **more)`: one event of a stream."""
    return made


@pytest.fixture(scope="session")
def chat_logprobs():
    return {
        "content": [
            {"token": "Hé", "logprob": -0.5, "bytes": [72, 195, 169], "top_logprobs": []},
            {
                "token": "!",
                "logprob": -1.0,
                "bytes": [33],
                "top_logprobs": [{"token": "!", "logprob": -1.0, "bytes": [33]}],
            },
        ],
        "refusal": None,
    }


@pytest.fixture(scope="session")
def legacy_logprobs():
    """The same as completions tell them."""
    return {
        "tokens": ["Hé", "!"],
        "token_logprobs": [-0.5, -1.0],
        "top_logprobs": [{}, {"!": -1.0}],
        "text_offset": [0, 2],
    }
