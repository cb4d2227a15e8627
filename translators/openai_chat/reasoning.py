"""Reasoning in chat messages, where the dialect itself has no place for it.

Text travels as `reasoning_content` (DeepSeek's field, the one most clients know). Blocks and the blobs bound to them
travel as `reasoning_details` in OpenRouter's form: entries with `text` or `summary`, `signature` or `data`, and an
`index` that fragments of one block share. To that is added `origin`, the place a blob may go back to; an entry that
has it also ends its block. `thinking_blocks` (the Anthropic form that some clients keep) is read, never written.

A blob without an origin belongs nowhere: it was made before this proxy stood in between, or by who knows whom.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from translators.ir import Json, Opaque, Reasoning

FIELDS = ("reasoning_details", "thinking_blocks", "reasoning_content", "reasoning")
"""Where a message may hold it, the first that does being read."""


class Entry(Struct, frozen=True):
    """One `reasoning_details` entry, read."""

    text: str
    opaque: Opaque | None
    index: Json
    ends: bool


def read_entries(details: Iterable[Json], origin: str) -> Iterator[Entry]:
    """`origin` is the maker of the blobs; where it is empty each entry's own mark says it."""
    for detail in details:
        if not isinstance(detail, dict):
            continue
        text = detail.get("text") or detail.get("summary")
        opaque = _opaque(detail, origin)
        ends = opaque is not None or "origin" in detail
        yield Entry(text if isinstance(text, str) else "", opaque, detail.get("index"), ends)


def read_blocks(message: dict[str, Json], origin: str = "") -> list[Reasoning]:
    """The reasoning of a message: its details, else its thinking blocks, else its plain text."""
    details = message.get("reasoning_details")
    blocks = _grouped(read_entries(details, origin)) if isinstance(details, list) else []
    if not blocks and isinstance(message.get("thinking_blocks"), list):
        blocks = [_thinking_block(block) for block in message["thinking_blocks"] if isinstance(block, dict)]
    plain = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(plain, str) and plain and not any(block.text for block in blocks):
        first = blocks[0].opaque if blocks else None
        return [Reasoning(plain, first), *blocks[1:]]
    return blocks


def render_blocks(blocks: Sequence[Reasoning]) -> dict[str, Json]:
    """The message fields for these blocks; none for no blocks."""
    if not blocks:
        return {}
    fields: dict[str, Json] = {"reasoning_content": "".join(block.text for block in blocks)}
    details: list[Json] = []
    for index, block in enumerate(blocks):
        end = render_end(block.opaque, index)
        if "data" in end and block.text:
            details.append({"type": "reasoning.text", "text": block.text, "index": index})
        elif "data" not in end:
            end["text"] = block.text
        details.append(end)
    fields["reasoning_details"] = details
    return fields


def render_end(opaque: Opaque | None, index: int) -> dict[str, Json]:
    """The entry that ends block `index`."""
    if opaque is None:
        return {"type": "reasoning.text", "index": index, "origin": ""}
    marks = {"format": opaque.form, "index": index, "origin": opaque.origin}
    if opaque.form == "signature":
        return {"type": "reasoning.text", "signature": opaque.data, **marks}
    return {"type": "reasoning.encrypted", "data": opaque.data, **marks}


def has_blob(entry: Json) -> bool:
    """Whether this entry carries a blob."""
    return isinstance(entry, dict) and bool(entry.get("signature") or entry.get("data"))


def marked(details: Sequence[Json], origin: str) -> list[Json]:
    """The entries of an answer that passes through, each blob with the place it may go back to."""
    return [{**entry, "origin": origin} if has_blob(entry) else entry for entry in details]


def own(details: Sequence[Json], origin: str) -> list[Json]:
    """The entries of a history that may be sent to `origin`, without their marks.

    Entries that bear only other marks were made elsewhere, texts included; entries without any mark are the client's
    own, and lose what is bound to an unknown maker.
    """
    marks = {entry["origin"] for entry in details if isinstance(entry, dict) and isinstance(entry.get("origin"), str)}
    if marks and origin not in marks:
        return []
    return [
        _unmarked(entry) if isinstance(entry, dict) else entry
        for entry in details
        if not has_blob(entry) or entry.get("origin") == origin
    ]


def read_thinking(part: dict[str, Json], origin: str = "") -> Reasoning:
    """Mistral's `thinking` content part: text chunks, and a signature where there is one."""
    chunks = part.get("thinking")
    if isinstance(chunks, list):
        texts = (chunk.get("text") for chunk in chunks if isinstance(chunk, dict))
        chunks = "".join(text for text in texts if isinstance(text, str))
    return Reasoning(chunks if isinstance(chunks, str) else "", _opaque(part, origin))


def _unmarked(entry: dict[str, Json]) -> dict[str, Json]:
    """An entry as its maker wrote it: without the origin, and without a format of our own naming."""
    return {
        name: value
        for name, value in entry.items()
        if name != "origin" and not (name == "format" and value in ("signature", "redacted", "encrypted"))
    }


def _grouped(entries: Iterable[Entry]) -> list[Reasoning]:
    blocks: list[Reasoning] = []
    texts: list[str] = []
    index: Json = None
    for entry in entries:
        if entry.text:
            if texts and entry.index != index:
                blocks.append(Reasoning("".join(texts)))
                texts = []
            texts.append(entry.text)
            index = entry.index
        if entry.ends:
            blocks.append(Reasoning("".join(texts), entry.opaque))
            texts = []
    if texts:
        blocks.append(Reasoning("".join(texts)))
    return blocks


def _thinking_block(block: dict[str, Json]) -> Reasoning:
    text = block.get("thinking")
    return Reasoning(text if isinstance(text, str) else "", _opaque(block, "", redacted=True))


def _opaque(entry: dict[str, Json], origin: str, *, redacted: bool = False) -> Opaque | None:
    signature, data, mark = entry.get("signature"), entry.get("data"), entry.get("origin")
    maker = origin or (mark if isinstance(mark, str) else "")
    if isinstance(signature, str) and signature:
        return Opaque("signature", signature, maker)
    if isinstance(data, str) and data:
        kind = entry.get("format")
        redacted = redacted or (isinstance(kind, str) and kind.startswith(("redacted", "anthropic")))
        return Opaque("redacted" if redacted else "encrypted", data, maker)
    return None
