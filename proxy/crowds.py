"""How much one request may hold, so that no client keeps the event loop, and so all others, waiting for long.

A body is parsed, looked at and translated in one go, and what that takes goes by how many things it holds, not by its
bytes. So the things are bounded: a body above 512 KiB by what its text shows before it is parsed, any but a small one
by the lists that a translation goes through item by item. Text may be as long as the body may.

Counted in the text is what stands outside its strings: a tool's result that is itself JSON is one string.
"""

from typing import Any

from translators.faults import Malformed

LARGE = 524_288
"""Bytes; a smaller body cannot hold more than can be afforded."""
SMALL = 8_192
"""Bytes; a smaller body cannot hold as much as the lists below may."""
STRUCTURES_CAP = 65_536
"""Arrays, objects and the names in them: each costs some hundred bytes of memory, and a translation microseconds."""
VALUES_CAP = 524_288
"""Of all kinds together; OpenAI takes 300,000 tokens for the embeddings of one request."""
PARTS_CAP = 16_384
"""Messages or items, and the parts of all of them together."""
CALLS_CAP = 4_096
"""Calls of tools in all messages of a chat: they take most of the time."""
TOOLS_CAP = 1_024
"""OpenAI takes 128."""
ESCAPES_CAP = 8_388_608
"""Backslashes of a body that is looked through for what stands in strings: each costs time to pass over."""
_TOO_MANY = "array_above_max_length"
_TURNS = ("messages", "input", "system")
_PARTS = ("content", "output", "summary")


def check_text(body: bytes) -> None:
    """Raises Malformed for a body of more than memory and time allow, before it is parsed."""
    if len(body) <= LARGE:
        return
    if _structures(body) <= STRUCTURES_CAP and body.count(b",") < VALUES_CAP:
        return  # even if all of them stood outside strings
    if body.count(b"\\") > ESCAPES_CAP:
        raise _too_large(f"{ESCAPES_CAP} escaped characters")
    body = body.replace(b"\\\\", b"").replace(b'\\"', b"")  # every quote left begins or ends a string
    if body.count(b'"') > 2 * VALUES_CAP:
        raise _too_large(f"{VALUES_CAP} values")
    bare = b"".join(body.split(b'"')[::2])
    if _structures(bare) > STRUCTURES_CAP:
        raise _too_large(f"{STRUCTURES_CAP} arrays, objects and names in them")
    if bare.count(b",") >= VALUES_CAP:
        raise _too_large(f"{VALUES_CAP} values")


def _structures(text: bytes) -> int:
    return text.count(b"{") + text.count(b"[") + text.count(b":")


def _too_large(of: str) -> Malformed:
    return Malformed(f"The request body holds more than {of}.", code="body_too_large", status=413)


def check_lists(payload: Any) -> None:
    """Raises Malformed, naming the field, for more tools or parts than time allows. Whether they are what they should
    be is another's to say."""
    if not isinstance(payload, dict):
        return
    for name in ("tools", "functions"):
        if _length(payload.get(name)) > TOOLS_CAP:
            raise _crowded(name, f"{TOOLS_CAP} tools")
    for name in _TURNS:
        turns = payload.get(name)
        if isinstance(turns, list):
            _check_turns(name, turns)


def _check_turns(name: str, turns: list[Any]) -> None:
    parts, calls = 0, 0
    for turn in turns:
        if isinstance(turn, dict):
            calls += _length(turn.get("tool_calls"))
            parts += 1 + _parts(turn)
            content = turn.get("content")
            if isinstance(content, list):  # results of tools have parts in their turn
                parts += sum(_parts(part) for part in content if isinstance(part, dict))
        if parts > PARTS_CAP:
            raise _crowded(name, f"{PARTS_CAP} parts in all")
    if calls > CALLS_CAP:
        raise _crowded(name, f"{CALLS_CAP} calls of tools in all")


def _parts(of: dict[str, Any]) -> int:
    return sum(_length(of.get(name)) for name in _PARTS)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0


def _crowded(name: str, of: str) -> Malformed:
    return Malformed(f"The field {name} holds more than {of}.", param=name, code=_TOO_MANY)
