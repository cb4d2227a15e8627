"""Where an answer's claims come from: Gemini's grounding as OpenAI's `url_citation`.

Gemini gives offsets in UTF-8 bytes into the whole text of a candidate, thoughts left out, however many parts and
events the text came in; OpenAI gives them in characters. Source: Google's grounding page (groundingSupports,
groundingChunks), and recorded answers. Other models' citations are told to a Gemini client the same way.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from translators.ir import Json


class WireSegment(Struct, gc=False, rename="camel"):
    start_index: int = 0
    end_index: int = 0


class WireSupport(Struct, gc=False, rename="camel"):
    segment: WireSegment | None = None
    grounding_chunk_indices: list[int] | None = None


class WireSource(Struct, gc=False, rename="camel"):
    uri: str | None = None
    title: str | None = None


class WireChunk(Struct, gc=False, rename="camel"):
    web: WireSource | None = None
    retrieved_context: WireSource | None = None
    maps: WireSource | None = None


class WireGrounding(Struct, gc=False, rename="camel"):
    grounding_chunks: list[WireChunk] | None = None
    grounding_supports: list[WireSupport] | None = None
    web_search_queries: Json = None


def queries(grounding: WireGrounding) -> Iterator[str]:
    """What was searched for; some are told empty, which stand for no search."""
    told = grounding.web_search_queries
    return (one for one in (told if isinstance(told, list) else ()) if isinstance(one, str) and one)


class Ruler:
    """Turns byte offsets of a text that grows into character offsets, and back. Plain ASCII is not remembered."""

    __slots__ = ("_bytes", "_chars", "_pieces", "_starts")

    def __init__(self) -> None:
        self._bytes = 0
        self._chars = 0
        self._starts: list[int] = []
        """Byte offset at which each piece that is not ASCII begins."""
        self._pieces: list[tuple[int, bytes]] = []
        """Its character offset, and its bytes."""

    def add(self, text: str) -> None:
        size = len(text)
        if not text.isascii():
            data = text.encode(errors="surrogatepass")
            self._starts.append(self._bytes)
            self._pieces.append((self._chars, data))
            self._bytes += len(data) - size
        self._bytes += size
        self._chars += size

    def char(self, offset: int) -> int:
        """The character at byte `offset`; the ends of the text bound it."""
        offset = min(max(offset, 0), self._bytes)
        at = bisect_right(self._starts, offset) - 1
        if at < 0:
            return offset
        start, (chars, data) = self._starts[at], self._pieces[at]
        inside = data[: offset - start].decode(errors="ignore")
        return chars + len(inside) + max(0, offset - start - len(data))

    def byte(self, offset: int) -> int:
        """The byte at which character `offset` begins; the ends of the text bound it."""
        offset = min(max(offset, 0), self._chars)
        at = bisect_right(self._pieces, offset, key=lambda piece: piece[0]) - 1
        if at < 0:
            return offset
        start, (chars, data) = self._starts[at], self._pieces[at]
        words = data.decode(errors="surrogatepass")
        inside = words[: offset - chars].encode(errors="surrogatepass")
        return start + len(inside) + max(0, offset - chars - len(words))


def grounding(annotations: Sequence[Mapping[str, Json]], ruler: Ruler) -> dict[str, Json]:
    """`groundingMetadata` for the citations of a candidate whose text `ruler` knows; empty where there are none."""
    chunks: dict[str, dict[str, Json]] = {}
    supports: list[dict[str, Json]] = []
    for annotation in annotations:
        cited = annotation.get("url_citation")
        if not isinstance(cited, Mapping) or not isinstance(cited.get("url"), str):
            continue
        url, title = cited["url"], cited.get("title")
        place = list(chunks).index(url) if url in chunks else len(chunks)
        chunks.setdefault(url, {"web": {"uri": url, "title": title if isinstance(title, str) else ""}})
        supports.append({"segment": _segment(cited, ruler), "groundingChunkIndices": [place]})
    return {"groundingChunks": list(chunks.values()), "groundingSupports": supports} if supports else {}


def _segment(cited: Mapping[str, Json], ruler: Ruler) -> dict[str, Json]:
    start, end = cited.get("start_index"), cited.get("end_index")
    if not isinstance(start, int) or not isinstance(end, int):
        return {}
    return {"startIndex": ruler.byte(start), "endIndex": ruler.byte(end)}


def citations(groundings: Sequence[WireGrounding], ruler: Ruler) -> list[dict[str, Json]]:
    """Every claim with every source it rests on that has an address, each once."""
    found: dict[tuple[int, int, str], dict[str, Json]] = {}
    for grounding in groundings:
        for start, end, source in _claims(grounding):
            said = {
                "start_index": ruler.char(start),
                "end_index": ruler.char(end),
                "title": source.title or "",
                "url": source.uri,
            }
            found[start, end, source.uri or ""] = {"type": "url_citation", "url_citation": said}
    return list(found.values())


def _claims(grounding: WireGrounding) -> Iterator[tuple[int, int, WireSource]]:
    chunks = grounding.grounding_chunks or []
    for support in grounding.grounding_supports or ():
        segment = support.segment or WireSegment()
        for index in support.grounding_chunk_indices or ():
            chunk = chunks[index] if 0 <= index < len(chunks) else WireChunk()
            source = chunk.web or chunk.retrieved_context or chunk.maps
            if source is not None and source.uri:
                yield segment.start_index, segment.end_index, source
