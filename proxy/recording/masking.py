r"""Blanks what must not stand in a recording, each character by another as long, so that every length stays true.

Worked on are the bytes as they came: a body keeps its size, its escapes and its places of a cut, and stays JSON (or an
event stream, or what was broken about it). Letters become `n`, digits `1`, other characters one of their size in UTF-8;
blanks, punctuation and escapes stay. A text that comes in pieces is blanked as it would be whole.

Rules
- Blobs that only their maker can read, and pictures, sounds and files in base64, are blanked in any case.
- Texts are blanked unless they are asked for. What stays is an allowlist of members whose values a wire format defines
  (`KEPT`); below a member that holds anybody's own data (`FREE`) nothing stays but the names of members.
- What a provider says of a failure (`error` where an answer has it of its own, and a whole body where asked for) stays:
  it decides what happens next. In a request, and of an item or a schema, what is called `error` is somebody's text.

Odd cases
- JSON within a text stays JSON (`inner`), its members' names too, since translated they may stand outside: that of a
  call's arguments, in pieces or not, and that which is a whole text of what is no event.
- What is no JSON is blanked as text; what is no UTF-8 stays none.
"""

import re
from enum import Enum
from typing import Final

from proxy.recording.inner import Inner

KEPT: Final = frozenset({
    "type", "object", "role", "model", "modelVersion", "id", "name", "index", "event", "code", "param", "status",
    "phase", "display", "include", "required", "$ref", "call_id", "tool_call_id", "tool_use_id", "item_id",
    "responseId", "response_id", "previous_response_id", "propertyOrdering", "jsonPath", "finish_reason",
    "native_finish_reason", "stop_reason", "finishReason", "reason", "blockReason", "blockReasonMessage", "category",
    "probability", "threshold", "media_type", "mime_type", "mimeType", "responseMimeType", "format", "detail",
    "encoding_format", "modality", "modalities", "responseModalities", "effort", "reasoning_effort", "thinkingLevel",
    "thinking_level", "verbosity", "truncation", "mode", "syntax", "ttl", "service_tier", "serviceTier",
    "trafficType", "system_fingerprint", "origin", "sidestep_origin", "provider", "tool_choice",
    "allowed_function_names", "allowedFunctionNames",
})  # fmt: skip
"""Members whose texts stay."""
BLOBS: Final = frozenset(
    {"signature", "thoughtSignature", "thought_signature", "encrypted_content", "data", "file_data", "b64_json"}
)
"""Members that are blanked wherever they stand."""
FREE: Final = frozenset({"input", "args", "arguments", "output", "result", "partMetadata", "variables"})
"""Members whose objects are anybody's own data."""
OWN: Final = frozenset({"metadata", "default", "const", "enum", "examples", "example"})
"""Members that are so whatever they hold."""
NUMBERS: Final = frozenset({"bytes", "embedding", "input", "prompt", "tokens"})
"""Members whose numbers are content: tokens, vectors."""
_OF_TOKEN = frozenset({"token", "logprob", "bytes"})
"""What a likely token's members are called; where they are called otherwise, they are called by the token itself."""
_ANSWERED = frozenset({"functionResponse", "function_response"})
_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Of a schema, what holds schemas by names of its author's: one called `input` or `enum` is a schema all the same."""
_FAILED = frozenset({"", "response", "choices"})
"""What an answer's own `error` is a member of: the answer, what an event tells of it, or one of its choices."""

_TOKEN = re.compile(
    rb'("(?:[^"\\]++|\\.)*+"\s*:\s*)'  # 1: a member's name
    rb'|("(?:[^"\\]++|\\.)*+"?)'  # 2: a text
    rb"|([\s,:]+|(?:true|false|null)\b)"  # 3: what stays wherever it is
    rb"|([{\[])"  # 4: an object or a list begins
    rb"|([}\]])"  # 5: and ends
    rb"|(-?\d[\d.eE+-]*)"  # 6: a number
    rb'|([^"{}\[\],:\s]+)',  # 7: no JSON
    re.DOTALL,
)
_LINE = re.compile(rb"[^\r\n]+|\r\n?|\n")
_DATA = re.compile(rb"data: ?")
_SUSPECTS = (*(f'"{name}"'.encode() for name in sorted(BLOBS)), b'"data:')
"""What a body holds that has anything to blank in any case."""
_LEADS = re.compile(rb"https?://|data:[^,\"]{0,100},|sidestep\.[a-z-]+\.[A-Za-z0-9_=-]*\.")
"""What a text or a blob may begin with and keep: an address's kind, a picture's, and whose a blob is."""
_INLINE = re.compile(rb"data:[^,\"]{0,100},")
_SPECIAL = re.compile(
    rb"\\u[0-9a-fA-F]{4}|\\."
    rb"|[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}|[\x80-\xff]",
    re.DOTALL,
)
"""Of a literal, what is not blanked byte by byte."""
_JSON = frozenset({"arguments", "partial_json"})
"""Members whose texts are JSON, or pieces of it."""
_ARGUING = "_arguments.delta"
"""How the type of an event ends whose `delta` is so, too."""
_PLACES = frozenset({"index", "output_index", "content_index", "item_id"})
"""Members that tell which of several texts a piece belongs to."""
_TELLING = _PLACES | {"type"}
_OF_SIZE = {2: "\u00f1".encode(), 3: "\u8a9e".encode(), 4: "\U0001f600".encode()}
_TABLE = bytes(
    ord("n") if chr(code).isalpha() and code < 0x80 else ord("1") if chr(code).isdigit() and code < 0x80 else code
    for code in range(256)
)
_DIGITS = bytes(ord("1") if 0x30 <= code < 0x3A else code for code in range(256))


class _Mode(Enum):
    STAYS = "all but blobs stays"
    LISTED = "what is listed stays"
    FREE = "nothing stays"


def masked(body: bytes, *, texts: bool, answer: bool = False, events: bool = False, failure: bool = False) -> bytes:
    """`body` as it may be kept, as long as it was. `texts`: only blobs are blanked; `answer`: it is no request's;
    `events`: it is an answer's event stream; `failure`: it is an error's."""
    stays = texts or failure
    if stays and not any(one in body for one in _SUSPECTS):
        return body
    if events:
        return _events(body, stays=stays)
    return _Scan(_Mode.STAYS if stays else _Mode.LISTED, answer=answer).fed(body)


def filler(text: bytes) -> bytes:
    """A JSON literal's content, or any text, blanked."""
    lead = _LEADS.match(text)
    start = lead.end() if lead is not None else 0
    out = bytearray(text[:start] + text[start:].translate(_TABLE))
    if b"\\" in text or not text.isascii():
        for found in _SPECIAL.finditer(text, start):
            out[found.start() : found.end()] = _special(found[0])
    return bytes(out)


def _special(piece: bytes) -> bytes:
    if piece[0] >= 0x80:
        return _OF_SIZE[len(piece)] if _is_text(piece) else b"\xff" * len(piece)
    return piece if len(piece) < 6 else piece[:-4] + _unit(int(piece[-4:], 16))


def _is_text(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unit(code: int) -> bytes:
    """Four hexadecimal digits in the place of a character's."""
    if 0xD800 <= code < 0xE000:
        return b"d83d" if code < 0xDC00 else b"de00"
    if code >= 0x80 or chr(code).isalpha():
        return b"006e"
    return b"0031" if chr(code).isdigit() else b"%04x" % code


def _events(body: bytes, *, stays: bool) -> bytes:
    """Each event's data is JSON, in one line or several."""
    mode = _Mode.STAYS if stays else _Mode.LISTED
    inners: dict[tuple[str, ...], Inner] = {}
    out, scan, blank = bytearray(), _Scan(mode, inners, answer=True), False
    for found in _LINE.finditer(body):
        line = found[0]
        if line[:1] in b"\r\n":
            if blank:
                scan = _Scan(mode, inners, answer=True)
            blank = True
            out += line
            continue
        blank = False
        head = _DATA.match(line)
        if head is not None:
            rest = line[head.end() :]
            out += head[0] + (rest if rest.strip() == b"[DONE]" else scan.fed(rest))
        else:
            out += line if stays or line.startswith((b"event:", b"id:", b"retry:")) else filler(line)
    return bytes(out)


class _Frame:
    """An open object or list; `key` is the member that is read, a list's is its own member's. `names_schemas`: what its
    members are called says nothing of what they are, which is schemas."""

    __slots__ = ("is_object", "key", "mode", "names_schemas", "of")

    def __init__(self, of: "_Frame | None", mode: _Mode, *, is_object: bool) -> None:
        self.of: _Frame | None = of
        self.mode = mode
        self.is_object = is_object
        self.key: str = "" if of is None or is_object else of.key
        self.names_schemas: bool = (
            is_object and of is not None and of.is_object and of.key in _SCHEMAS and not of.names_schemas
        )


class _Scan:
    """Reads one JSON text, in pieces if need be. What is wrong with it does not stop it."""

    def __init__(self, mode: _Mode, inners: dict[tuple[str, ...], Inner] | None = None, *, answer: bool) -> None:
        """`inners` are the texts within texts that other events began; None: it is no event."""
        self._inners = inners
        self._answer = answer
        self._arguing = False
        """Whether the event's `delta` is a piece of JSON."""
        self._place: list[str] = []
        """What told so far which text of several the event is about."""
        self._top = _Frame(None, mode, is_object=False)
        self._frame = self._top
        self._on = (self._name, self._text, None, self._open, self._close, self._number, self._else)
        """What each group of `_TOKEN` leads to."""

    def fed(self, data: bytes) -> bytes:
        out, on = [], self._on
        for found in _TOKEN.finditer(data):
            token = found[0]
            act = on[(found.lastindex or 7) - 1]
            out.append(token if act is None else act(token))
        return b"".join(out)

    def _name(self, token: bytes) -> bytes:
        frame, name = self._frame, token[1 : token.rindex(b'"')]
        frame.key = name.decode("utf-8", "replace")
        if self._parent() != "top_logprobs" or frame.mode is _Mode.STAYS or frame.key in _OF_TOKEN:
            return token
        return b'"' + filler(name) + token[len(name) + 1 :]

    def _open(self, token: bytes) -> bytes:
        is_object = token == b"{"
        self._frame = _Frame(self._frame, self._below(is_object=is_object), is_object=is_object)
        return token

    def _close(self, token: bytes) -> bytes:
        self._frame = self._frame.of or self._top
        return token

    def _number(self, token: bytes) -> bytes:
        frame = self._frame
        if frame.key in _PLACES:
            self._told(token)
        if frame.mode is _Mode.STAYS or (frame.mode is _Mode.LISTED and frame.key not in NUMBERS):
            return token
        return token.translate(_DIGITS)

    def _else(self, token: bytes) -> bytes:
        return token if self._frame.mode is _Mode.STAYS else filler(token)

    def _below(self, *, is_object: bool) -> _Mode:
        """How what stands below the member that is read is dealt with."""
        frame, key = self._frame, self._frame.key
        if frame.mode is not _Mode.LISTED:
            return frame.mode
        if key == "error" and self._answer and self._parent() in _FAILED:
            return _Mode.STAYS
        if is_object and frame.names_schemas:
            return _Mode.LISTED
        if key in OWN or (is_object and frame.is_object and key in FREE):
            return _Mode.FREE
        return _Mode.FREE if key == "response" and self._parent() in _ANSWERED else _Mode.LISTED

    def _parent(self) -> str:
        """The member that the open object is the value of."""
        of = self._frame.of
        return of.key if of is not None else ""

    def _text(self, token: bytes) -> bytes:
        key = self._frame.key
        if key in _TELLING:
            self._told(token)
        if key in BLOBS or not self._stays(key) or _INLINE.match(token, 1) is not None:
            return self._filled(token)
        return token

    def _filled(self, token: bytes) -> bytes:
        end = len(token) - 1 if len(token) > 1 and token.endswith(b'"') else len(token)
        return b'"' + self._blanked(token[1:end]) + token[end:]

    def _blanked(self, text: bytes) -> bytes:
        key = self._frame.key
        if self._inners is None:
            is_json = key in _JSON or (text.startswith(b"{") and text.endswith(b"}"))
            return Inner(filler).fed(text) if is_json and key not in BLOBS else filler(text)
        if key in _JSON or (self._arguing and key == "delta"):
            return self._inners.setdefault((key, *self._place), Inner(filler)).fed(text)
        return filler(text)

    def _told(self, token: bytes) -> None:
        """A value that may tell what the event is about."""
        if self._inners is None:
            return
        key = self._frame.key
        if key in _PLACES:
            self._place.append(token.decode("latin-1"))
        elif key == "type" and self._frame.of is self._top:
            self._arguing = token.strip(b'"').decode("latin-1").endswith(_ARGUING)

    def _stays(self, key: str) -> bool:
        mode = self._frame.mode
        if mode is not _Mode.LISTED:
            return mode is _Mode.STAYS
        return key in KEPT and not (key == "name" and self._parent() == "messages")  # a person's, not a tool's
