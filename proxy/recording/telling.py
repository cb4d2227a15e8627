"""From a tape to the line that is written: headers by allowlist, bodies masked, keys struck out."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import orjson

from proxy import __version__
from proxy.flow import Headers
from proxy.recording.form import EXACT, MASKED, VERSION, Call, Line
from proxy.recording.masking import masked
from proxy.recording.tape import Noted, Tape
from proxy.telemetry.names import KEEP_ALIVE, METADATA, MODE, READ_TIMEOUT, REQUEST_TIMEOUT, RETRY_COUNT, SDK_TIMEOUT

ASKED: Final = frozenset(
    {
        *("accept", "content-type", "user-agent", "anthropic-version", "anthropic-beta", "openai-beta"),
        *(KEEP_ALIVE, METADATA, MODE, READ_TIMEOUT, REQUEST_TIMEOUT, RETRY_COUNT, SDK_TIMEOUT),
    }
)
"""Headers of a request that are kept."""
ANSWERED: Final = frozenset(
    {
        *("content-type", "cache-control", "date", "retry-after", "retry-after-ms", "x-should-retry", "allow"),
        *("openai-processing-ms", "openai-version"),
        *("x-request-id", "request-id", "x-ms-request-id", "apim-request-id"),
    }
)
"""Headers of an answer that are kept, beside those that begin as follows."""
ANSWERED_SO: Final = ("x-ratelimit-", "anthropic-ratelimit-", "anthropic-priority-", "x-sidestep-", "x-upstream-")
SOURCE: Final = f"sidestep {__version__}"
STRUCK_FROM: Final = 8
"""A shorter key is not looked for: it would be found in words."""

_IN_PATH = re.compile(r"/models/([^/:?]+)")
_encode = msgspec.json.Encoder().encode


def line_of(tape: Tape, *, texts: bool, lost: int) -> bytes:
    """One line, its end included. `texts`: texts are kept; `lost`: exchanges that could not be written so far."""
    facts = tape.facts
    if facts is None or tape.body is None:
        raise ValueError("only an exchange that has been read and has ended can be told")
    line = Line(
        **_talk(tape.body, tape.headers, tape.pieces, facts.status, tape, texts=texts),
        id=facts.id,
        provider=facts.provider,
        endpoint=facts.route,
        method=facts.method,
        url=facts.path,
        request_headers=facts.headers,
        stream=facts.stream,
        model=facts.asked,
        recording=VERSION,
        at=round(tape.at, 4),
        clock=round(tape.began, 4),
        ms=_ms(facts.ended - tape.began),
        client=facts.client,
        attempts=facts.attempts,
        skipped=facts.skipped,
        kind=facts.kind,
        code=facts.code,
        translation=facts.translation,
        cut=tape.cut,
        stopped=facts.stopped,
        before=tape.before,
        lost=lost,
        calls=[_call(noted, tape, place, texts=texts) for place, noted in enumerate(tape.calls, 1)],
    )
    return struck(_encode(line), tape.secrets) + b"\n"


def _talk(
    asked: bytes, headers: Headers, pieces: Sequence[bytes], status: int, tape: Tape, *, texts: bool
) -> dict[str, Any]:
    """The fields of a request's body and its answer, whoever asked."""
    heard = _headers(headers)
    sse = heard.get("content-type", "").startswith("text/event-stream")
    body, text = _asked(asked, texts=texts)
    said, raw = _answered(struck(b"".join(pieces), tape.secrets), texts=texts, sse=sse, status=status)
    return {
        "source": SOURCE,
        "request_body": body,
        "request_text": text,
        "status": status,
        "response_headers": heard,
        "response_body": said,
        "response_base64": raw,
        "sse": sse,
        "chunk_lens": [len(piece) for piece in pieces],
        "fidelity": EXACT if texts else MASKED,
    }


def struck(data: bytes, secrets: Iterable[str]) -> bytes:
    """`data` with each of the secrets made stars, however JSON writes it."""
    for secret in secrets:
        if len(secret) < STRUCK_FROM:
            continue
        for form in {secret.encode(), orjson.dumps(secret)[1:-1]}:
            data = data.replace(form, b"*" * len(form))
    return data


def _call(noted: Noted, tape: Tape, place: int, *, texts: bool) -> Call:
    call = noted.call
    sent = call.body if isinstance(call.body, bytes) else b""
    talk = _talk(sent, noted.headers, [data for _, data in noted.pieces], noted.status, tape, texts=texts)
    return Call(
        **talk,
        id=f"{tape.facts.id if tape.facts else ''}.{place}",
        provider=noted.provider.name,
        endpoint=call.url.removeprefix(noted.provider.base_url).partition("?")[0],
        method=call.method,
        url=call.url,
        request_headers=kept(call.headers),
        stream=call.stream,
        model=model_of(talk["request_body"], call.url),
        dialect=noted.provider.dialect.value,
        sent_ms=_ms(noted.sent - tape.began),
        head_ms=_ms(noted.head - noted.sent) if noted.status else None,
        chunk_ms=[_ms(at - noted.sent) for at, _ in noted.pieces],
        ended_ms=_ms(noted.ended - noted.sent),
        end="whole" if noted.whole else "closed" if noted.error is None else "failed",
        error=type(noted.error).__name__ if noted.error is not None else "",
        why=str(noted.error) if noted.error is not None else "",
    )


def kept(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of a request's headers, those that are recorded, whoever sent them."""
    return {name: value for name, value in headers if name in ASKED}


def model_of(body: Any, url: str) -> str:
    """The model that a call is for: its body names it, or its path."""
    named = body.get("model") if isinstance(body, Mapping) else None
    if isinstance(named, str):
        return named
    found = _IN_PATH.search(url)
    return found[1] if found is not None else ""


def _asked(body: bytes, *, texts: bool) -> tuple[Any, str | None]:
    """A request's body: parsed, or as text where it is no JSON."""
    kept = masked(body, texts=texts)
    try:
        return orjson.loads(kept), None
    except orjson.JSONDecodeError:
        return None, kept.decode("utf-8", "backslashreplace")


def _answered(body: bytes, *, texts: bool, sse: bool, status: int) -> tuple[str | None, str | None]:
    """An answer's body: as text, or in base64 where it is no UTF-8."""
    kept = masked(body, texts=texts, answer=True, events=sse, failure=status >= 400)
    try:
        return kept.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(kept).decode()


def _headers(headers: Headers) -> dict[str, str]:
    return {name: value for name, value in headers if name in ANSWERED or name.startswith(ANSWERED_SO)}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
