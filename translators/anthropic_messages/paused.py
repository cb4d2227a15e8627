"""A turn that Anthropic paused, as it must be sent back to be gone on with: its blocks, verbatim.

A turn in which Anthropic runs tools of its own may stop with `pause_turn`. It goes on when the conversation is sent
again with the turn so far as its last message; blocks of server tools, citations and thinking must be in it as they
came, so that they are kept from the wire and not made out of the neutral form. What the answer ran code in
(`container`) is named again.

Only requests with such tools keep anything, and at most `CAP` bytes. A turn that is too long for that, or holds what
is not known here, is not gone on with. Source: Anthropic's pages on stop reasons and on server tools (`pause_turn`).
"""

from typing import Any

import orjson

from translators.ir import Continued

CAP = 8 * 1024 * 1024

_WORDS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def continued(content: list[Any], container: Any) -> Continued | None:
    """What to send for the rest of a turn with these blocks; None where there is nothing to go on from."""
    blocks = [block for block in content if block.get("type") != "text" or block.get("text")]
    if not blocks:
        return None
    name = container.get("id") if isinstance(container, dict) else None
    fields = {"container": name} if isinstance(name, str) else {}
    return Continued(fields, {"messages": [{"role": "assistant", "content": blocks}]})


def continued_whole(body: bytes) -> Continued | None:
    """The same for a whole message that paused, which has been read as one before."""
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:  # half a surrogate pair cannot be sent back
        return None
    return continued(message["content"], message.get("container"))


class Turn:
    """The blocks of a streamed answer, as they grow."""

    __slots__ = ("_blocks", "_container", "_input", "_left", "_whole")

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._input: dict[int, list[str]] = {}
        self._container: Any = None
        self._left = CAP
        self._whole = True

    def feed(self, data: bytes) -> None:
        """An event that the reader could read."""
        if not self._whole:
            return
        self._left -= len(data)
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError:  # half a surrogate pair, which could not be sent back
            event = None
        if event is None or self._left < 0:
            self._let_go()
            return
        kind = event.get("type")
        if kind == "content_block_start":
            self._blocks[event.get("index", 0)] = event.get("content_block") or {}
        elif kind == "content_block_delta":
            self._grow(event.get("index", 0), event.get("delta") or {})
        elif kind in ("message_start", "message_delta"):
            said = event.get("message") or event.get("delta") or {}
            self._container = said.get("container") or self._container

    def continued(self) -> Continued | None:
        """What to send for the rest; None where that is not known. The next answer begins a new turn."""
        if not self._whole:
            return None
        for index, pieces in self._input.items():
            try:
                self._blocks[index]["input"] = orjson.loads("".join(pieces))
            except orjson.JSONDecodeError:
                return None
        return continued([block for _, block in sorted(self._blocks.items())], self._container)

    def _grow(self, index: int, delta: dict[str, Any]) -> None:
        block, kind = self._blocks.get(index), delta.get("type")
        if block is None:
            self._let_go()
        elif kind in _WORDS:
            name = _WORDS[kind]
            block[name] = (block.get(name) or "") + (delta.get(name) or "")
        elif kind == "input_json_delta":
            if delta.get("partial_json"):
                self._input.setdefault(index, []).append(delta["partial_json"])
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or ()), delta.get("citation")]
        else:
            self._let_go()

    def _let_go(self) -> None:
        self._whole = False
        self._blocks.clear()
        self._input.clear()
