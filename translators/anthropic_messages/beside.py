"""What an Anthropic answer says beside its content: what its text was taken from, and why it ended.

Citations of web pages have a form in other dialects; those of documents, the category of a refusal and a stop reason of
tomorrow have none, and become `Lost`, so that whoever reads the answer in another dialect is told. Source: Anthropic's
Messages reference (citations, `stop_details`, stop reasons).
"""

from collections.abc import Iterable

from msgspec import Struct

from translators.anthropic_messages.wire import DECLINED, FINISHES
from translators.ir import Delta, Finish, Json, Lost, RefusalDelta

WEB = "web_search_result_location"
CALLS_DECLINED = Lost("answer.tool_calls", "the answer ended in a refusal, so they are not to be run")
DOCUMENTS_CITED = Lost("answer.citations", "a citation of a document has no form but anthropic's")


class Citation(Struct):
    type: str = ""
    url: str | None = None
    title: str | None = None


class StopDetails(Struct):
    explanation: str | None = None
    category: str | None = None


def explanation(details: StopDetails | None) -> str:
    """What a refusal says for itself."""
    return (details.explanation if details is not None else None) or DECLINED


def lost_at_end(stop_reason: str, details: StopDetails | None) -> list[Lost]:
    """What of an answer's end no other dialect can say."""
    lost: list[Lost] = []
    if details is not None and details.category:
        lost.append(Lost("answer.stop_details.category", f"the refusal's category was {details.category[:40]}"))
    if stop_reason not in FINISHES:
        why = f"it ended with {stop_reason[:40]}, which is not known here, and was told as a plain end"
        lost.append(Lost("answer.finish_reason", why, guessed=True))
    return lost


def last_words(stop_reason: str, finish: Finish, details: StopDetails | None, *, declined: bool) -> list[Delta]:
    """What a stream says before its `Ended`; `declined` where that takes calls back."""
    refusal = [RefusalDelta(explanation(details))] if finish is Finish.CONTENT_FILTER else []
    return [*refusal, *([CALLS_DECLINED] if declined else ()), *lost_at_end(stop_reason, details)]


def documents_cited(citations: Iterable[Citation]) -> list[Lost]:
    """Whether anything but a web page was cited."""
    return [DOCUMENTS_CITED] if any(one.type != WEB for one in citations) else []


def cited(citations: Iterable[Citation], start: int, end: int) -> list[dict[str, Json]]:
    """OpenAI's url_citation for each web citation of the text between two character offsets."""
    return [
        {
            "type": "url_citation",
            "url_citation": {"start_index": start, "end_index": end, "title": one.title or "", "url": one.url},
        }
        for one in citations
        if one.type == WEB and one.url
    ]
