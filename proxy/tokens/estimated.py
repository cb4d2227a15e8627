"""About how many input tokens a conversation is, rather too many than too few."""

from typing import Any, Final

import orjson

from translators.ir import Audio, File, Image, Message, Part, Reasoning, Refusal, Request, Text, ToolCall, ToolResult

BYTES_PER_TOKEN: Final = 3
"""Of an estimate: most texts have more bytes to a token, so that it is rather too high than too low."""
FRAME: Final = 4
"""Of an estimate: what a message or a tool costs beside its words."""
AN_IMAGE: Final = 1600
"""Of an estimate: a picture of usual size."""
FILE_BYTES_PER_TOKEN: Final = 40
"""Of an estimate: base64 of a document to a token of what is read out of it."""


def _size(value: Any) -> int:
    """The bytes of a value written as JSON, which is never shorter than its text."""
    return len(orjson.dumps(value))


def estimate(request: Request) -> int:
    """About how many input tokens a conversation is, rather too many than too few. What is not in the request, such as
    a file given by its id, counts as nothing."""
    words = 0
    total = FRAME
    for item in request.items:
        total += FRAME
        if isinstance(item, ToolCall):
            words += len(item.name) + len(item.arguments.encode())
        elif isinstance(item, Reasoning):
            words += len(item.text.encode())
        elif isinstance(item, Message | ToolResult):
            for part in item.parts:
                size, tokens = _weighed(part)
                words += size
                total += tokens
    for tool in request.tools:
        total += FRAME
        words += len(tool.name) + len((tool.description or "").encode()) + _size(tool.parameters)
    if request.output is not None and request.output.schema is not None:
        words += _size(request.output.schema)
    words += sum(_size(value) for value in request.extra.values())
    return total + -(-words // BYTES_PER_TOKEN)


def _weighed(part: Part) -> tuple[int, int]:
    """Bytes of text, and tokens of what is none."""
    match part:
        case Text() | Refusal():
            return len(part.text.encode()), 0
        case Image():
            return 0, AN_IMAGE
        case File() | Audio():
            return 0, len(part.data or "") // FILE_BYTES_PER_TOKEN
        case _:
            return _size(part.value), 0
