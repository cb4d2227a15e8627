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


def estimate(request: Request) -> int:
    """About how many input tokens a conversation is, rather too many than too few. What is not in the request, such as
    a file given by its id, counts as nothing."""
    words, beside = parts(request)
    return beside + -(-sum(len(text.encode()) for text in words) // BYTES_PER_TOKEN)


def parts(request: Request) -> tuple[list[str], int]:
    """Every text that a conversation holds, and about how many tokens there are beside."""
    words: list[str] = []
    beside = FRAME * (1 + len(request.items) + len(request.tools))
    for item in request.items:
        if isinstance(item, ToolCall):
            words += item.name, item.arguments
        elif isinstance(item, Reasoning):
            words.append(item.text)
        elif isinstance(item, Message | ToolResult):
            for part in item.parts:
                beside += _weighed(part, words)
    for tool in request.tools:
        words += tool.name, tool.description or "", _written(tool.parameters)
    if request.output is not None and request.output.schema is not None:
        words.append(_written(request.output.schema))
    words += map(_written, request.extra.values())
    return words, beside


def _weighed(part: Part, words: list[str]) -> int:
    """Tokens of what is no text; text joins the words."""
    match part:
        case Text() | Refusal():
            words.append(part.text)
        case Image():
            return AN_IMAGE
        case File() | Audio():
            return len(part.data or "") // FILE_BYTES_PER_TOKEN
        case _:
            words.append(_written(part.value))
    return 0


def _written(value: Any) -> str:
    return orjson.dumps(value).decode()
